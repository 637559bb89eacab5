#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Messages after RFC 4475 and RFC 5118 over the wire: each meets what tests/torture/table.tsv allows, and the next call works.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_peers <<'PYTHON'
import torture
from sip_peer import *

# The Vias of the messages name these ports.
carriers, sbcs = [Peer("carrier", port) for port in (5060, 5062, 6050)], [Peer("sbc1"), Peer("sbc2")]
wrong = torture.run(carriers, sbcs)
check(not wrong, "; ".join(wrong))
for sbc in sbcs:
    while sbc.receive(0.3) is not None:
        pass
Call(Peer("carrier", 5070), sbcs).hang_up()
passed()
PYTHON
test_outcomes
test_done
