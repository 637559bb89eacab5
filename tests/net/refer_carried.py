# SPDX-License-Identifier: BSD-3-Clause
"""REFERs in applications' calls that are carried out."""

import re

from parties import SDP, Leg, check
from refer_parts import *


def outcome(name, state, *statuses):
    async def run(case, role):
        leg, dialog, target = await referred(case, role)
        for status, reason in statuses[:-1]:
            target.answer(target.invite, status, reason)
            await notified(leg, f"{status} {reason}".strip())
        status, reason = statuses[-1]
        if status < 300:
            await case.answered(target)
        else:
            target.answer(target.invite, status, reason)
            await target.expect("ACK")
        await notified(leg, f"{status} {reason}".strip(), state)
        told = await desk["accepts"].event("refer_progress", dialog=dialog, final=True)
        check(told["status"] == status, told)
        await still_up(case, leg, dialog)
        await hang_up(leg, *([target] if status < 300 else []))

    run.__name__ = name
    both_roles(run)


GONE = "terminated;reason=noresource"
outcome("answered", GONE, (200, "OK"))
outcome("rings_then_answered", GONE, (180, "Ringing"), (200, "OK"))
outcome("progress_of_all_kinds", GONE, (183, "Session Progress"), (180, "Ringing"), (181, "Forwarded"), (200, "OK"))
outcome("busy", GONE, (180, "Ringing"), (486, "Busy Here"))
outcome("not_found", GONE, (404, "Not Found"))
outcome("declined", GONE, (603, "Decline"))
outcome("sent_elsewhere", GONE, (302, "Moved Temporarily"))
outcome("server_error", GONE, (500, "Server Internal Error"))


@both_roles
async def nobody_answers_408(case, role):
    leg, dialog, target = await referred(case, role, "guards")
    await notified(leg, 408, "terminated")
    await still_up(case, leg, dialog, "guards")
    await hang_up(leg)


@both_roles
async def referred_by_and_body_are_carried(case, role):
    leg, dialog, target = await referred(case, role, "accepts", 'Referred-By: "A" <sip:a@example.net>;cid="1@2"')
    check(target.invite.get("referred-by") == '"A" <sip:a@example.net>;cid="1@2"', target.invite.text)
    check("m=audio 4000" in target.invite.body, target.invite.text)
    check(target.invite.all("replaces") == [], target.invite.text)
    await case.answered(target)
    await notified(leg, 200, "terminated")
    await hang_up(leg, target)


@both_roles
async def attended(case, role):
    """RFC 5589 section 7.3: the Replaces of Refer-To, unescaped, is a header field of the new call."""
    leg, dialog = await up(case, role)
    user = case.far_user()
    refer(leg, f"<sip:{user}@example.net;user=phone?Replaces=a%2Bb%40c%3Bto-tag%3Dx.y%3Bfrom-tag%3D8&Subject=no>")
    await leg.expect(200)
    await notified(leg, 100)
    target = await case.invited(user)
    check(target.invite.get("replaces") == "a+b@c;to-tag=x.y;from-tag=8", target.invite.text)
    check(target.invite.get("require") == "replaces", target.invite.text)
    check("?" not in target.invite.uri, target.invite.uri)
    await case.answered(target)
    await notified(leg, 200, "terminated")
    await hang_up(leg, target)


@case
async def attended_early_only(case):
    leg, _ = await up(case, "server")
    user = case.far_user()
    refer(leg, f"<sip:{user}@example.net?Replaces=1%40c%3Bfrom-tag%3D8%3Bto-tag%3D7%3Bearly-only>")
    await leg.expect(200)
    await notified(leg, 100)
    target = await case.invited(user)
    check(target.invite.get("replaces") == "1@c;to-tag=7;from-tag=8;early-only", target.invite.text)
    target.answer(target.invite, 481, "Gone")
    await target.expect("ACK")
    await notified(leg, 481, "terminated")
    await hang_up(leg)


@both_roles
async def norefersub(case, role):
    """RFC 4488 section 4: the 200 says so, and no NOTIFY comes."""
    leg, dialog = await up(case, role)
    user = case.far_user()
    refer(leg, f"<sip:{user}@example.net>", "Refer-Sub: false", "Supported: norefersub")
    ok = await leg.expect(200)
    check(ok.get("refer-sub") == "false", ok.text)
    target = await case.invited(user)
    await case.answered(target)
    await desk["accepts"].event("refer_progress", dialog=dialog, final=True)
    await still_up(case, leg, dialog)  # a NOTIFY before its answer would be seen
    await hang_up(leg, target)


@both_roles
async def two_at_once_have_ids(case, role):
    leg, dialog, first = await referred(case, role)
    user = case.far_user()
    cseq = refer(leg, f"<sip:{user}@example.net>").get("cseq").split()[0]
    await leg.expect(200)
    await notified(leg, 100, event=f"refer;id={cseq}")
    second = await case.invited(user)
    second.answer(second.invite, 486, "Busy Here")
    await second.expect("ACK")
    await notified(leg, 486, "terminated", f"refer;id={cseq}")
    await case.answered(first)
    await notified(leg, 200, "terminated")
    await hang_up(leg, first)


@both_roles
async def subscription_refreshed(case, role):
    leg, dialog, target = await referred(case, role)
    ok = await subscribe(leg, 600)
    check(ok.get("expires") == "600", ok.text)
    await notified(leg, 100, "active;expires=600")
    await case.answered(target)
    await notified(leg, 200, "terminated")
    await hang_up(leg, target)


async def subscribe(leg, seconds, status=200, event="refer"):
    leg.send("SUBSCRIBE", extra=[f"Event: {event}", f"Expires: {seconds}"])
    return await leg.expect(status)


@both_roles
async def subscription_ended_by_them(case, role):
    leg, dialog, target = await referred(case, role)
    await subscribe(leg, 0)
    await notified(leg, 100, "terminated;reason=timeout")
    await subscribe(leg, 60, 481)
    await case.answered(target)
    await desk["accepts"].event("refer_progress", dialog=dialog, final=True)
    await still_up(case, leg, dialog)
    await hang_up(leg, target)


@both_roles
async def subscription_runs_out(case, role):
    leg, dialog, target = await referred(case, role)
    await subscribe(leg, 1)
    await notified(leg, 100, "active;expires=1")
    await notified(leg, 100, "terminated;reason=timeout")
    target.answer(target.invite, 486, "Busy Here")
    await target.expect("ACK")
    await desk["accepts"].event("refer_progress", dialog=dialog, final=True, status=486)
    await still_up(case, leg, dialog)
    await hang_up(leg)


@case
async def subscribe_without_a_transfer_481(case):
    leg, _ = await up(case, "server")
    await subscribe(leg, 60, 481)
    await subscribe(leg, 60, 481, "refer;id=77")
    await hang_up(leg)


@both_roles
async def notify_refused_ends_the_subscription(case, role):
    """RFC 6665 4.2.2; the call that was asked for goes on."""
    leg, dialog = await up(case, role)
    user = case.far_user()
    refer(leg, f"<sip:{user}@example.net>")
    await leg.expect(200)
    await notified(leg, 100, answer=481)
    target = await case.invited(user)
    target.answer(target.invite, 180, "Ringing")
    await case.answered(target)
    await desk["accepts"].event("refer_progress", dialog=dialog, final=True, status=200)
    await still_up(case, leg, dialog)
    await hang_up(leg, target)


@case
async def notifies_are_bounded(case):
    """At most 17 NOTIFYs of a call that makes progress thirty times, and the last of them says how it ended."""
    leg, _, target = await referred(case, "server")
    for number in range(30):
        target.answer(target.invite, 183 if number % 2 else 180, f"Number {number}")
        await desk["accepts"].event("progress", where=lambda event: target.call_id in str(event["message"]["headers"]))
    target.answer(target.invite, 603, "No")
    await target.expect("ACK")
    count, state = 1, ""
    while not state.startswith("terminated"):
        notify = await leg.expect("NOTIFY")
        leg.answer(notify, 200, "OK")
        count, state = count + 1, notify.get("subscription-state")
    check(notify.body.startswith("SIP/2.0 603 No") and count <= 17, f"{count} NOTIFYs, {notify.body}")
    await hang_up(leg)


@both_roles
async def transferor_leaves_early(case, role):
    """RFC 5589 section 6.1: the transfer goes on, its NOTIFYs in the name of the dialog that was (RFC 5057 section 4)."""
    leg, dialog, target = await referred(case, role)
    await leg.hang_up()
    await desk["accepts"].event("ended", dialog=dialog)
    target.answer(target.invite, 180, "Ringing")
    ringing = await notified(leg, 180)
    await case.answered(target)
    last = await notified(leg, 200, "terminated")
    check(ringing.tag("to") == last.tag("to") == re.search("tag=(.*)", leg.local).group(1), last.text)
    check(ringing.tag("from") == last.tag("from") == re.search(";tag=([^;]+)", leg.remote).group(1), last.text)
    check(int(last.get("cseq").split()[0]) > int(ringing.get("cseq").split()[0]), last.text)
    await hang_up(target)


@both_roles
async def transferor_leaves_and_is_deaf(case, role):
    leg, dialog, target = await referred(case, role)
    await leg.hang_up()
    await desk["accepts"].event("ended", dialog=dialog)  # the two calls' workers tell of them in no order
    target.answer(target.invite, 180, "Ringing")
    await notified(leg, 180, answer=481)
    await case.answered(target)
    await desk["accepts"].event("refer_progress", final=True, status=200, of=dialog)
    await hang_up(target)


@both_roles
async def program_leaves_the_transferor(case, role):
    leg, dialog, target = await referred(case, role)
    await desk["accepts"].call("ua.terminate", dialog=dialog)
    await leg.reply("BYE")
    await case.answered(target)
    await notified(leg, 200, "terminated")
    await hang_up(target)


@both_roles
async def program_cancels_the_new_call(case, role):
    leg, dialog, target = await referred(case, role)
    target.answer(target.invite, 180, "Ringing")
    await notified(leg, 180)
    transfers = (await desk["accepts"].call("refer.list"))["transfers"]
    new = next(one["target"] for one in transfers if one["dialog"] == dialog)
    await desk["accepts"].call("ua.cancel", dialog=new)
    cancel = await target.expect("CANCEL")
    target.answer(cancel, 200, "OK")
    target.answer(target.invite, 487, "Request Terminated")
    await target.expect("ACK")
    await notified(leg, 487, "terminated")
    await still_up(case, leg, dialog)
    await hang_up(leg)


@both_roles
async def the_new_call_ends_soon(case, role):
    """BYE of who was called, before the last NOTIFY has its response: the transfer has succeeded all the same."""
    leg, dialog, target = await referred(case, role)
    await case.answered(target)
    notify = await leg.expect("NOTIFY")
    await target.hang_up()
    leg.answer(notify, 200, "OK")
    check(notify.body.startswith("SIP/2.0 200"), notify.body)
    await still_up(case, leg, dialog)
    await hang_up(leg)


@both_roles
async def while_a_reinvite_of_ours_waits(case, role):
    """A REFER may cross a re-INVITE (RFC 3261 14.1 is about INVITEs); a re-INVITE of theirs then gets 491 (14.2)."""
    leg, dialog = await up(case, role)
    await desk["accepts"].call("ua.reinvite", dialog=dialog, body=SDP, tag=case.name)
    ours = await leg.expect("INVITE")
    leg.send("INVITE", extra=["Content-Type: application/sdp"], body=SDP)
    glare = await leg.expect(491)
    leg.invite = Leg.request(leg, "INVITE", cseq=int(glare.get("cseq").split()[0]), branch=glare.branch())
    leg.ack_failure(glare)
    user = case.far_user()
    refer(leg, f"<sip:{user}@example.net>")
    await leg.expect(200)
    await notified(leg, 100)
    leg.answer(ours, 200, "OK", body=SDP)
    await leg.expect("ACK")
    target = await case.invited(user)
    await case.answered(target)
    await notified(leg, 200, "terminated")
    await hang_up(leg, target)


@both_roles
async def our_reinvite_meets_491_in_a_transfer(case, role):
    """RFC 3261 14.1: it comes again by itself, and the transfer goes on beside it."""
    leg, dialog, target = await referred(case, role)
    target.answer(target.invite, 180, "Ringing")
    await notified(leg, 180)
    await desk["accepts"].call("ua.hold", dialog=dialog, body=SDP, tag=case.name)
    hold = await leg.expect("INVITE")
    leg.answer(hold, 491, "Request Pending")
    await leg.expect("ACK")
    again = await leg.expect("INVITE")
    check(int(again.get("cseq").split()[0]) > int(hold.get("cseq").split()[0]), again.text)
    leg.answer(again, 200, "OK", body=SDP)
    await leg.expect("ACK")
    await desk["accepts"].event("response", tag=case.name, status=200)
    await case.answered(target)
    await notified(leg, 200, "terminated")
    await hang_up(leg, target)


@both_roles
async def program_makes_the_call(case, role):
    leg, dialog = await up(case, role, "asks")
    refer(leg, "<sip:+49x@example.net>")
    asked = await desk["asks"].event("refer", dialog=dialog)
    await desk["asks"].call("refer.notify", refer=asked["refer"], status=100)
    await leg.expect(200)
    await notified(leg, 100)
    await desk["asks"].call("refer.notify", refer=asked["refer"], status=180, reason="Ringing")
    await notified(leg, "180 Ringing")
    await desk["asks"].call("refer.notify", refer=asked["refer"], status=200, reason="OK")
    await notified(leg, "200 OK", "terminated")
    await hang_up(leg)


@both_roles
async def program_accepts(case, role):
    leg, dialog = await up(case, role, "asks")
    user = case.far_user()
    refer(leg, f"<sip:{user}@example.net>")
    asked = await desk["asks"].event("refer", dialog=dialog)
    await desk["asks"].call("refer.answer", refer=asked["refer"], accept=True)
    await leg.expect(200)
    await notified(leg, 100)
    target = await case.invited(user)
    await case.answered(target)
    await notified(leg, 200, "terminated")
    refusal = await desk["asks"].refused("refer.notify", refer=asked["refer"], status=200)
    check(refusal.code in (-32011, -32001), refusal)
    await hang_up(leg, target)


@case
async def guarded_target_is_called(case):
    leg, dialog, target = await referred(case, "server", "guards")
    target.answer(target.invite, 486, "Busy Here")
    await target.expect("ACK")
    await notified(leg, 486, "terminated")
    await hang_up(leg)


@case
async def repeated_refer_makes_one_call(case):
    """A repeat of the datagram is the same transaction (RFC 3261 17.2.3); one with the old CSeq gets 500 (12.2.2)."""
    leg, dialog = await up(case, "server")
    user = case.far_user()
    first = leg.request("REFER", extra=[f"Refer-To: <sip:{user}@example.net>"])
    leg.put(first.text)
    leg.put(first.text)
    await leg.expect(200)
    await notified(leg, 100)
    target = await case.invited(user)
    refer_again = leg.request("REFER", cseq=int(first.get("cseq").split()[0]), extra=[f"Refer-To: <sip:{user}@example.net>"])
    leg.put(refer_again.text)
    await leg.expect(500)
    await case.answered(target)
    await notified(leg, 200, "terminated")
    check(case.lab.wanted[user].empty(), "a second call")
    await hang_up(leg, target)
