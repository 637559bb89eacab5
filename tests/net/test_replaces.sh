#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Somebody takes over a call of a program (RFC 3891), called or placed, on two workers: it is answered, and the other end hung
# up on or cancelled; what has no match, has ended, is early only, or was hung up first is refused; Join is not known (RFC 3911).
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'timers: {t1: 5s, t2: 5s}' # what waits for an answer here is not repeated meanwhile
test_set 'applications: [{name: desk, listener: edge}]'
test_set 'routes:
  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}
  - {from: any-peer, uri_user: "900", to: desk}
  - {from: desk, to: sbcs}'
test_up
test_peers "$LAB_RUN" <<'PYTHON'
import sys
from rpc_client import *
from sip_peer import *

SDP = "v=0\r\no=- 5 5 IN IP4 10.10.0.10\r\ns=-\r\nc=IN IP4 10.10.0.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
alice, mallory, bobs = Peer("carrier"), Peer("carrier", port=5070), [Peer("sbc1"), Peer("sbc2")]
friend = Peer("sbc1", port=5070)
desk = Client(sys.argv[1])
desk.call("ua.attach", application="desk")


def invite(peer, *lines):
    """An INVITE to the program, as it was sent."""
    text = peer.request("INVITE", uri=f"sip:900@{peer.target[0]}", body=SDP, extra=["Content-Type: application/sdp", *lines])
    peer.send(text)
    return Message(text.encode(), None)


def ack(peer, sent, response):
    """RFC 3261 17.1.1.3."""
    uri = f"sip:900@{peer.target[0]}"
    peer.send(peer.request("ACK", uri=uri, branch=sent.branch(), call_id=sent.get("call-id"), from_tag=sent.tag("from"), to_tag=response.tag("to")))


def refused(peer, status, *lines):
    """An INVITE that is refused, and of which the program hears nothing."""
    sent = invite(peer, *lines)
    response = peer.expect(status)
    ack(peer, sent, response)
    return response


def taken(peer, sent, dialog):
    """The program answers; its caller has the call then."""
    desk.call("ua.answer", dialog=dialog, body=SDP)
    ok = peer.expect(200)
    check("replaces" in ok.get("supported"), ok.text)
    side = Side(peer, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
    side.send("ACK", cseq=int(sent.get("cseq").split()[0]))
    return side


def called(peer=alice):
    """A call that the program has answered."""
    sent = invite(peer)
    dialog = desk.event("incoming")["dialog"]
    return taken(peer, sent, dialog), dialog


def hang_up(side):
    side.send("BYE")
    side.peer.expect(200)


def replaces(side, *flags):
    """Of the far end's side of a call: its remote tag is the program's."""
    tag = lambda value: value.partition(";tag=")[2]
    return ";".join([f"Replaces: {side.call_id}", f"to-tag={tag(side.remote)}", f"from-tag={tag(side.local)}", *flags])


def placed(*statuses):
    """A call of the program's, with these answers."""
    dialog = desk.call("ua.call", to="sip:+4930@example.net", body=SDP)["dialog"]
    bob, got = receive_any(bobs, "INVITE")
    check("replaces" in ", ".join(got.all("supported")), got.text)
    tag = unique("b")
    for status in statuses:
        bob.answer(got, status, tag=tag)
    side = Side(bob, got.get("to") + f";tag={tag}", got.get("from"), got.get("call-id"), got.target(), got.all("record-route"))
    return side, dialog, got


def takes_over(peer, *lines, of):
    """The INVITE that the program has heard of as one that replaces this call."""
    sent = invite(peer, *lines)
    event = desk.event("incoming")
    check(event.get("replaces") == of, event)
    return sent, event["dialog"]


# Calls of either role, as often as both workers need to have had both calls.
for _ in range(4):
    side, old = called()
    sent, new = takes_over(mallory, replaces(side), "Require: replaces", of=old)
    alice.expect_nothing_new(0.05)  # nothing ends before the answer
    other = taken(mallory, sent, new)
    bye = alice.expect("BYE")
    check(bye.get("reason") == 'SIP;cause=200;text="Replaced"', bye.text)
    alice.answer(bye, 200)
    check(desk.event("ended", dialog=old)["by"] == "local", "by whom")
    # Again: the one that took over is taken over.
    sent, newer = takes_over(alice, replaces(other), of=new)
    side = taken(alice, sent, newer)
    mallory.answer(mallory.expect("BYE"), 200)
    desk.event("ended", dialog=new)
    hang_up(side)
    desk.event("ended", dialog=newer)
side, old, _ = placed(180, 200)
side.peer.expect("ACK")
desk.event("answered", dialog=old)
sent, new = takes_over(friend, replaces(side), of=old)
other = taken(friend, sent, new)
side.peer.answer(side.peer.expect("BYE"), 200)
desk.event("ended", dialog=old)
hang_up(other)
desk.event("ended", dialog=new)
# One of the program's that rings is cancelled.
side, old, got = placed(180)
desk.event("progress", dialog=old)
sent, new = takes_over(friend, replaces(side, "early-only"), of=old)
other = taken(friend, sent, new)
cancel = side.peer.expect("CANCEL")
check("Replaced" in cancel.get("reason"), cancel.text)
side.peer.answer(cancel, 200)
side.peer.answer(got, 487, tag=side.local.partition(";tag=")[2])
side.peer.expect("ACK")
desk.event("ended", dialog=old)
hang_up(other)
desk.event("ended", dialog=new)
# What the program does not hear of.
side, old = called()
right = replaces(side)
refused(mallory, 486, replaces(side, "early-only"))
refused(mallory, 481, right + "x")
refused(mallory, 481, replaces(Side(alice, side.remote, side.local, side.call_id, "", [])))  # the tags the other way round
refused(mallory, 400, right, right)
refused(mallory, 400, right, right.replace("Replaces", "Join"))
refused(friend, 403, right)  # not of the peer whose call it is
join = refused(mallory, 420, right.replace("Replaces", "Join"), "Require: join")
check(join.get("unsupported") == "join", join.text)
# It does of a Join that nobody requires, as of any call; and of one that it refuses: nothing ends.
sent = invite(mallory, right.replace("Replaces", "Join"))
event = desk.event("incoming")
check("replaces" not in event, event)
desk.call("ua.reject", dialog=event["dialog"], status=486)
ack(mallory, sent, mallory.expect(486))
desk.event("ended", dialog=event["dialog"])
sent, new = takes_over(mallory, right, of=old)
refused(mallory, 486, right)  # somebody is about to have it
desk.call("ua.reject", dialog=new, status=488)
ack(mallory, sent, mallory.expect(488))
desk.event("ended", dialog=new)
side.send("INFO")
desk.call("ua.respond", request=desk.event("request", dialog=old)["request"], status=200)
alice.expect(200)
# The far end hangs up first.
sent, new = takes_over(mallory, right, of=old)
hang_up(side)
ack(mallory, sent, mallory.expect(481))
desk.event("ended", dialog=new)
# A call that has ended but for the answer to its BYE; one that the program has not answered.
side, old = called()
desk.call("ua.terminate", dialog=old)
bye = alice.expect("BYE")
refused(mallory, 603, replaces(side))
alice.answer(bye, 200)
desk.event("ended", dialog=old)
sent = invite(alice)
old = desk.event("incoming")["dialog"]
desk.call("ua.progress", dialog=old)
ringing = alice.expect(180)
refused(mallory, 481, replaces(Side(alice, ringing.get("from"), ringing.get("to"), ringing.get("call-id"), "", [])))
desk.call("ua.reject", dialog=old)
ack(alice, sent, alice.expect(486))
desk.event("ended", dialog=old)
check(desk.call("ua.count")["dialogs"] == 0, "dialogs are left")
passed()
PYTHON
test_no_dialogs
test_done
