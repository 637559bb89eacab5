#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# linphone as the far end of an application's calls, in both roles: answered, held from either side, refused, given up, messages,
# 100rel, UPDATE, session timers;
# three parties in attended transfers (RFC 3891, 5589): it refers us, and we refer it, with Replaces.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/far_phones.sh
. "$NET/far_phones.sh"

command -v linphone-daemon >/dev/null || skip "needs linphone-daemon"

far_begin
test_up
far_linphone sbc1 bob
far_linphone sbc2 carol
export LAB_RUN
test_peers "$LAB_RUN" <<'PYTHON'
from far_desk import *
from linphone import Linphone
from sip_peer import passed

desk, strict = Desk(), Desk("strict")
bob, carol = Linphone("sbc1"), Linphone("sbc2")


def from_bob():
    bob.dial("sip:900@10.20.0.10")
    dialog = desk.incoming()
    bob.wait("LinphoneCallOutgoingRinging")
    desk.answer(dialog, contact="sip:900@10.20.0.10")
    bob.wait("LinphoneCallStreamsRunning")
    return dialog


def to_carol():
    dialog = desk.place("sip:carol@10.20.0.12")
    carol.incoming()
    desk.rings(dialog)
    return dialog


def carol_answers(dialog):
    carol.do(f"answer {carol.last}")
    desk.event("answered", dialog=dialog)
    carol.wait("LinphoneCallStreamsRunning")
    return dialog


# It calls us: it holds, we hold; it hangs up.
dialog = from_bob()
bob.do(f"call-pause {bob.last}")
desk.asked(dialog, "INVITE", body=SDP.replace("t=0 0", "t=0 0\r\na=recvonly"))
bob.wait("LinphoneCallPaused")
bob.do(f"call-resume {bob.last}")
desk.asked(dialog, "INVITE", body=SDP)
bob.wait("LinphoneCallStreamsRunning")
desk.call("ua.hold", dialog=dialog, tag="hold")
desk.answered("hold")
bob.wait("LinphoneCallPausedByRemote")
desk.call("ua.unhold", dialog=dialog, tag="unhold")
desk.answered("unhold")
bob.wait("LinphoneCallStreamsRunning")
bob.do(f"terminate {bob.last}")
desk.ended(dialog, "remote")
bob.wait("LinphoneCallReleased")
# We hang up; refuse; it gives up.
dialog = from_bob()
desk.hang_up(dialog)
bob.wait("LinphoneCallEnd")
bob.dial("sip:900@10.20.0.10")
dialog = desk.incoming()
desk.call("ua.reject", dialog=dialog, status=486)
desk.event("ended", dialog=dialog)
bob.wait("LinphoneCallError")
bob.dial("sip:900@10.20.0.10")
dialog = desk.incoming()
bob.wait("LinphoneCallOutgoingRinging")
bob.do(f"terminate {bob.last}")
desk.event("cancelled", dialog=dialog)
desk.ended(dialog, "remote")
# We call it: it hangs up, refuses, is given up.
dialog = carol_answers(to_carol())
carol.do(f"terminate {carol.last}")
desk.ended(dialog, "remote")
dialog = to_carol()
carol.do(f"terminate {carol.last}")
check(desk.event("failed", dialog=dialog)["status"] == 603, "a refusal")
dialog = to_carol()
desk.call("ua.cancel", dialog=dialog)
desk.ended(dialog, "local")
carol.wait("LinphoneCallEnd")
# Messages either way.
desk.call("ua.request", method="MESSAGE", to="sip:carol@10.20.0.12", body="hello", content_type="text/plain", tag="message")
desk.answered("message")
check(carol.message()["Content"] == '"hello"', "what the message says")
bob.do("message sip:900@10.20.0.10 well")
event = desk.event("request", method="MESSAGE")
check(event["message"]["body"] == "well", event)
desk.call("ua.respond", request=event["request"], status=200)
# 100rel both ways (RFC 3262): our 183 gets its PRACK, the 200 waits for it; where we require it, its 180 has ours. UPDATE. Its
# session timer and ours (RFC 4028): the interval is agreed.
bob.dial("sip:900@10.20.0.10")
event = desk.event("incoming")
dialog = event["dialog"]
check(header(event, "session-expires") == "600" and "100rel" in header(event, "supported"), event)
desk.call("ua.progress", dialog=dialog, status=183, body=SDP, reliable=True)
bob.wait("LinphoneCallOutgoingEarlyMedia")
desk.call("ua.answer", dialog=dialog, contact="sip:900@10.20.0.10")
desk.event("ack", dialog=dialog)
bob.wait("LinphoneCallStreamsRunning")
check(desk.update(dialog)["status"] == 200, "UPDATE")
desk.hang_up(dialog)
bob.wait("LinphoneCallReleased")
dialog = strict.place("sip:carol@10.20.0.12", session_expires=90)
carol.incoming()
event = strict.event("progress", dialog=dialog, status=180)
check("100rel" in header(event, "require"), event)
carol.do(f"answer {carol.last}")
event = strict.event("answered", dialog=dialog)
check(header(event, "session-expires") == "90;refresher=uas", event)
carol.wait("LinphoneCallStreamsRunning")
event = strict.update(dialog)
check(event["status"] == 200 and header(event, "session-expires") == "90;refresher=uas", event)
strict.hang_up(dialog)
carol.wait("LinphoneCallReleased")
# Blind transfers: bob transfers us to carol; we transfer her.
dialog = from_bob()
bob.do(f"call-transfer {bob.last} sip:carol@10.20.0.10")
carol.incoming()
carol.do(f"answer {carol.last}")
carol.wait("LinphoneCallStreamsRunning")
desk.ended(dialog, "remote")
carol.do(f"terminate {carol.last}")
carol.wait("LinphoneCallReleased")
dialog = from_bob()
refer = desk.call("refer.send", dialog=dialog, to="sip:carol@10.20.0.10")["refer"]
desk.asked(dialog, "INVITE", body=SDP)  # it holds us while it calls
bob.incoming("LinphoneCallOutgoingInit")
carol.incoming()
carol.do(f"answer {carol.last}")
desk.transfer_ends(refer, 200)
desk.hang_up(dialog)
carol.do(f"terminate {carol.last}")
carol.wait("LinphoneCallReleased")
# Attended, we are the transferor: bob takes our place in the call with carol.
dialog = from_bob()
second = carol_answers(to_carol())
refer = desk.call("refer.send", dialog=dialog, to="sip:carol@10.20.0.10", replaces=second)["refer"]
desk.asked(dialog, "INVITE", body=SDP)
bob.incoming("LinphoneCallOutgoingInit")
desk.transfer_ends(refer, 200)
desk.ended(second, "remote")
carol.incoming()
desk.hang_up(dialog)
bob.do(f"terminate {bob.last}")
bob.wait("LinphoneCallReleased")


def bob_has_both():
    """A call of bob's with us, on hold, and one with carol: our dialog, his numbers of both."""
    dialog = from_bob()
    ours = bob.last
    theirs = bob.dial("sip:carol@10.20.0.10")
    desk.asked(dialog, "INVITE", body=SDP)
    carol.incoming()
    carol.do(f"answer {carol.last}")
    bob.wait("LinphoneCallStreamsRunning", theirs)
    return dialog, ours, theirs


# We are the transferee: we take bob's place in his call with carol.
dialog, ours, theirs = bob_has_both()
bob.do(f"call-transfer {ours} {theirs}")
refer = desk.event("refer", dialog=dialog)
carol.incoming()
check(refer["referred_by"] == "sip:bob@10.20.0.11" and "replaces" in refer, refer)
event = desk.transfer_ends(refer["refer"], 200)
bob.wait("LinphoneCallReleased", theirs)
desk.hang_up(event["target"])
# We are the target: carol takes bob's place in his call with us.
dialog, ours, theirs = bob_has_both()
bob.do(f"call-transfer {theirs} {ours}")
event = desk.event("incoming")
check(event["replaces"] == dialog, event)
desk.answer(event["dialog"])
desk.ended(dialog, "local")
bob.wait("LinphoneCallReleased", ours)
desk.hang_up(event["dialog"])
passed()
PYTHON
test_no_dialogs
test_outcomes
test_done
