#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A source that is no peer gets no answer, whatever it sends, and no call goes on.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_peers <<'PYTHON'
from sip_peer import *

stranger, sbcs = Peer("stranger"), [Peer("sbc1"), Peer("sbc2")]
for method in ("INVITE", "REGISTER", "BYE", "MESSAGE"):
    stranger.send(stranger.request(method))
stranger.send("INVITE sip:x SIP/2.0\r\n\r\n")
stranger.expect_nothing(1)
for sbc in sbcs:
    sbc.expect_nothing(0.2)
# It may not speak inside somebody else's dialog either.
carrier = Peer("carrier")
call = Call(carrier, sbcs)
bye = call.caller.request("BYE").replace(carrier.here, stranger.here)
stranger.send(bye)
stranger.expect_nothing(0.5)
call.callee.peer.expect_nothing(0.2)
call.hang_up()
passed()
PYTHON
expect_counted dialgate_packets_total 5 'reason="unknown_source"'
test_no_dialogs
test_done
