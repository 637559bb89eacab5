# SPDX-License-Identifier: BSD-3-Clause
"""REFERs in applications' calls that are refused, and calls that make too many."""

import urllib.parse

from parties import check
from refer_parts import *


def refusal(name, application, status, *lines):
    async def run(case, role):
        leg, dialog = await up(case, role, application)
        leg.send("REFER", extra=lines)
        await leg.expect(status)
        await still_up(case, leg, dialog, application)
        await hang_up(leg)

    run.__name__ = name
    both_roles(run)


refusal("refused_by_policy_603", "refuses", 603, "Refer-To: <sip:+4930@example.net>")
refusal("target_not_allowed_403", "guards", 403, "Refer-To: <sip:+1900@example.net>")
refusal("no_refer_to_400", "accepts", 400)
refusal("two_refer_to_400", "accepts", 400, "Refer-To: <sip:a@example.net>", "Refer-To: <sip:b@example.net>")
refusal("refer_to_is_no_uri_400", "accepts", 400, "Refer-To: <>")
refusal("two_referred_by_400", "accepts", 400, "Refer-To: <sip:a@b>", "Referred-By: <sip:c@d>", "Referred-By: <sip:e@f>")
refusal("replaces_without_tags_400", "accepts", 400, "Refer-To: <sip:a@example.net?Replaces=1%40x>")
refusal("asks_for_bye_403", "accepts", 403, "Refer-To: <sip:a@example.net;method=BYE>")
refusal("asks_for_a_number_416", "accepts", 416, "Refer-To: <tel:+4930>")
refusal("asks_for_a_page_416", "accepts", 416, "Refer-To: <http://example.net/>")
refusal("sips_416", "accepts", 416, "Refer-To: <sips:a@example.net>")
refusal("uri_too_long_400", "accepts", 400, f"Refer-To: <sip:{'a' * 400}@example.net>")
refusal("replaces_too_long_400", "accepts", 400, f"Refer-To: <sip:a@b?Replaces={'x' * 600}%3Bto-tag%3D1%3Bfrom-tag%3D2>")
refusal("too_many_parameters_400", "accepts", 400, "Refer-To: <sip:a@b" + "".join(f";p{i}=1" for i in range(21)) + ">")
refusal("nobody_says_480", "waits", 480, "Refer-To: <sip:a@example.net>")


@case
async def no_program_480(case):
    leg = case.call("alone")
    leg.ok = await leg.expect(200)
    leg.learn(leg.ok)
    leg.ack()
    refer(leg, "<sip:a@example.net>")
    await leg.expect(480)
    await hang_up(leg)


@both_roles
async def program_refuses(case, role):
    leg, dialog = await up(case, role, "asks")
    refer(leg, "<sip:a@example.net>", "Referred-By: <sip:who@example.net>")
    asked = await desk["asks"].event("refer", dialog=dialog)
    check(asked["to"] == "sip:a@example.net" and asked["referred_by"] == "<sip:who@example.net>", asked)
    await desk["asks"].call("refer.answer", refer=asked["refer"], accept=False, status=488)
    await leg.expect(488)
    await still_up(case, leg, dialog, "asks")
    await hang_up(leg)


@case
async def transferor_leaves_before_the_program_says(case):
    leg, dialog = await up(case, "server", "asks")
    refer(leg, "<sip:a@example.net>")
    asked = await desk["asks"].event("refer", dialog=dialog)
    leg.send("BYE")
    await leg.expect_all((200, "BYE"), (487, "REFER"))
    await desk["asks"].refused("refer.answer", refer=asked["refer"], accept=True)


@both_roles
async def replaces_the_dialog_it_is_in_482(case, role):
    leg, dialog = await up(case, role)
    refer(leg, f"<sip:a@example.net?Replaces={urllib.parse.quote(leg.call_id, safe='')}%3Bto-tag%3D1%3Bfrom-tag%3D2>")
    await leg.expect(482)
    await hang_up(leg)


@case
async def chain_ends_at_the_fourth_482(case):
    leg, _ = await up(case, "server")
    legs = [leg]
    for _ in range(4):
        user = case.far_user()
        refer(legs[-1], f"<sip:{user}@example.net>")
        await legs[-1].expect(200)
        await notified(legs[-1], 100)
        target = await case.invited(user)
        await case.answered(target)
        await notified(legs[-1], 200, "terminated")
        legs.append(target)
    refer(legs[-1], "<sip:+49@example.net>")
    await legs[-1].expect(482)
    await hang_up(*legs)


@case
async def eight_at_once_and_the_ninth_486(case):
    leg, dialog = await up(case, "server", "asks")
    for _ in range(8):
        refer(leg, "<sip:a@example.net>")
        await desk["asks"].event("refer", dialog=dialog)
    refer(leg, "<sip:a@example.net>")
    await leg.expect(486)
    for transfer in (await desk["asks"].call("refer.list"))["transfers"]:
        if transfer["dialog"] == dialog:
            await desk["asks"].call("refer.answer", refer=transfer["refer"], accept=False)
            await leg.expect(603)
    await hang_up(leg)
