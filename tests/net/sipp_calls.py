# SPDX-License-Identifier: BSD-3-Clause
"""SIPp and a program: how calls begin and do not begin."""

import re

from digests import is_right, md5, sha256
from parties import SDP, check
from sipp_far import SDP as FAR_SDP
from sipp_parts import *


@both_roles
async def they_hang_up(one, role):
    _, dialog = await up(one, role, lambda far: far.asks("BYE", 200))
    await ended(one, dialog, "remote")


@both_roles
async def we_hang_up(one, role):
    _, dialog = await up(one, role, lambda far: far.replies("BYE", 200, checks=[("Reason:", "Q.850;cause=16")]))
    await desk(one).call("ua.terminate", dialog=dialog, protocol="Q.850", cause=16)
    await ended(one, dialog, "local")


def refused(status):
    async def run(one, role):
        far = far_end(one, role)
        if role == "called":
            far.invite()
            far.receive(status)
            far.ack_failure()
            dialog = await comes(one, far)
            await desk(one).call("ua.reject", dialog=dialog, status=status)
        else:
            far.invited()
            far.answer("first", 100)
            far.answer("first", status)
            far.receive("ACK")
            dialog = await place(one, far)
            await desk(one).event("failed", dialog=dialog, status=status, final=True)
        await desk(one).event("ended", dialog=dialog)

    run.__name__ = f"refused_{status}"
    both_roles(run)


for code in (404, 486, 488, 603):
    refused(code)


@case
async def refused_483(one):
    """No hop is left: nobody hears of it (RFC 3261 16.3 step 3)."""
    far = far_end(one, "called")
    far.ask("INVITE", body=FAR_SDP, hops=0)
    far.receive(483)
    far.ack_failure()
    await far.start()


@both_roles
async def cancelled_before_180(one, role):
    far = far_end(one, role)
    if role == "called":
        far.ask("INVITE", body=FAR_SDP)
        far.receive(100)
        cancel(far)
        await comes(one, far)
    else:
        far.invited()
        far.answer("first", 100)
        cancelled(far)
        dialog = await place(one, far)
        await desk(one).call("ua.cancel", dialog=dialog)
        await ended(one, dialog, "local")


@both_roles
async def cancelled_after_180(one, role):
    far = far_end(one, role)
    if role == "called":
        far.invite()
        far.receive(180)
        cancel(far)
        dialog = await comes(one, far)
        await desk(one).call("ua.progress", dialog=dialog)
        await desk(one).event("cancelled", dialog=dialog)
        await ended(one, dialog, "remote")
    else:
        far.invited()
        far.answer("first", 180)
        cancelled(far)
        dialog = await place(one, far)
        await desk(one).event("progress", dialog=dialog, status=180)
        await desk(one).call("ua.cancel", dialog=dialog)
        await ended(one, dialog, "local")


def cancel(far):
    far.cancel()
    far.receive(487, ("CSeq:", "INVITE"))
    far.ack_failure()


def cancelled(far):
    far.replies("CANCEL", 200)
    far.answer("first", 487)
    far.receive("ACK")


@both_roles
async def cancel_crosses_the_answer(one, role):
    """The call is up, whatever the CANCEL says (RFC 3261 9.2); our own is followed by BYE."""
    far = far_end(one, role)
    if role == "called":
        far.invite()
        far.receive(180)
        far.learns(200)
        far.cancel()
        far.ack()
        far.asks("BYE", 200)
        dialog = await begin(one, far)
        await ended(one, dialog, "remote")
    else:
        far.invited()
        far.answer("first", 180)
        far.replies("CANCEL", 200)
        far.answer("first", 200, body=FAR_SDP)
        far.receive("ACK")
        far.replies("BYE", 200)
        dialog = await place(one, far)
        await desk(one).event("progress", dialog=dialog, status=180)
        await desk(one).call("ua.cancel", dialog=dialog)
        await desk(one).event("ended", dialog=dialog)


@both_roles
async def delayed_offer(one, role):
    """The 2xx offers, the ACK answers."""
    far = far_end(one, role)
    if role == "called":
        far.invite(body="")
        far.learns(200, ("body", "m=audio"))
        far.ack(body=FAR_SDP)
        far.asks("BYE", 200)
        dialog = await comes(one, far)
        ack = await answer(one, dialog)
        check("m=audio" in ack["message"]["body"], ack)
    else:
        far.invited(("Content-Length:", "^ *0"))
        far.answer("first", 200, body=FAR_SDP)
        far.receive("ACK", ("body", "m=audio"))
        far.asks("BYE", 200)
        dialog = await place(one, far, body="", late_ack=True)
        await desk(one).event("answered", dialog=dialog)
        await desk(one).call("ua.ack", dialog=dialog, body=SDP)
    await ended(one, dialog, "remote")


@both_roles
async def redirected(one, role):
    far = far_end(one, role)
    if role == "called":
        far.invite()
        far.receive(302, ("Contact:", "<sip:a@example.net>"))
        far.ack_failure()
        dialog = await comes(one, far)
        await desk(one).call("ua.redirect", dialog=dialog, targets=["sip:a@example.net"])
    else:
        far.invited()
        far.contact = f"Contact: <sip:elsewhere@{far.here}>"
        far.answer("first", 302)
        far.receive("ACK")
        far.invited(("To:", far.key))
        far.answer("first", 200, body=FAR_SDP)
        far.receive("ACK")
        far.asks("BYE", 200)
        dialog = await place(one, far, redirect=1)
        await desk(one).event("answered", dialog=dialog)
    await desk(one).event("ended", dialog=dialog)


def challenged(status, asks, answers, algorithm, digest):
    async def run(one):
        far = far_end(one, "calling")
        far.invited()
        far.answer("first", status, f'{asks}: Digest realm="r", nonce="n1", algorithm={algorithm}, qop="auth"')
        far.receive("ACK")
        far.invited((f"{answers}:", 'username="alice"'))
        far.answer("first", 200, body=FAR_SDP)
        far.receive("ACK")
        far.asks("BYE", 200)
        dialog = await place(one, far, user="alice", password="secret")
        await desk(one).event("answered", dialog=dialog)
        await ended(one, dialog, "remote")
        await far.done()
        answer = re.search(rf"^{answers}: (.*)\r?$", far.read("messages"), re.MULTILINE).group(1)
        check(is_right(answer, "INVITE", f"sip:{far.key}@{far.here}", digest), answer)

    run.__name__ = f"challenged_{status}"
    case(run)


challenged(401, "WWW-Authenticate", "Authorization", "MD5", md5)
challenged(407, "Proxy-Authenticate", "Proxy-Authorization", "SHA-256", sha256)


@case
async def forks(one):
    """Two early dialogs, two answers: the second is acknowledged and ended."""
    far = far_end(one, "calling")
    far.invited()
    far.answer("first", 180)
    far.answer("first", 183, tag="two")
    far.answer("first", 200, body=FAR_SDP)
    far.receive("ACK", ("To:", f"tag={far.key}"))
    far.answer("first", 200, body=FAR_SDP, tag="two")
    far.receive("ACK", ("To:", "tag=two"))
    far.replies("BYE", 200, checks=[("To:", "tag=two")])
    far.asks("BYE", 200)
    dialog = await place(one, far)
    forked = await desk(one).event("forked", of=dialog)
    await desk(one).event("answered", dialog=dialog)
    await desk(one).event("ended", dialog=forked["dialog"])
    await ended(one, dialog, "remote")


@both_roles
async def reliable_progress(one, role):
    """100rel as it is supported (RFC 3262), and an UPDATE of theirs before the answer (RFC 3311)."""
    far = far_end(one, role)
    if role == "called":
        far.invite("Supported: 100rel")
        far.learns(183, ("Require:", "100rel"), ("body", "m=audio"), keep=[("RSeq:", "([0-9]+)", "rseq")])
        far.asks("PRACK", 200, f"RAck: [$rseq] {far.cseq} INVITE")
        far.asks("UPDATE", 200, body=FAR_SDP, checks=[("body", "m=audio")])
        far.receive(200)
        far.ack(cseq=1)
        far.asks("BYE", 200)
        dialog = await comes(one, far)
        await desk(one).call("ua.progress", dialog=dialog, status=183, body=SDP, reliable=True)
        await respond(one, dialog, "UPDATE", 200, body=SDP)
        await answer(one, dialog, body="")
    else:
        far.invited(("Supported:", "100rel"))
        far.answer("first", 183, "Require: 100rel", "RSeq: 71", body=FAR_SDP)
        far.replies("PRACK", 200, checks=[("RAck:", "71 [0-9]+ INVITE")])
        far.asks("UPDATE", 200, body=FAR_SDP, checks=[("body", "m=audio")])
        far.answer("first", 200)
        far.receive("ACK")
        far.asks("BYE", 200)
        dialog = await place(one, far)
        await respond(one, dialog, "UPDATE", 200, body=SDP)
        await desk(one).event("answered", dialog=dialog)
    await ended(one, dialog, "remote")


@both_roles
async def reliable_progress_required(one, role):
    """Who requires 100rel has each 1xx reliably, asked for or not; 420 where it is switched off."""
    far = far_end(one, role)
    if role == "called":
        far.invite("Require: 100rel")
        far.learns(180, ("Require:", "100rel"), keep=[("RSeq:", "([0-9]+)", "rseq")])
        far.asks("PRACK", 200, f"RAck: [$rseq] {far.cseq} INVITE")
        far.receive(200)
        far.ack(cseq=1)
        far.asks("BYE", 200)
        dialog = await comes(one, far)
        await desk(one).call("ua.progress", dialog=dialog)
        await answer(one, dialog)
        await ended(one, dialog, "remote")
    else:
        far.invited(("Require:", "100rel"))
        far.answer("first", 180, "Require: 100rel", "RSeq: 1")
        far.replies("PRACK", 200, checks=[("RAck:", "1 [0-9]+ INVITE")])
        far.answer("first", 200, body=FAR_SDP)
        far.receive("ACK")
        far.asks("BYE", 200)
        dialog = await place(one, far, program=one.lab.strict)
        await one.lab.strict.event("answered", dialog=dialog)
        await one.lab.strict.event("ended", dialog=dialog, by="remote")


@both_roles
async def replaced(one, role):
    """Somebody else takes the call over (RFC 3891)."""
    far, dialog = await up(one, role, lambda far: far.replies("BYE", 200, checks=[("Reason:", "Replaced")]))
    names = await desk(one).call("ua.get", dialog=dialog)
    other = far_end(one, "called", space=far.space)
    other.invite(f"Replaces: {names['call_id']};to-tag={names['local']['tag']};from-tag={names['remote']['tag']}")
    other.learns(200)
    other.ack()
    other.asks("BYE", 200)
    second = await comes(one, other)
    await answer(one, second)
    await ended(one, dialog, "local")
    await ended(one, second, "remote")
