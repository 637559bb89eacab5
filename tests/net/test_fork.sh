#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An SBC that forks: two early dialogs, one is answered, the other goes away by itself (RFC 3261 13.2.2.4).
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'timers: {t1: 100ms}'
test_up
test_peers <<'PYTHON'
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
carrier.send(carrier.request("INVITE"))
callee, invite = receive_any(sbcs, "INVITE")
for tag in ("one", "two"):
    callee.answer(invite, 180, "Ringing", tag=tag)
    check(carrier.expect(180).tag("to") == tag, "a 180 of the other branch")
callee.answer(invite, 200, "OK", tag="two")
ok = carrier.expect(200)
side = Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
side.send("ACK", cseq=1)
callee.expect("ACK")
side.send("BYE")
callee.answer(callee.expect("BYE"), 200, "OK")
carrier.expect(200)
passed()
PYTHON
# 64 times T1 after the 200.
test_no_dialogs 45
test_done
