#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A program takes and places calls over the control socket: answered, refused, cancelled, hung up from either side, put on
# hold, challenged, redirected; control is killed in between. And an application that answers by itself, called by SIPp.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
printf 'v=0\r\no=- 1 1 IN IP4 10.10.0.10\r\ns=-\r\nc=IN IP4 10.10.0.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n' >"$LAB_DIR/answer.sdp"
test_set "applications:
  - {name: desk, listener: edge}
  - {name: robot, listener: edge, answer: {status: 200, ring: 180, after: 50ms, body: $LAB_DIR/answer.sdp}}"
test_set 'routes:
  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}
  - {from: carrier-a, uri_user: "700", to: robot}
  - {from: carrier-a, uri_user: "900", to: desk}
  - {from: carrier-a, to: sbcs}
  - {from: sbcs, to: carrier-a}
  - {from: desk, to: sbcs}'
test_up
# Nobody is attached yet.
test_peers "$LAB_RUN" <<'PYTHON'
import sys
from rpc_client import *
from sip_peer import *

carrier = Peer("carrier")
uri = "sip:900@10.10.0.10"
invite = carrier.request("INVITE", uri=uri)
carrier.send(invite)
invite, nobody = Message(invite.encode(), None), carrier.expect(480)
# Without it the 480 is repeated, and met by the peer that comes next.
carrier.send(carrier.request("ACK", uri=uri, branch=invite.branch(), call_id=nobody.get("call-id"), cseq_method="ACK",
                             from_tag=nobody.tag("from"), to_tag=nobody.tag("to")))
passed()
PYTHON
cat >"$LAB_DIR/calls.py" <<'PYTHON'
import sys
from rpc_client import *
from sip_peer import *

SDP = "v=0\r\no=- 5 5 IN IP4 10.10.0.10\r\ns=-\r\nc=IN IP4 10.10.0.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
TYPE = ["Content-Type: application/sdp"]
URI = "sip:900@10.10.0.10"
carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
desk = Client(sys.argv[1])
desk.call("ua.attach", application="desk")


def come(**fields):
    """A call of the carrier's that the program has heard of: the INVITE as sent, and the event."""
    text = carrier.request("INVITE", uri=URI, body=SDP, extra=TYPE, **fields)
    carrier.send(text)
    return Message(text.encode(), None), desk.event("incoming")


def side_of(invite, ok):
    return Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])


def answered():
    """A call that the program has answered: the caller's side, and the dialog's id."""
    invite, event = come()
    dialog = event["dialog"]
    desk.call("ua.progress", dialog=dialog, status=180)
    ringing = carrier.expect(180)
    check(ringing.tag("to"), "no tag in the 180")
    desk.call("ua.answer", dialog=dialog, body=SDP)
    ok = carrier.expect(200)
    check(ok.body == SDP and ok.tag("to") == ringing.tag("to"), ok.text)
    check(ok.get("content-type") == "application/sdp" and "UPDATE" in ok.get("allow"), ok.text)
    side = side_of(invite, ok)
    side.cseq = int(invite.get("cseq").split()[0])
    side.send("ACK", cseq=side.cseq)
    desk.event("ack", dialog=dialog)
    return side, dialog


def placed(**fields):
    """A call of the program's: the SBC that got it, its INVITE, the dialog's id."""
    made = desk.call("ua.call", to="sip:+4930@example.net", body=SDP, **fields)
    callee, invite = receive_any(sbcs, "INVITE")
    check(invite.get("call-id") == made["call_id"] and invite.tag("from") == made["local_tag"], made)
    return callee, invite, made["dialog"]


# The caller hangs up.
side, dialog = answered()
shown = desk.call("ua.get", dialog=dialog)
check(shown["state"] == "confirmed" and shown["call_id"] == side.call_id and shown["role"] == "server", shown)
side.send("BYE")
carrier.expect(200)
check(desk.event("ended", dialog=dialog)["by"] == "remote", "by whom")
# The program hangs up, with a Reason.
side, dialog = answered()
desk.call("ua.terminate", dialog=dialog, protocol="Q.850", cause=16, text="done")
bye = carrier.expect("BYE")
check(bye.get("reason") == 'Q.850;cause=16;text="done"', bye.text)
carrier.answer(bye, 200, "OK")
check(desk.event("ended", dialog=dialog)["by"] == "local", "by whom")
# It refuses, and it sends the caller elsewhere.
invite, event = come()
desk.call("ua.reject", dialog=event["dialog"], status=486, headers=[["X-Why", "lunch"]])
busy = carrier.expect(486)
check(busy.get("x-why") == "lunch", busy.text)
carrier.send(carrier.request("ACK", uri=URI, branch=invite.branch(), call_id=busy.get("call-id"), cseq_method="ACK",
                             from_tag=busy.tag("from"), to_tag=busy.tag("to")))
desk.event("ended", dialog=event["dialog"])
invite, event = come()
desk.call("ua.redirect", dialog=event["dialog"], targets=["sip:a@example.net", "<sip:b@example.net>;q=0.5"])
moved = carrier.expect(302)
check(moved.get("contact") == "<sip:a@example.net>, <sip:b@example.net>;q=0.5", moved.text)
carrier.send(carrier.request("ACK", uri=URI, branch=invite.branch(), call_id=moved.get("call-id"), cseq_method="ACK",
                             from_tag=moved.tag("from"), to_tag=moved.tag("to")))
desk.event("ended", dialog=event["dialog"])
# The caller gives up.
invite, event = come()
desk.call("ua.progress", dialog=event["dialog"])
carrier.expect(180)
carrier.send(carrier.request("CANCEL", uri=URI, branch=invite.branch(), call_id=invite.get("call-id"),
                             from_tag=invite.tag("from")))
check({carrier.receive().status, carrier.receive().status} == {200, 487}, "200 and 487")
carrier.send(carrier.request("ACK", uri=URI, branch=invite.branch(), call_id=invite.get("call-id"),
                             from_tag=invite.tag("from")))
desk.event("cancelled", dialog=event["dialog"])
check(desk.event("ended", dialog=event["dialog"])["by"] == "remote", "by whom")
try:
    desk.call("ua.answer", dialog=event["dialog"])
    check(False, "a call that is over was answered")
except Refused:
    pass
# A re-INVITE and an INFO of the caller's, a hold of ours.
side, dialog = answered()
again = side.send("INVITE")
asked = desk.event("request", dialog=dialog, method="INVITE")
desk.call("ua.answer", dialog=dialog, body=SDP)
carrier.expect(200)
side.send("ACK", cseq=int(again.get("cseq").split()[0]))
desk.event("ack", dialog=dialog)
side.send("INFO")
asked = desk.event("request", dialog=dialog, method="INFO")
desk.call("ua.respond", request=asked["request"], status=200)
carrier.expect(200)
desk.call("ua.hold", dialog=dialog, tag="hold")
hold = carrier.expect("INVITE")
check("a=sendonly" in hold.body and "o=- 5 6 " in hold.body, hold.body)
carrier.answer(hold, 200, "OK")
carrier.expect("ACK")
check(desk.event("response", tag="hold")["status"] == 200, "hold")
desk.call("ua.terminate", dialog=dialog)
carrier.answer(carrier.expect("BYE"), 200, "OK")
desk.event("ended", dialog=dialog)
# Placed, answered, ended by the callee.
callee, invite, dialog = placed(headers=[["X-Row", "7"]], context="row 7")
check(invite.body == SDP and invite.get("x-row") == "7", invite.text)
callee.answer(invite, 180, "Ringing", tag="placed")
check(header(desk.event("progress", dialog=dialog), "call-id") == invite.get("call-id"), "progress")
callee.answer(invite, 200, "OK", tag="placed")
callee.expect("ACK")
desk.event("answered", dialog=dialog)
far = Side(callee, invite.get("to") + ";tag=placed", invite.get("from"), invite.get("call-id"), invite.target(),
           invite.all("record-route"))
far.send("BYE")
callee.expect(200)
ended = desk.event("ended", dialog=dialog)
check(ended["by"] == "remote" and ended["context"] == "row 7", ended)
# Refused; cancelled while it rings; asked for credentials; sent elsewhere.
callee, invite, dialog = placed()
callee.answer(invite, 486, "Busy", tag="busy")
callee.expect("ACK")
check(desk.event("failed", dialog=dialog)["status"] == 486, "486")
desk.event("ended", dialog=dialog)
callee, invite, dialog = placed()
callee.answer(invite, 180, "Ringing", tag="rings")
desk.event("progress", dialog=dialog)
desk.call("ua.cancel", dialog=dialog)
cancel = callee.expect("CANCEL")
callee.answer(cancel, 200, "OK", tag="rings")
callee.answer(invite, 487, "Terminated", tag="rings")
callee.expect("ACK")
check(desk.event("ended", dialog=dialog)["by"] == "local", "by whom")
callee, invite, dialog = placed(user="alice", password="secret")
callee.answer(invite, 407, "Who", tag="asks", extra=['Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=MD5'])
callee.expect("ACK")
callee, second = receive_any(sbcs, "INVITE")
check(second.get("call-id") == invite.get("call-id") and second.tag("from") == invite.tag("from"), second.text)
check(int(second.get("cseq").split()[0]) == int(invite.get("cseq").split()[0]) + 1, second.text)
check('username="alice"' in second.get("proxy-authorization"), second.text)
callee.answer(second, 302, "Moved", tag="moved", extra=["Contact: <sip:elsewhere@example.net>"])
callee.expect("ACK")
check(desk.event("failed", dialog=dialog)["status"] == 302, "302")
desk.event("ended", dialog=dialog)
check(desk.call("ua.count")["dialogs"] == 0, "dialogs are left")
passed()
PYTHON
test_peers "$LAB_RUN" <"$LAB_DIR/calls.py"
test_no_dialogs
# Control is killed while a call is up; the next one knows it.
cat >"$LAB_DIR/begin.py" <<'PYTHON'
import os
exec(open(os.environ["CALLS"]).read().split("# The caller hangs up.")[0])
side, dialog = answered()
open(sys.argv[2], "w").write(repr((side.local, side.remote, side.call_id, side.target, side.routes, side.cseq)))
passed()
PYTHON
CALLS=$LAB_DIR/calls.py test_peers "$LAB_RUN" "$LAB_DIR/side" <"$LAB_DIR/begin.py"
lab_kill control KILL
lab_wait 30 'control is gone' lab_ended control
lab_control
lab_ready 60 || fail "control does not come back"
test_peers "$LAB_RUN" "$LAB_DIR/side" <<'PYTHON'
import ast
import sys
from rpc_client import *
from sip_peer import *

carrier = Peer("carrier")
desk = Client(sys.argv[1])
desk.call("ua.attach", application="desk", since=0)
deadline = time.monotonic() + PATIENCE
while not (dialogs := desk.call("ua.list")["dialogs"]):
    check(time.monotonic() < deadline, "the call is not known")
check(len(dialogs) == 1 and dialogs[0]["state"] == "confirmed" and dialogs[0]["role"] == "server", dialogs)
*parts, cseq = ast.literal_eval(open(sys.argv[2]).read())
side = Side(carrier, *parts)
side.cseq = cseq
side.send("INFO")
asked = desk.event("request", dialog=dialogs[0]["dialog"], method="INFO")
desk.call("ua.respond", request=asked["request"], status=200)
carrier.expect(200)
side.send("BYE")
carrier.expect(200)
check(desk.event("ended", dialog=dialogs[0]["dialog"])["by"] == "remote", "by whom")
passed()
PYTHON
test_caller uac 40 40 -s 700
test_no_dialogs
expect_equal "applications" 2 "$(lab_ctl --json application list | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["applications"]))')"
test_done
