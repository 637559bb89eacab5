#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A caller gives up on our 100. The callee may not have answered yet: then the CANCEL waits for its first
# provisional response (RFC 3261 9.1).
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_callees uas_cancelled
test_caller uac_cancel_at_once 20 20
test_callees_saw 20
# A callee that stays silent until after the CANCEL: nothing may be sent to it before its 180.
lab_stop sbc1 sbc2 || true
test_peers <<'PYTHON'
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
branch, call_id, tag = unique("z9hG4bK"), unique("late-"), unique("f")
carrier.send(carrier.request("INVITE", branch=branch, call_id=call_id, from_tag=tag))
callee, invite = receive_any(sbcs, "INVITE")
carrier.expect(100)
carrier.send(carrier.request("CANCEL", branch=branch, call_id=call_id, from_tag=tag))
carrier.expect(200)
# T1 is 500 ms: repeats of the INVITE may come, a CANCEL may not.
repeat = callee.receive(0.3)
check(repeat is None or repeat.method == "INVITE", f"{repeat and repeat.start} before any provisional response")
callee.answer(invite, 180, "Ringing", tag="late")
while True:
    cancel = callee.receive()
    check(cancel is not None, "no CANCEL after the 180")
    if cancel.method == "CANCEL":
        break
check(cancel.branch() == invite.branch(), "the CANCEL has another branch than the INVITE")
check(cancel.get("cseq").split()[0] == invite.get("cseq").split()[0], "the CANCEL has another CSeq number")
callee.answer(cancel, 200, "OK")
callee.answer(invite, 487, "Request Terminated", tag="late")
callee.expect("ACK")
while (final := carrier.receive()) is not None and final.status < 200:
    pass
check(final is not None and final.status == 487, "no 487")
passed()
PYTHON
test_no_dialogs 60
test_done
