#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Kamailio as an application's registrar (digest, refresh), as the proxy before it, whose Record-Routes become its route set, and as
# its far end: OPTIONS, MESSAGE, credentials for an INVITE, a fork to two that ring (one answers, both answer).
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/kamailio.sh
. "$NET/kamailio.sh"
# shellcheck source=tests/net/far_phones.sh
. "$NET/far_phones.sh"

command -v kamailio >/dev/null || skip "needs kamailio"

far_begin
test_up
kamailio_start carrier WITH_REGISTRAR WITH_REGISTER_AUTH EXPIRES=12 'ONWARD="sip:10.10.0.10:5060"'
kamailio_start sbc1 WITH_AUTH
test_peers "$LAB_RUN" <<'PYTHON'
from far_desk import *
from sip_peer import Message, Peer, Side, passed

CREDENTIALS = {"user": "desk", "password": "secret"}
OURS = {"registrar": "sip:10.10.1.1", "aor": "sip:900@10.10.1.1"}
PROXY = ("10.10.1.1", 5060)
desk = Desk()
caller = Peer("carrier", 5070, target=PROXY)
first, second = Peer("sbc1", 5070), Peer("sbc1", 5071)


def registered():
    event = desk.event("registered")
    check(event["status"] == 200, event)
    return event


# With the wrong password it is refused; with the right one who calls its address is led to it.
desk.call("ua.register", contact="sip:900@10.10.0.10", peer="alice", expires=60, user="desk", password="wrong", **OURS)
refused = desk.event("registered")
check(refused["status"] == 401, refused)
desk.call("ua.register", contact="sip:900@10.10.0.10", peer="alice", expires=60, **CREDENTIALS, **OURS)
check(registered()["expires"] <= 12, "what the registrar grants")
text = caller.request("INVITE", uri="sip:900@10.10.1.1", body=SDP,
                      extra=["Content-Type: application/sdp", "Supported: 100rel, timer", "Session-Expires: 600;refresher=uac"])
invite = Message(text.encode(), None)
caller.send(text)
# A reliable 183, its PRACK by the route set that it makes, and the session timer of the 200: all of it by way of the proxy.
dialog = desk.incoming(ring=False)
desk.call("ua.progress", dialog=dialog, status=183, body=SDP, reliable=True)
early = caller.expect(183)
side = Side(caller, early.get("from"), early.get("to"), early.get("call-id"), early.target(), early.all("record-route"))
side.send("PRACK", extra=[f"RAck: {early.get('rseq')} {invite.get('cseq')}"])
caller.expect(200)
desk.call("ua.answer", dialog=dialog)
ok = caller.expect(200)
check(ok.get("session-expires") == "600;refresher=uac", ok.text)
check(ok.target().startswith("sip:10.10.0.10") and len(ok.all("record-route")) == 1, ok.text)
side.send("ACK", cseq=1)
desk.event("ack", dialog=dialog)
side.send("INFO")
desk.asked(dialog, "INFO")
caller.expect(200)
# What we send in the call goes by the proxy, too.
desk.call("ua.hold", dialog=dialog, tag="hold")
hold = caller.expect("INVITE")
check(hold.source == PROXY and "a=sendonly" in hold.body and hold.uri == invite.target(), hold.text)
caller.answer(hold, 200, "OK")
ack = caller.expect("ACK")
check(ack.source == PROXY and len(ack.all("via")) == 2, ack.text)
desk.answered("hold")
side.send("UPDATE")
desk.asked(dialog, "UPDATE")
caller.expect(200)
desk.call("ua.update", dialog=dialog, tag="update")
caller.answer(caller.expect("UPDATE"), 200, "OK")
desk.answered("update")
desk.call("ua.terminate", dialog=dialog)
caller.answer(caller.expect("BYE"), 200, "OK")
desk.ended(dialog, "local")
# Asked itself, and by way of it.
desk.call("ua.request", method="OPTIONS", to="sip:10.20.0.11", peer="bob", tag="options")
check(desk.answered("options")["reason"] == "Well", "OPTIONS")
desk.call("ua.request", method="MESSAGE", to="sip:5070@10.20.0.11", peer="bob", body="hello", content_type="text/plain", tag="message")
message = first.expect("MESSAGE")
check(message.body == "hello" and message.source == ("10.20.0.11", 5060), message.text)
first.answer(message, 200, "OK", tag="m")
desk.answered("message")


def fork():
    """A call that rings at both: our two dialogs, and the INVITE that each has got."""
    dialog = desk.place("sip:5070-5071@10.20.0.11", peer="bob", **CREDENTIALS)
    invites = [peer.expect("INVITE") for peer in (first, second)]
    check("proxy-authorization" not in dict(invites[0].headers), "credentials went on")
    first.answer(invites[0], 180, "Ringing", tag="one")
    desk.rings(dialog)
    second.answer(invites[1], 180, "Ringing", tag="two")
    return dialog, desk.event("forked", of=dialog)["dialog"], invites


def hang_up(dialog, peer, tag):
    """By way of the proxy, to the one that the dialog is with."""
    desk.call("ua.terminate", dialog=dialog)
    bye = peer.expect("BYE")
    check(bye.tag("to") == tag and len(bye.all("via")) == 2, bye.text)
    peer.answer(bye, 200, "OK")
    desk.ended(dialog, "local")


# The second answers: Kamailio cancels the first; the call is the second's.
_, other, invites = fork()
second.answer(invites[1], 200, "OK", tag="two")
second.expect("ACK")
cancel = first.expect("CANCEL")
first.answer(cancel, 200, "OK", tag="one")
first.answer(invites[0], 487, "Terminated", tag="one")
first.expect("ACK")
desk.event("answered", dialog=other)
hang_up(other, second, "two")
# Both answer, as the CANCEL comes too late: the second of them gets ACK and BYE.
dialog, other, invites = fork()
first.answer(invites[0], 200, "OK", tag="one")
first.expect("ACK")
desk.event("answered", dialog=dialog)
cancel = second.expect("CANCEL")
second.answer(invites[1], 200, "OK", tag="two")
second.answer(cancel, 200, "OK", tag="two")
second.expect("ACK")
second.answer(second.expect("BYE"), 200, "OK")
hang_up(dialog, first, "one")
# The registration is refreshed, and taken back.
check(registered()["expires"] > 0, "the refresh")
desk.call("ua.unregister", **OURS)
while registered()["expires"] > 0:  # a refresh may have been under way
    pass
caller.send(caller.request("INVITE", uri="sip:900@10.10.1.1"))
caller.expect(404)
passed()
PYTHON
test_outcomes
test_done
