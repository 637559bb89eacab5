# SPDX-License-Identifier: BSD-3-Clause
"""A program that is called, and what both roles have alike."""

import asyncio

from application_parts import *
from parties import SDP, TYPE, Leg, Message, check, unique


@case
async def cancelled_at_once(case):
    leg = case.call("900")
    cancel(leg)
    found = await leg.expect_all((200, "CANCEL"), (487, "INVITE"))
    leg.ack_failure(found[487, "INVITE"])


@case
async def cancel_crosses_the_answer(case):
    """The 200 was first: the call is up, whatever the CANCEL says (RFC 3261 9.2)."""
    leg, dialog = await comes(case)
    await desk(case).call("ua.answer", dialog=dialog, body=SDP)
    cancel(leg)
    found = await leg.expect_all((200, "CANCEL"), (200, "INVITE"))
    leg.learn(found[200, "INVITE"])
    leg.ack(found[200, "INVITE"])
    await desk(case).event("ack", dialog=dialog)
    await leg.hang_up()


@case
async def the_answer_is_repeated_until_its_ack(case):
    leg, dialog = await comes(case)
    leg.repeats = True
    await desk(case).call("ua.answer", dialog=dialog, body=SDP)
    leg.ok = await leg.expect(200)
    again = await leg.expect(200)
    check(again.text == leg.ok.text, again.text)
    leg.repeats = False
    leg.learn(leg.ok)
    leg.ack()
    await desk(case).event("ack", dialog=dialog)
    await leg.hang_up()


@case
async def reliable_progress(case):
    """RFC 3262 and 3311: 183 with an answer, PRACK, an early UPDATE, then the 200."""
    leg, dialog = await comes(case, extra=["Supported: 100rel"])
    await desk(case).call("ua.progress", dialog=dialog, status=183, body=SDP, reliable=True)
    early = await leg.expect(183)
    check("100rel" in early.get("require") and early.body == SDP, early.text)
    leg.learn(early)
    await leg.ask("PRACK", 200, extra=[f"RAck: {early.get('rseq')} {leg.invite.get('cseq')}"])
    leg.send("UPDATE", extra=[TYPE], body=SDP)
    await respond(case, dialog, "UPDATE", 200, body=SDP)
    check((await leg.expect(200)).body == SDP, "UPDATE")
    await fine(case, leg, dialog, body="")
    await leg.hang_up()


@case
async def prack_of_nothing_481(case):
    leg, dialog = await up(case, "server")
    await leg.ask("PRACK", 481, extra=["RAck: 7 1 INVITE"])
    await leg.hang_up()


@case
async def offer_in_the_answer(case):
    leg, dialog = await comes(case, body="")
    await desk(case).call("ua.answer", dialog=dialog, body=SDP)
    leg.ok = await leg.expect(200)
    leg.learn(leg.ok)
    leg.ack(extra=[TYPE], body=SDP)
    ack = await desk(case).event("ack", dialog=dialog)
    check(ack["message"]["body"] == SDP, ack)
    await leg.hang_up()


@case
async def merged_482(case):
    """RFC 3261 8.2.2.2: the same request by two ways."""
    leg, dialog = await comes(case)
    twin = leg.invite.text.replace(leg.invite.branch(), unique("z9hG4bK"))
    leg.put(twin)
    merged = await leg.expect(482)
    leg.invite = Message(twin.encode(), None)
    leg.ack_failure(merged)
    await fine(case, leg, dialog)
    await leg.hang_up()


def refused(name, status, wanted="", body=SDP, **fields):
    async def run(case):
        leg = case.call("900", body=body, **fields)
        response = await leg.expect(status)
        check(wanted.lower() in response.text.lower(), response.text)
        leg.ack_failure(response)

    run.__name__ = name
    case(run)


refused("unknown_extension_420", 420, "Unsupported: telepathy", extra=["Require: telepathy"])
refused("session_too_short_422", 422, "Min-SE: 90", extra=["Supported: timer", "Session-Expires: 60"])


@case
async def unknown_dialog_481(case):
    leg = Leg(case, case.lab.carrier, unique("call-"), f"<sip:peer@{case.lab.carrier.here}>;tag=1")
    leg.target, leg.remote = "sip:900@10.10.0.10", "<sip:900@10.10.0.10>;tag=2"
    for method in ("BYE", "INFO", "UPDATE"):
        await leg.ask(method, 481)


@case
async def refusals_of_the_program(case):
    for status in (404, 480, 486, 488, 500, 603):
        leg, dialog = await comes(case)
        await desk(case).call("ua.reject", dialog=dialog, status=status)
        leg.ack_failure(await leg.expect(status))
        await desk(case).event("ended", dialog=dialog)


@case
async def message_and_options_outside(case):
    for method in ("MESSAGE", "SUBSCRIBE"):
        leg = Leg(case, case.lab.carrier, unique("call-"), f"<sip:peer@{case.lab.carrier.here}>;tag={unique('f')}")
        leg.target, leg.remote = "sip:900@10.10.0.10", "<sip:900@10.10.0.10>"
        leg.send(method, extra=["Event: presence"] if method == "SUBSCRIBE" else [])
        asked = await desk(case).event("request", lambda event: leg.call_id in str(event["message"]["headers"]), method=method)
        await desk(case).call("ua.respond", request=asked["request"], status=202)
        await leg.expect(202)


# --- in calls, both roles ---


@both_roles
async def reinvite_of_theirs(case, role):
    leg, dialog = await up(case, role)
    leg.send("INVITE", extra=[TYPE], body=SDP)
    await desk(case).event("request", dialog=dialog, method="INVITE")
    await desk(case).call("ua.answer", dialog=dialog, body=SDP)
    leg.ack(await leg.expect(200))
    await desk(case).event("ack", dialog=dialog)
    leg.invite = leg.send("INVITE", extra=[TYPE], body=SDP)
    await desk(case).event("request", dialog=dialog, method="INVITE")
    await desk(case).call("ua.reject", dialog=dialog, status=488)
    leg.ack_failure(await leg.expect(488))
    check((await desk(case).call("ua.get", dialog=dialog))["state"] == "confirmed", "488 ended the call")
    await leg.hang_up()


@both_roles
async def a_second_reinvite_of_theirs_500(case, role):
    """RFC 3261 14.2: while the first waits; with Retry-After."""
    leg, dialog = await up(case, role)
    first = leg.send("INVITE", extra=[TYPE], body=SDP)
    await desk(case).event("request", dialog=dialog, method="INVITE")
    leg.invite = leg.send("INVITE", extra=[TYPE], body=SDP)
    busy = await leg.expect(500)
    check(0 <= int(busy.get("retry-after").split()[0]) <= 10, busy.text)
    leg.ack_failure(busy)
    await desk(case).call("ua.answer", dialog=dialog, body=SDP)
    ok = await leg.expect(200)
    check(ok.get("cseq") == first.get("cseq"), ok.text)
    leg.ack(ok)
    await leg.hang_up()


@both_roles
async def hold_and_back(case, role):
    leg, dialog = await up(case, role)
    for method, direction in (("ua.hold", "a=sendonly"), ("ua.unhold", "m=audio")):
        await desk(case).call(method, dialog=dialog, tag=case.name + method)
        invite = await leg.reply("INVITE", body=SDP)
        check(direction in invite.body, invite.body)
        check((method == "ua.hold") == ("a=sendonly" in invite.body), invite.body)
        await leg.expect("ACK")
        await desk(case).event("response", tag=case.name + method, status=200)
    await leg.hang_up()


@both_roles
async def reinvite_of_ours_is_refused(case, role):
    leg, dialog = await up(case, role)
    await desk(case).call("ua.reinvite", dialog=dialog, body=SDP, tag=case.name)
    await leg.reply("INVITE", 488, "No")
    await leg.expect("ACK")
    await desk(case).event("response", tag=case.name, status=488)
    check((await desk(case).call("ua.get", dialog=dialog))["state"] == "confirmed", "488 ended the call")
    await leg.hang_up()


@both_roles
async def reinvite_of_ours_481_ends_the_call(case, role):
    """RFC 3261 12.2.1.2 and RFC 5057: the far end has no such dialog."""
    leg, dialog = await up(case, role)
    await desk(case).call("ua.reinvite", dialog=dialog, body=SDP)
    await leg.reply("INVITE", 481, "No")
    await leg.expect("ACK")
    await leg.reply("BYE", 481, "No")
    await desk(case).event("ended", dialog=dialog)


@both_roles
async def update_both_ways(case, role):
    leg, dialog = await up(case, role)
    leg.send("UPDATE", extra=[TYPE, "Supported: timer", "Session-Expires: 1800;refresher=uac"], body=SDP)
    await respond(case, dialog, "UPDATE", 200, body=SDP)
    ok = await leg.expect(200)
    check("1800" in ok.get("session-expires"), ok.text)
    await desk(case).call("ua.update", dialog=dialog, body=SDP, tag=case.name)
    update = await leg.reply("UPDATE", body=SDP)
    check(update.body == SDP, update.text)
    await desk(case).event("response", tag=case.name, status=200)
    await leg.hang_up()


@both_roles
async def lower_cseq_500(case, role):
    leg, dialog = await up(case, role)
    leg.cseq += 10
    leg.send("INFO")
    await respond(case, dialog, "INFO", 200)
    await leg.expect(200)
    await leg.ask("INFO", 500, cseq=leg.cseq - 5)
    await leg.hang_up()


@both_roles
async def byes_cross(case, role):
    leg, dialog = await up(case, role)
    await desk(case).call("ua.terminate", dialog=dialog)
    leg.send("BYE")
    ours = await leg.expect("BYE")
    theirs = await leg.receive()
    check(theirs.status in (200, 481), theirs.text)
    leg.answer(ours, 200, "OK")
    await desk(case).event("ended", dialog=dialog)


@both_roles
async def bye_crosses_our_reinvite(case, role):
    leg, dialog = await up(case, role)
    await desk(case).call("ua.reinvite", dialog=dialog, body=SDP, tag=case.name)
    invite = await leg.expect("INVITE")
    await leg.hang_up()
    leg.answer(invite, 487, "Terminated")
    await leg.expect("ACK")
    await desk(case).event("ended", dialog=dialog, by="remote")


@both_roles
async def any_request_both_ways(case, role):
    leg, dialog = await up(case, role)
    for method in ("INFO", "MESSAGE", "OPTIONS"):
        leg.send(method, extra=["Content-Type: text/plain"], body="hello")
        asked = await respond(case, dialog, method, 200)
        check(asked["message"]["body"] == "hello", asked)
        await leg.expect(200)
        await desk(case).call("ua.request", dialog=dialog, method=method, body="hi", content_type="text/plain", tag=method)
        check((await leg.reply(method)).body == "hi", method)
        await desk(case).event("response", dialog=dialog, tag=method, status=200)
    await leg.hang_up()


@both_roles
async def thirty_at_once(case, role):
    legs = await asyncio.gather(*[up(case, role) for _ in range(30)])
    await asyncio.gather(*[leg.hang_up() for leg, _ in legs])
