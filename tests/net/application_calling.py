# SPDX-License-Identifier: BSD-3-Clause
"""A program that calls."""

import asyncio
import re
import time

from application_parts import *
from digests import is_right, md5, sha256
from parties import PATIENCE, SDP, Wrong, check, unique


@case
async def no_cancel_before_a_1xx(case):
    """RFC 3261 9.1."""
    leg, dialog = await case.placed(desk(case))
    await desk(case).call("ua.cancel", dialog=dialog)
    check(await leg.receive(0.3) is None, "something before the 1xx")
    leg.answer(leg.invite, 180, "Ringing")
    leg.answer(await leg.expect("CANCEL"), 200, "OK")
    leg.answer(leg.invite, 487, "Terminated")
    await leg.expect("ACK")
    await desk(case).event("ended", dialog=dialog)


@case
async def our_cancel_crosses_the_answer(case):
    """The 200 is acknowledged, the call ended by BYE (RFC 3261 9.1, 15)."""
    leg, dialog = await case.placed(desk(case))
    leg.answer(leg.invite, 180, "Ringing")
    await desk(case).event("progress", dialog=dialog)
    await desk(case).call("ua.cancel", dialog=dialog)
    leg.answer(await leg.expect("CANCEL"), 200, "OK")
    leg.answer(leg.invite, 200, "OK", body=SDP)
    found = await leg.expect_all("ACK", "BYE")
    leg.answer(found["BYE"], 200, "OK")
    await desk(case).event("ended", dialog=dialog)


@case
async def every_answer_gets_its_ack(case):
    """RFC 3261 13.2.2.4: the repeat of a 2xx has the same ACK."""
    leg, _ = await case.placed(desk(case))
    first = await case.answered(leg)
    leg.repeats = True
    leg.answer(leg.invite, 200, "OK", body=SDP)
    again = await leg.expect("ACK")
    check(again.text == first.text, again.text)
    leg.repeats = False
    await leg.hang_up()


@case
async def forks(case):
    """Two early dialogs, two answers: the second is acknowledged and ended (RFC 3261 13.2.2.4)."""
    leg, dialog = await case.placed(desk(case))
    leg.local = leg.invite.get("to") + ";tag=one"
    leg.answer(leg.invite, 180, "Ringing")
    await desk(case).event("progress", dialog=dialog, status=180)
    twin = leg.invite.get("to") + ";tag=two"
    leg.local = twin
    leg.answer(leg.invite, 183, "Session Progress")
    forked = await desk(case).event("forked", of=dialog)
    leg.local = leg.invite.get("to") + ";tag=one"
    leg.answer(leg.invite, 200, "OK", body=SDP)
    check((await leg.expect("ACK")).tag("to") == "one", "ACK of the first")
    await desk(case).event("answered", dialog=dialog)
    leg.local = twin
    leg.answer(leg.invite, 200, "OK", body=SDP)
    found = await leg.expect_all("ACK", "BYE")
    check(found["ACK"].tag("to") == "two" and found["BYE"].tag("to") == "two", found["BYE"].text)
    leg.answer(found["BYE"], 200, "OK")
    await desk(case).event("ended", dialog=forked["dialog"])
    leg.local = leg.invite.get("to") + ";tag=one"
    await leg.hang_up()


@case
async def reliable_progress_of_theirs(case):
    leg, dialog = await case.placed(desk(case))
    leg.answer(leg.invite, 183, "Session Progress", extra=["Require: 100rel", "RSeq: 71"], body=SDP)
    prack = await leg.reply("PRACK")
    check(prack.get("rack") == f"71 {leg.invite.get('cseq')}", prack.text)
    await case.answered(leg)
    await desk(case).event("answered", dialog=dialog)
    await leg.hang_up()


@case
async def late_ack(case):
    """Third-party call control (RFC 3725): the offer comes in the 200, the program's answer in the ACK."""
    leg, dialog = await case.placed(desk(case), body="", late_ack=True)
    check(leg.invite.body == "", leg.invite.text)
    leg.answer(leg.invite, 200, "OK", body=SDP)
    answered = await desk(case).event("answered", dialog=dialog)
    check(answered["message"]["body"] == SDP, answered)
    await desk(case).call("ua.ack", dialog=dialog, body=SDP)
    check((await leg.expect("ACK")).body == SDP, "ACK")
    await leg.hang_up()


@case
async def session_interval_too_small_422(case):
    """RFC 4028 7.4: again, long enough, in the name of the first."""
    leg, dialog = await case.placed(desk(case), session_expires=120)
    check(leg.invite.get("session-expires").startswith("120"), leg.invite.text)
    leg.answer(leg.invite, 422, "Too Small", extra=["Min-SE: 600"])
    await leg.expect("ACK")
    leg.invite = await leg.expect("INVITE")
    check(leg.invite.get("session-expires").startswith("600") and leg.invite.get("min-se") == "600", leg.invite.text)
    await case.answered(leg, extra=["Session-Expires: 600;refresher=uac", "Require: timer"])
    await desk(case).event("answered", dialog=dialog)
    await leg.hang_up()


@case
async def fails_over(case):
    """A member that cannot (503): the other one of the peer gets the same call."""
    leg, dialog = await case.placed(desk(case), retry="quick")
    leg.answer(leg.invite, 503, "Overloaded")
    await leg.expect("ACK")
    second = await case.invited(re.search(r"sip:([^@]+)@", leg.invite.uri).group(1))
    check(second.party is not leg.party and second.call_id == leg.call_id, second.invite.text)
    await case.answered(second)
    await desk(case).event("answered", dialog=dialog)
    await second.hang_up()
    await desk(case).event("ended", dialog=dialog)


@case
async def both_members_fail(case):
    leg, dialog = await case.placed(desk(case), retry="quick")
    user = re.search(r"sip:([^@]+)@", leg.invite.uri).group(1)
    legs = [leg]
    for more in (True, True, False):
        leg.answer(leg.invite, 503, "Overloaded")
        await leg.expect("ACK")
        if more:
            leg = await again(case, legs, user)
    check((await desk(case).event("failed", dialog=dialog, final=True))["status"] == 503, "503")
    check(len(legs) == 2, "one member was asked")


async def again(case, legs, user):
    """The INVITE once more: of a leg that is there, or of a new one at the other member."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not case.lab.wanted[user].empty():
            legs.append(await case.invited(user))
            return legs[-1]
        for leg in legs:
            message = await leg.receive(0.02)
            if message is not None:
                check(message.method == "INVITE", message.start)
                leg.invite = message
                return leg
    raise Wrong("no INVITE")


def challenged(name, status, answer, algorithm, digest):
    async def run(case):
        challenge = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        leg, dialog = await case.placed(desk(case), user="alice", password="secret")
        leg.answer(leg.invite, status, "Who", extra=[f'{challenge}: Digest realm="r", nonce="n1", qop="auth", algorithm={algorithm}'])
        await leg.expect("ACK")
        leg.invite = await leg.expect("INVITE")
        check(is_right(leg.invite.get(answer), "INVITE", leg.invite.uri, digest), leg.invite.text)
        await case.answered(leg)
        await desk(case).event("answered", dialog=dialog)
        await leg.hang_up()

    run.__name__ = name
    case(run)


challenged("challenged_401_md5", 401, "authorization", "MD5", md5)
challenged("challenged_407_sha_256", 407, "proxy-authorization", "SHA-256", sha256)


@case
async def wrong_password(case):
    leg, dialog = await case.placed(desk(case), user="alice", password="wrong")
    challenge = ['WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=MD5']
    leg.answer(leg.invite, 401, "Who", extra=challenge)
    await leg.expect("ACK")
    leg.answer(await leg.expect("INVITE"), 401, "Who", extra=challenge)
    await leg.expect("ACK")
    check((await desk(case).event("failed", dialog=dialog, final=True))["status"] == 401, "401")


@case
async def redirection_is_followed(case):
    """RFC 3261 8.1.3.4: best q first; To stays."""
    worse, better = case.far_user(), case.far_user()
    user = case.far_user()
    made = await desk(case).call("ua.call", to=f"sip:{user}@example.net", body=SDP, redirect=2)
    leg = await case.invited(user)
    text = "\r\n".join([
        "SIP/2.0 302 Moved", *[f"Via: {value}" for value in leg.invite.all("via")], f"From: {leg.invite.get('from')}",
        f"To: {leg.local}", f"Call-ID: {leg.call_id}", f"CSeq: {leg.invite.get('cseq')}",
        f"Contact: <sip:{worse}@example.net>;q=0.2, <sip:{better}@example.net>;q=0.9", "Content-Length: 0"]) + "\r\n\r\n"
    leg.put(text)
    await leg.expect("ACK")
    second = await again(case, [leg], better)
    check(better in second.invite.uri, second.invite.uri)
    check(user in second.invite.get("to") and second.call_id == leg.call_id, second.invite.text)
    await case.answered(second)
    await desk(case).event("answered", dialog=made["dialog"])
    await second.hang_up()


@case
async def rings_too_long(case):
    leg, dialog = await case.placed(desk(case), timeout_ms=500)
    leg.answer(leg.invite, 180, "Ringing")
    leg.answer(await leg.expect("CANCEL"), 200, "OK")
    leg.answer(leg.invite, 487, "Terminated")
    await leg.expect("ACK")
    check((await desk(case).event("ended", dialog=dialog))["by"] == "timeout", "by whom")


@case
async def message_outside_of_ours(case):
    user = unique("+49")
    case.lab.wanted["MESSAGE " + user] = asyncio.Queue()
    await desk(case).call("ua.request", method="MESSAGE", to=f"sip:{user}@example.net", body="x", content_type="text/plain", tag=user)
    leg = await case.invited("MESSAGE " + user)
    leg.answer(leg.invite, 202, "Accepted")
    check((await desk(case).event("response", tag=user))["status"] == 202, "202")


@case
async def registers_and_refreshes(case):
    """RFC 3261 10.2: with digest, again before it expires with the same Call-ID and the next CSeq, and taken back."""
    domain = unique("reg") + ".example"
    case.lab.wanted["REGISTER " + domain] = asyncio.Queue()
    await desk(case).call("ua.register", registrar=f"sip:{domain}", aor=f"sip:alice@{domain}", peer="sbcs", user="alice", password="secret",
                          expires=60, tag=domain)
    leg = await case.invited("REGISTER " + domain)
    check("<sip:" in leg.invite.get("contact"), leg.invite.text)
    leg.answer(leg.invite, 401, "Who", extra=['WWW-Authenticate: Digest realm="r", nonce="a", qop="auth", algorithm=SHA-256'])
    second = await leg.expect("REGISTER")
    check(is_right(second.get("authorization"), "REGISTER", f"sip:{domain}", sha256), second.text)
    leg.answer(second, 200, "OK", extra=["Expires: 1"])
    event = await desk(case).event("registered", tag=domain)
    check(event["status"] == 200, event)
    third = await leg.expect("REGISTER")
    check(int(third.get("cseq").split()[0]) > int(second.get("cseq").split()[0]), third.text)
    leg.answer(third, 200, "OK", extra=["Expires: 60"])
    await desk(case).event("registered", tag=domain)
    await desk(case).call("ua.unregister", registrar=f"sip:{domain}", aor=f"sip:alice@{domain}")
    last = await leg.expect("REGISTER")
    check(last.get("expires") == "0", last.text)
    leg.answer(last, 200, "OK")
