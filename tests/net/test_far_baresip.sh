#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# baresip as the far end of an application's calls, in both roles: answered, held from either side, asked inside the call, refused,
# sent elsewhere, given up. It transfers us and is transferred by us; and the libdialgate examples at work on it.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/far_phones.sh
. "$NET/far_phones.sh"

command -v baresip >/dev/null || skip "needs baresip"

is_attached() # APPLICATION
{
    lab_ctl --json application list | python3 -c '
import json, sys
sys.exit(not any(one["application"] == sys.argv[1] and one["attached"] for one in json.load(sys.stdin)["applications"]))' "$1"
}

far_begin
test_up
far_baresip carrier alice
far_baresip sbc1 bob
far_baresip sbc2 carol
# The examples of libdialgate.
lab_start switch core "$LAB_BUILD/tests/unit/control/transfer_desk" switch "$LAB_RUN/control.sock" sip:carol@10.10.0.10
lab_wait 30 'the switch is attached' is_attached switch || fail "$(tail "$LAB_DIR/switch.log")"
test_peers "$LAB_RUN" "$LAB_BUILD/tests/unit/control/click_to_dial" <<'PYTHON'
import atexit
import subprocess
import sys

from baresip import Phone
from far_desk import *
from sip_peer import PATIENCE, passed

desk = Desk()
alice, bob, carol = Phone("carrier"), Phone("sbc1"), Phone("sbc2")


def from_alice():
    alice.do("dial", "sip:900@10.10.0.10")
    dialog = desk.incoming()
    alice.wait("CALL_RINGING")
    desk.answer(dialog)
    alice.wait("CALL_ESTABLISHED")
    return dialog


def to_bob(**fields):
    dialog = desk.place("sip:bob@10.20.0.11", **fields)
    bob.wait("CALL_INCOMING")
    desk.rings(dialog)
    return dialog


def over(*phones):
    for phone in phones:
        phone.wait("CALL_CLOSED")


# It calls us: it holds, we hold, it sends digits, we ask it for its options; it hangs up.
dialog = from_alice()
alice.do("hold")
desk.asked(dialog, "INVITE", body=SDP)
alice.do("resume")
desk.asked(dialog, "INVITE", body=SDP)
alice.wait("CALL_REMOTE_SDP")
alice.wait("CALL_REMOTE_SDP")
desk.call("ua.hold", dialog=dialog, tag="hold")
desk.answered("hold")
alice.wait("CALL_REMOTE_SDP")
desk.call("ua.unhold", dialog=dialog, tag="unhold")
desk.answered("unhold")
alice.wait("CALL_REMOTE_SDP")
desk.call("ua.request", dialog=dialog, method="OPTIONS", tag="options")
desk.answered("options")
check(desk.update(dialog)["status"] == 501, "it has no UPDATE")
alice.do("hangup")
desk.ended(dialog, "remote")
alice.forget()
# We hang up; refuse; it gives up; we send it to bob.
dialog = from_alice()
desk.hang_up(dialog)
over(alice)
alice.do("dial", "sip:900@10.10.0.10")
dialog = desk.incoming()
desk.call("ua.reject", dialog=dialog, status=486)
desk.event("ended", dialog=dialog)
over(alice)
alice.do("dial", "sip:900@10.10.0.10")
dialog = desk.incoming()
alice.wait("CALL_RINGING")
alice.do("hangup")
desk.event("cancelled", dialog=dialog)
desk.ended(dialog, "remote")
alice.forget()
alice.do("dial", "sip:900@10.10.0.10")
dialog = desk.incoming()
desk.call("ua.redirect", dialog=dialog, targets=["sip:bob@10.10.0.10"])
bob.wait("CALL_INCOMING")
bob.do("accept")
alice.wait("CALL_ESTABLISHED")
desk.event("ended", dialog=dialog)
alice.do("hangup")
over(bob)
alice.forget()
# We call it: it hangs up, refuses, is given up; without a description in the INVITE.
dialog = to_bob()
bob.do("accept")
desk.event("answered", dialog=dialog)
bob.wait("CALL_ESTABLISHED")
bob.do("hold")
desk.asked(dialog, "INVITE", body=SDP)
bob.do("resume")
desk.asked(dialog, "INVITE", body=SDP)
bob.do("hangup")
desk.ended(dialog, "remote")
bob.forget()
dialog = to_bob()
bob.do("hangup")
check(desk.event("failed", dialog=dialog)["status"] == 486, "a refusal")
bob.forget()
dialog = to_bob()
desk.call("ua.cancel", dialog=dialog)
desk.ended(dialog, "local")
over(bob)
# It transfers us: to bob, who answers; to somebody whom the policy does not allow; to bob, who refuses.
dialog = from_alice()
alice.do("transfer", "sip:bob@10.10.0.10")
bob.wait("CALL_INCOMING")
bob.do("accept")
bob.wait("CALL_ESTABLISHED")
refer = desk.event("refer", dialog=dialog)["refer"]
progress = desk.transfer_ends(refer, 200)
desk.ended(dialog, "remote")
over(alice)
bob.do("hangup")
desk.ended(progress["target"], "remote")
bob.forget()
dialog = from_alice()
alice.do("transfer", "sip:0900@10.10.0.10")
alice.wait("TRANSFER_FAILED")
# A baresip 1.0 whose transfer fails ends its call.
desk.ended(dialog, "remote")
dialog = from_alice()
alice.do("transfer", "sip:bob@10.10.0.10")
bob.wait("CALL_INCOMING")
bob.do("hangup")
alice.wait("TRANSFER_FAILED")
desk.ended(dialog, "remote")
bob.forget()
dialog = from_alice()
# We transfer it: to bob, who refuses, and then answers.
refer = desk.call("refer.send", dialog=dialog, to="sip:bob@10.10.0.10")["refer"]
bob.wait("CALL_INCOMING")
bob.do("hangup")
bob.forget()
desk.transfer_ends(refer, 486)
refer = desk.call("refer.send", dialog=dialog, to="sip:bob@10.10.0.10")["refer"]
bob.wait("CALL_INCOMING")
bob.do("accept")
bob.wait("CALL_ESTABLISHED")
desk.transfer_ends(refer, 200)
desk.hang_up(dialog)
bob.do("hangup")
bob.forget()
over(alice, alice, alice)  # with us, and both with bob
# Two calls connected, the offer of one in the other's INVITE (RFC 3725); a caller who is transferred.
dial = subprocess.Popen([*sys.argv[2:], "dial", "sip:alice@10.10.0.10", "sip:bob@10.20.0.10", f"{sys.argv[1]}/control.sock"])
atexit.register(dial.kill)
for phone in (alice, bob):
    phone.wait("CALL_INCOMING")
    phone.do("accept")
for phone in (alice, bob):
    phone.wait("CALL_ESTABLISHED")
alice.do("hangup")
over(bob)
check(dial.wait(PATIENCE) == 0, "click_to_dial")
alice.forget()
alice.do("dial", "sip:901@10.10.0.10")
carol.wait("CALL_INCOMING")
carol.do("accept")
carol.wait("CALL_ESTABLISHED")
over(alice)
alice.do("hangup")
over(carol)
passed()
PYTHON
test_ends switch
test_no_dialogs
test_outcomes
test_done
