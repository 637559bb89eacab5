#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Transfers, blind and attended, with their NOTIFYs; BYEs that cross, CANCELs that cross the 200; a fork with two answers. No dialog
# stays.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'timers: {t1: 100ms}'
test_up
test_peers <<'PYTHON'
from passage import *
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]


def inside(sender, receiver, method, status=200, extra=()):
    """A request of this end of a dialog and its answer, as they were sent."""
    text = sender.request(method, extra=extra)
    sender.peer.send(text)
    got = receiver.peer.expect(method)
    request_passed(text, got)
    response_passed(receiver.peer.answer(got, status, "Reason"), sender.peer.expect(status))


def notified(sender, receiver, state, extra=()):
    inside(sender, receiver, "NOTIFY", extra=["Event: refer", f"Subscription-State: {state}", *extra])


# Blind, each end once: the NOTIFYs run in the call's own dialog (RFC 3515), the last one after its BYE (RFC 6665 4.4.1: the usage
# outlives the call).
for turned in (False, True):
    call = Call(carrier, sbcs)
    referrer, referee = (call.callee, call.caller) if turned else (call.caller, call.callee)
    inside(referrer, referee, "REFER", 202, ["Refer-To: <sip:third@10.10.1.1:5060>", "Referred-By: <sip:peer@10.10.1.1>"])
    notified(referee, referrer, "active;expires=60")
    inside(referrer, referee, "BYE")
    notified(referee, referrer, "terminated;reason=noresource")

# Attended: a second call is replaced by a third one, which must reach the SBC that holds the second (RFC 3891).
for _ in range(6):
    first, second = Call(carrier, sbcs), Call(carrier, sbcs)
    held = f"{second.caller.call_id};to-tag={second.ok.tag('to')};from-tag={second.invite.tag('from')}"
    inside(first.callee, first.caller, "REFER", 202, [f"Refer-To: <sip:200@10.10.0.10?Replaces={held.replace(';', '%3B').replace('=', '%3D')}>"])
    notified(first.caller, first.callee, "active;expires=60")
    third = Call(carrier, sbcs, extra=[f"Replaces: {held}"])
    check(third.callee.peer is second.callee.peer, "an INVITE with Replaces at an SBC that does not hold the call")
    check(third.invite.get("replaces") == held, "Replaces was changed")
    inside(second.callee, second.caller, "BYE")
    notified(first.caller, first.callee, "terminated;reason=noresource")
    inside(first.callee, first.caller, "BYE")
    third.hang_up()

# Both hang up before either hears it: both BYEs pass, both are answered.
for _ in range(5):
    call = Call(carrier, sbcs)
    callee = call.callee.peer
    texts = call.caller.request("BYE"), call.callee.request("BYE")
    carrier.send(texts[0])
    callee.send(texts[1])
    byes = callee.expect("BYE"), carrier.expect("BYE")
    for text, bye in zip(texts, byes):
        request_passed(text, bye)
    answers = callee.answer(byes[0], 200, "OK"), carrier.answer(byes[1], 481, "Gone")
    response_passed(answers[0], carrier.expect(200))
    response_passed(answers[1], callee.expect(481))

# The caller gives up as the callee answers, either first (RFC 3261 9.1): the 2xx counts, the CANCEL is answered, and the caller ends
# the call that it has.
for answer_first in (False, True) * 3:
    fields = {"branch": unique("z9hG4bK"), "call_id": unique("call-"), "from_tag": unique("f")}
    carrier.send(carrier.request("INVITE", **fields))
    callee, invite = receive_any(sbcs, "INVITE")
    callee.answer(invite, 180, "Ringing", tag="late")
    carrier.expect(180)
    steps = [lambda: carrier.send(carrier.request("CANCEL", **fields)), lambda: callee.answer(invite, 200, "OK", tag="late")]
    for step in reversed(steps) if answer_first else steps:
        step()
    finals = {}
    while len(finals) < 2:
        got = carrier.expect(200)
        finals[got.get("cseq").split()[1]] = got
    ok = finals["INVITE"]
    end = Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
    end.send("ACK", cseq=1)
    # The CANCEL passed or ended at Dialgate, as it met the 200; where it passed, it comes before the ACK.
    while (got := callee.receive()) is not None and (callee.repeated or got.method == "CANCEL"):
        if got.method == "CANCEL":
            check(got.branch() == invite.branch(), "the CANCEL has another branch than the INVITE")
            callee.answer(got, 481, "Too Late")
    check(got is not None and got.method == "ACK", f"{got and got.start} instead of the ACK")
    end.send("BYE")
    callee.answer(callee.expect("BYE"), 200, "OK")
    carrier.expect(200)

# Two branches behind the SBC are answered: both 2xx go to the caller, who ends the second (RFC 3261 13.2.2.4).
carrier.send(carrier.request("INVITE"))
callee, invite = receive_any(sbcs, "INVITE")
ends = []
for tag in ("one", "two"):
    callee.answer(invite, 180, "Ringing", tag=tag)
    carrier.expect(180)
for tag in ("one", "two"):
    text = callee.answer(invite, 200, "OK", tag=tag)
    ok = carrier.expect(200)
    response_passed(text, ok)
    ends.append(Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1]))
for end in ends:
    end.send("ACK", cseq=1)
    check(callee.expect("ACK").get("to") == end.remote, "an ACK of the other dialog")
for end in reversed(ends):
    end.send("BYE")
    callee.answer(callee.expect("BYE"), 200, "OK")
    carrier.expect(200)
for peer in (carrier, *sbcs):
    peer.expect_nothing_new(0.3)
passed()
PYTHON
test_no_dialogs
test_outcomes
test_done
