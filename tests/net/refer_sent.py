# SPDX-License-Identifier: BSD-3-Clause
"""REFERs that programs send."""

import re
import urllib.parse

from parties import check
from refer_parts import *


def say(leg, status, state, event="refer", reason="Reason", **fields):
    """A NOTIFY of the transferee's."""
    return leg.send("NOTIFY", extra=[f"Event: {event}", f"Subscription-State: {state}", "Content-Type: message/sipfrag"],
                    body=f"SIP/2.0 {status} {reason}\r\n", **fields)


async def sent(case, role, answer=200, extra=(), **fields):
    """A program refers the far end, which accepts: leg, dialog, transfer, the REFER."""
    leg, dialog = await up(case, role)
    made = await desk["accepts"].call("refer.send", **{"dialog": dialog, "to": "sip:+49@example.net", "tag": case.name, **fields})
    request = await leg.expect("REFER")
    leg.answer(request, answer, "Reason", extra=extra)
    return leg, dialog, made["refer"], request


async def told(case, dialog, status, final=False):
    one = await desk["accepts"].event("refer_progress", dialog=dialog, status=status, final=final)
    check(one["tag"] == case.name and one["role"] == "sender", one)
    return one


def accepted(name, status):
    async def run(case, role):
        leg, dialog, _, request = await sent(case, role, status, referred_by="<sip:us@example.net>")
        check(request.get("refer-to").strip("<>") == "sip:+49@example.net", request.text)
        check(request.get("referred-by") == "<sip:us@example.net>", request.text)
        for progress in (100, 180):
            say(leg, progress, "active;expires=60")
            await leg.expect(200)
            await told(case, dialog, progress)
        say(leg, 200, "terminated;reason=noresource")
        await leg.expect(200)
        await told(case, dialog, 200, True)
        await desk["accepts"].call("ua.terminate", dialog=dialog)
        await leg.reply("BYE")

    run.__name__ = name
    both_roles(run)


accepted("sent_and_accepted_200", 200)
accepted("sent_and_accepted_202", 202)


def sent_and_refused(name, status):
    async def run(case, role):
        leg, dialog, _, _ = await sent(case, role, status)
        await told(case, dialog, status, True)
        await still_up(case, leg, dialog)
        await hang_up(leg)

    run.__name__ = name
    both_roles(run)


sent_and_refused("sent_and_declined_603", 603)
sent_and_refused("sent_and_forbidden_403", 403)
sent_and_refused("sent_and_not_known_501", 501)


@both_roles
async def sent_and_it_fails(case, role):
    leg, dialog, _, _ = await sent(case, role)
    say(leg, 100, "active")
    await leg.expect(200)
    say(leg, 486, "terminated;reason=noresource", reason="Busy Here")
    await leg.expect(200)
    final = await told(case, dialog, 486, True)
    check(final["reason"] == "Busy Here", final)
    await still_up(case, leg, dialog)
    await hang_up(leg)


@both_roles
async def sent_with_norefersub(case, role):
    leg, dialog, _, request = await sent(case, role, extra=["Refer-Sub: false"], subscribe=False)
    check(request.get("refer-sub") == "false" and "norefersub" in request.get("supported"), request.text)
    await told(case, dialog, 200, True)
    await hang_up(leg)


@both_roles
async def sent_and_ended_without_an_outcome(case, role):
    """RFC 3515 2.4.5: nobody knows how it went; the last that was said stands."""
    leg, dialog, _, _ = await sent(case, role)
    say(leg, 100, "terminated;reason=giveup")
    await leg.expect(200)
    await told(case, dialog, 100, True)
    await hang_up(leg)


@both_roles
async def sent_and_told_before_the_response(case, role):
    """RFC 6665 4.1.2.4: the NOTIFY may overtake the 200."""
    leg, dialog = await up(case, role)
    await desk["accepts"].call("refer.send", dialog=dialog, to="sip:+49@example.net", tag=case.name)
    request = await leg.expect("REFER")
    say(leg, 100, "active")
    await leg.expect(200)
    leg.answer(request, 200, "OK")
    await told(case, dialog, 100)
    say(leg, 200, "terminated")
    await leg.expect(200)
    await told(case, dialog, 200, True)
    await hang_up(leg)


@both_roles
async def sent_and_notified_out_of_order(case, role):
    """RFC 3261 12.2.2: a lower CSeq is 500, and nobody hears of it; the same datagram again is the same NOTIFY."""
    leg, dialog, _, _ = await sent(case, role)
    leg.cseq += 5
    say(leg, 180, "active")
    await leg.expect(200)
    await told(case, dialog, 180)
    say(leg, 100, "active", cseq=leg.cseq - 3)
    await leg.expect(500)
    say(leg, 200, "terminated")
    await leg.expect(200)
    await told(case, dialog, 200, True)
    await hang_up(leg)


@both_roles
async def sent_and_notified_of_something_else(case, role):
    """A NOTIFY of another package is no news of the transfer: the program gets it. One of a REFER that was none gets 481 (RFC 6665 4.1.3)."""
    leg, dialog, _, _ = await sent(case, role)
    say(leg, 200, "terminated", "presence")
    asked = await desk["accepts"].event("request", dialog=dialog, method="NOTIFY")
    await desk["accepts"].call("ua.respond", request=asked["request"], status=489)
    await leg.expect(489)
    say(leg, 200, "terminated", "refer;id=4711")
    await leg.expect(481)
    leg.send("NOTIFY", extra=["Event: refer", "Subscription-State: active", "Content-Type: message/sipfrag"], body="hello")
    await leg.expect(400)
    leg.send("NOTIFY", extra=["Event: refer"])
    await leg.expect(400)
    say(leg, 200, "terminated")
    await leg.expect(200)
    await told(case, dialog, 200, True)
    await hang_up(leg)


@both_roles
async def two_sent_at_once(case, role):
    leg, dialog, first, _ = await sent(case, role)
    second = (await desk["accepts"].call("refer.send", dialog=dialog, to="sip:+50@example.net", tag=case.name))["refer"]
    request = await leg.expect("REFER")
    leg.answer(request, 202, "Accepted")
    number = request.get("cseq").split()[0]
    say(leg, 603, "terminated", f"refer;id={number}")
    await leg.expect(200)
    check((await told(case, dialog, 603, True))["refer"] == second, "which of them")
    say(leg, 200, "terminated")
    await leg.expect(200)
    check((await told(case, dialog, 200, True))["refer"] == first, "which of them")
    await hang_up(leg)


@both_roles
async def sent_attended(case, role):
    """RFC 5589 section 7: Refer-To is the other far end, its dialog escaped, the tags as that end has them."""
    leg, dialog = await up(case, role)
    other, other_dialog = await up(case, "client" if role == "server" else "server")
    await desk["accepts"].call("refer.send", dialog=dialog, replaces=other_dialog, tag=case.name)
    request = await leg.expect("REFER")
    uri, _, headers = request.get("refer-to").strip("<>").partition("?")
    check(headers.startswith("Replaces=") and "@" not in headers and ";" not in headers, request.text)
    parts = urllib.parse.unquote(headers.partition("=")[2]).split(";")
    theirs = re.search(";tag=([^;]+)", other.local).group(1)
    ours = re.search(";tag=([^;]+)", other.remote).group(1)
    check(parts[0] == other.call_id and set(parts[1:]) == {f"to-tag={theirs}", f"from-tag={ours}"}, parts)
    check(other.party.address in uri, uri)
    leg.answer(request, 200, "OK")
    say(leg, 200, "terminated")
    await leg.expect(200)
    await told(case, dialog, 200, True)
    await hang_up(leg, other)


@case
async def sent_and_challenged(case):
    """The call has credentials: the REFER goes again with them, and its NOTIFYs name the one that was accepted."""
    leg, dialog = await case.reached(desk["accepts"], user="alice", password="secret")
    await desk["accepts"].call("refer.send", dialog=dialog, to="sip:+49@example.net", tag=case.name)
    first = await leg.expect("REFER")
    leg.answer(first, 407, "Who", extra=['Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'])
    second = await leg.expect("REFER")
    check('username="alice"' in second.get("proxy-authorization"), second.text)
    check(second.get("refer-to") == first.get("refer-to"), second.text)
    leg.answer(second, 200, "OK")
    number = second.get("cseq").split()[0]
    say(leg, 200, "terminated", f"refer;id={number}")
    await leg.expect(200)
    await told(case, dialog, 200, True)
    await hang_up(leg)


@both_roles
async def sent_and_they_leave(case, role):
    """The subscription outlives the call (RFC 5057 section 4): news of it that come later are taken."""
    leg, dialog, _, _ = await sent(case, role)
    say(leg, 100, "active")
    await leg.expect(200)
    await leg.hang_up()
    await desk["accepts"].event("ended", dialog=dialog)
    say(leg, 200, "terminated;reason=noresource")
    await leg.expect(200)
    final = await desk["accepts"].event("refer_progress", of=dialog, status=200, final=True)
    check(final["tag"] == case.name, final)


@both_roles
async def sent_and_we_leave(case, role):
    leg, dialog, _, _ = await sent(case, role)
    await desk["accepts"].call("ua.terminate", dialog=dialog)
    await leg.reply("BYE")
    await desk["accepts"].event("ended", dialog=dialog)
    say(leg, 486, "terminated;reason=noresource")
    await leg.expect(200)
    await desk["accepts"].event("refer_progress", of=dialog, status=486, final=True)


@both_roles
async def both_refer_at_once(case, role):
    """REFERs that cross are two transfers; each has its own subscription."""
    leg, dialog = await up(case, role)
    user = case.far_user()
    await desk["accepts"].call("refer.send", dialog=dialog, to="sip:+49@example.net", tag=case.name)
    refer(leg, f"<sip:{user}@example.net>")
    request = await leg.expect("REFER")
    await leg.expect(200)
    await notified(leg, 100)
    leg.answer(request, 200, "OK")
    say(leg, 603, "terminated")
    await leg.expect(200)
    await told(case, dialog, 603, True)
    target = await case.invited(user)
    await case.answered(target)
    await notified(leg, 200, "terminated")
    await hang_up(leg, target)


@case
async def sent_what_is_none(case):
    """Refused before anything is sent."""
    leg, dialog = await up(case, "server")
    for fields in ({"to": "sip:a@b?Replaces=1"}, {"to": "sip:a@b;method=BYE"}, {"to": "nothing"}, {"to": "sip:a@b>\r\nX: y"}, {}):
        await desk["accepts"].refused("refer.send", dialog=dialog, **fields)
    await hang_up(leg)
