#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Nobody answers an INVITE: 408 (timer B, shortened). For other methods no final answer is made up (RFC 4320).
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'timers: {t1: 100ms, b: 2s}'
test_up
test_callees uas_silent
sed 's/STATUS/408/' "$SIPP_SCENARIOS/uac_refused.xml" >"$LAB_DIR/uac_408.xml"
test_caller uac_408 5 5
test_no_dialogs
expect_equal "answers with 408" 5 "$(lab_metric dialgate_answers_total 'status="408"')"
lab_stop sbc1 sbc2 || true
test_peers <<'PYTHON'
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
carrier.send(carrier.request("MESSAGE"))
receive_any(sbcs, "MESSAGE")
# Timer E of the client would have come to T2 by now: a 100 is due, and nothing else (RFC 4320 4.1).
carrier.expect(100, 10)
# Longer than timer F of this configuration.
carrier.expect_nothing(4)
passed()
PYTHON
test_done
