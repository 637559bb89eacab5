# SPDX-License-Identifier: BSD-3-Clause
"""SIPp and a program: what happens inside calls."""

from parties import SDP, check
from sipp_far import SDP as FAR_SDP
from sipp_parts import *


def reinvites(far, status):
    """A re-INVITE of theirs."""
    far.ask("INVITE", body=FAR_SDP)
    far.receive(100, optional=True)
    far.receive(status)
    if status < 300:
        far.ack()
    else:
        far.ack_failure()


@both_roles
async def reinvite_of_theirs(one, role):
    """Accepted; refused with 488: the session stays."""

    def write(far):
        reinvites(far, 200)
        reinvites(far, 488)
        far.asks("BYE", 200)

    _, dialog = await up(one, role, write)
    await desk(one).event("request", dialog=dialog, method="INVITE")
    await answer(one, dialog)
    await desk(one).event("request", dialog=dialog, method="INVITE")
    check((await desk(one).call("ua.get", dialog=dialog))["state"] == "confirmed", "not confirmed")
    await desk(one).call("ua.reject", dialog=dialog, status=488)
    await ended(one, dialog, "remote")


@both_roles
async def reinvite_of_ours(one, role):
    """Held, taken back; refused with 488: the session stays."""

    def write(far):
        for status, line in ((200, "a=sendonly"), (200, "m=audio"), (488, "a=sendonly")):
            far.replies("INVITE", status, checks=[("body", line)], body=FAR_SDP if status == 200 else "")
            far.receive("ACK")
        far.replies("BYE", 200)

    _, dialog = await up(one, role, write)
    for method, status in (("ua.hold", 200), ("ua.unhold", 200), ("ua.hold", 488)):
        tag = one.name + method + str(status)
        await desk(one).call(method, dialog=dialog, tag=tag)
        await desk(one).event("response", tag=tag, status=status)
    await desk(one).call("ua.terminate", dialog=dialog)
    await ended(one, dialog, "local")


async def reinvites_and_ends(one, dialog):
    """A re-INVITE of ours that is accepted in the end, and their BYE."""
    await desk(one).call("ua.reinvite", dialog=dialog, body=SDP, tag=one.name)
    await desk(one).event("response", tag=one.name, status=200)
    await ended(one, dialog, "remote")


@both_roles
async def glare_we_answer_491(one, role):
    def write(far):
        far.hears("INVITE", "ours")
        far.ask("INVITE", body=FAR_SDP)
        far.receive(491)
        far.ack_failure()
        far.answer("ours", 200, body=FAR_SDP)
        far.receive("ACK")
        far.asks("BYE", 200)

    _, dialog = await up(one, role, write)
    await reinvites_and_ends(one, dialog)


@both_roles
async def glare_they_answer_491(one, role):
    """RFC 3261 14.1: it comes again by itself, after the time that the dialog's owner, or the other, has to wait."""

    def write(far):
        for status in (491, 200):
            far.replies("INVITE", status, body=FAR_SDP if status == 200 else "")
            far.receive("ACK")
        far.asks("BYE", 200)

    _, dialog = await up(one, role, write)
    await reinvites_and_ends(one, dialog)


@both_roles
async def update_both_ways(one, role):
    def write(far):
        far.asks("UPDATE", 200, body=FAR_SDP, checks=[("body", "m=audio")])
        far.replies("UPDATE", 200, checks=[("body", "m=audio")], body=FAR_SDP)
        far.asks("BYE", 200)

    _, dialog = await up(one, role, write)
    await respond(one, dialog, "UPDATE", 200, body=SDP)
    await desk(one).call("ua.update", dialog=dialog, body=SDP, tag=one.name)
    await desk(one).event("response", tag=one.name, status=200)
    await ended(one, dialog, "remote")


@both_roles
async def info_and_message_both_ways(one, role):
    def write(far):
        for method in ("INFO", "MESSAGE"):
            far.asks(method, 200, "Content-Type: text/plain", body="hello")
            far.replies(method, 200, checks=[("body", "hi")])
        far.asks("BYE", 200)

    _, dialog = await up(one, role, write)
    for method in ("INFO", "MESSAGE"):
        asked = await respond(one, dialog, method, 200)
        check(asked["message"]["body"].strip() == "hello", asked)
        await desk(one).call("ua.request", dialog=dialog, method=method, body="hi", content_type="text/plain", tag=one.name + method)
        await desk(one).event("response", tag=one.name + method, status=200)
    await ended(one, dialog, "remote")


@both_roles
async def session_interval(one, role):
    """RFC 4028: one that is too short is answered 422 by either; then they refresh, by UPDATE and by re-INVITE."""
    far = far_end(one, role)
    if role == "called":
        far.invite("Supported: timer", "Session-Expires: 60")
        far.receive(422, ("Min-SE:", "90"))
        far.ack_failure()
        far.invite("Supported: timer", "Session-Expires: 90;refresher=uac")
        far.learns(200, ("Session-Expires:", "90;refresher=uac"), ("Require:", "timer"))
        far.ack()
    else:
        far.invited(("Session-Expires:", "120"))
        far.answer("first", 422, "Min-SE: 600")
        far.receive("ACK")
        far.invited(("Session-Expires:", "600"), ("Min-SE:", "600"))
        far.answer("first", 200, "Session-Expires: 600;refresher=uas", "Require: timer", body=FAR_SDP)
        far.receive("ACK")
    refresh = ("Supported: timer", "Session-Expires: 600;refresher=uac")
    far.asks("UPDATE", 200, *refresh, checks=[("Session-Expires:", "600;refresher=uac")])
    far.ask("INVITE", *refresh, body=FAR_SDP)
    far.receive(100, optional=True)
    far.receive(200, ("Session-Expires:", "600;refresher=uac"))
    far.ack()
    far.asks("BYE", 200)
    if role == "called":
        dialog = await comes(one, far)
        await answer(one, dialog)
    else:
        dialog = await place(one, far, session_expires=120)
        await desk(one).event("answered", dialog=dialog)
    await respond(one, dialog, "UPDATE", 200)
    await desk(one).event("request", dialog=dialog, method="INVITE")
    await answer(one, dialog)
    await ended(one, dialog, "remote")


@both_roles
async def session_change_of_ours_meets_422(one, role):
    """RFC 4028 7.4: again, long enough."""

    def write(far):
        far.replies("UPDATE", 422, "Min-SE: 2000")
        far.replies("UPDATE", 200, "Session-Expires: 2000;refresher=uas", "Require: timer", checks=[("Min-SE:", "2000")])
        far.asks("BYE", 200)

    _, dialog = await up(one, role, write)
    await desk(one).call("ua.update", dialog=dialog, tag=one.name)
    await desk(one).event("response", tag=one.name, status=200)
    await ended(one, dialog, "remote")


# --- transfers ---


def notified(far, status, state):
    far.replies("NOTIFY", 200, checks=[("body", f"SIP/2.0 {status}"), ("Subscription-State:", f"^ *{state}"), ("Event:", "refer")])


@both_roles
async def refer_of_theirs(one, role):
    """Dialgate calls whom the REFER names, and says how that goes."""

    def write(far):
        far.asks("REFER", 200, f"Refer-To: <sip:target@{one.lab.target.here}>", "Referred-By: <sip:sipp@example.net>")
        notified(far, 100, "active")
        notified(far, 200, "terminated")
        far.asks("BYE", 200)

    _, dialog = await up(one, role, write)
    refer = (await desk(one).event("refer", dialog=dialog))["refer"]
    while not (progress := await desk(one).event("refer_progress", refer=refer))["final"]:
        pass
    check(progress["status"] == 200, progress)
    await ended(one, dialog, "remote")
    await desk(one).call("ua.terminate", dialog=progress["target"])
    await ended(one, progress["target"], "local")


@both_roles
async def refer_of_ours(one, role):
    def write(far):
        far.hears("REFER", "refer", ("Refer-To:", "<?sip:bob@example.net>?"))
        far.answer("refer", 202)
        tell = ("Event: refer", "Content-Type: message/sipfrag")
        far.asks("NOTIFY", 200, *tell, "Subscription-State: active;expires=60", body="SIP/2.0 100 Trying")
        far.asks("NOTIFY", 200, *tell, "Subscription-State: terminated;reason=noresource", body="SIP/2.0 200 OK")
        far.asks("BYE", 200)

    _, dialog = await up(one, role, write)
    refer = (await desk(one).call("refer.send", dialog=dialog, to="sip:bob@example.net"))["refer"]
    while not (progress := await desk(one).event("refer_progress", refer=refer))["final"]:
        pass
    check(progress["status"] == 200, progress)
    await ended(one, dialog, "remote")
