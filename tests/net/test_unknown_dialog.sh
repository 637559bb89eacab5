#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A request for a dialog that is not here: 481, but with a route set that we made it goes where that leads.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_caller uac_unknown_dialog 5 5
test_peers <<'PYTHON'
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
call = Call(carrier, sbcs)
callee = call.callee.peer
call.hang_up()
# The dialog is gone; its Record-Route still names us and both sides.
call.caller.send("INFO")
info = callee.expect("INFO")
callee.answer(info, 481, "Call Does Not Exist")
carrier.expect(481)
call.callee.send("INFO")
info = carrier.expect("INFO")
carrier.answer(info, 481, "Call Does Not Exist")
callee.expect(481)
# The same route set with a changed cookie is none of ours.
call.caller.routes = [re.sub(r"([0-9A-Za-z])([^0-9A-Za-z]*)>$", lambda m: ("0" if m.group(1) != "0" else "1") + m.group(2) + ">", r) for r in call.caller.routes]
call.caller.send("INFO")
answer = carrier.receive(2)
check(answer is None or answer.status in (403, 404, 481), f"{answer and answer.start} for a forged route set")
callee.expect_nothing(0.5)
passed()
PYTHON
test_done
