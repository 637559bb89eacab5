# SPDX-License-Identifier: BSD-3-Clause
"""SIPp and a program: sessions that are refreshed, and that nobody refreshes (RFC 4028 has none below 90 s), and a call that rings."""

import time

from parties import check
from sipp_far import SDP as FAR_SDP
from sipp_parts import *

SECONDS = 260
BEFORE = 5.0  # a loaded machine tells late, never early


async def begins(one, role, refresher, write):
    """A call with a session of 90 s: `refresher` is "us" or "them"."""
    far = far_end(one, role, seconds=SECONDS)
    side = "uac" if (refresher == "us") == (role == "calling") else "uas"
    agreed = f"Session-Expires: 90;refresher={side}"
    if role == "called":
        far.invite("Supported: timer", agreed)
        far.learns(200, ("Session-Expires:", f"90;refresher={side}"))
        far.ack()
    else:
        far.invited(("Session-Expires:", "90"))
        far.answer("first", 200, agreed, "Require: timer", body=FAR_SDP)
        far.receive("ACK")
    write(far)
    if role == "called":
        dialog = await comes(one, far)
        await answer(one, dialog)
    else:
        dialog = await place(one, far, session_expires=90)
        await desk(one).event("answered", dialog=dialog)
    return dialog


async def later(one, name, dialog, seconds, **fields):
    """An event that comes after so many seconds, and not before."""
    begun = time.monotonic()
    event = await desk(one).event(name, dialog=dialog, seconds=SECONDS, **fields)
    check(time.monotonic() - begun > seconds - BEFORE, event)
    return event


@slow_both_roles
async def we_refresh(one, role):
    """After half of the interval, with the description of before: SIPp has named no UPDATE."""

    def write(far):
        far.replies("INVITE", 200, "Session-Expires: 90;refresher=uac", "Require: timer", body=FAR_SDP,
                    checks=[("Session-Expires:", "90;refresher=uac"), ("body", "m=audio")])
        far.receive("ACK")
        far.asks("BYE", 200)

    dialog = await begins(one, role, "us", write)
    await later(one, "ended", dialog, 45, by="remote")


@slow_both_roles
async def nobody_refreshes(one, role):
    """BYE a third of the interval before its end (section 10), with a Reason."""
    dialog = await begins(one, role, "them", lambda far: far.replies("BYE", 200))
    event = await later(one, "ended", dialog, 60)
    check(event["by"] == "timeout" and event["reason"] == "session-expired", event)


@slow_both_roles
async def refresh_finds_no_dialog_481(one, role):
    """RFC 4028 10: the far end has lost the call; BYE."""

    def write(far):
        far.replies("INVITE", 481)
        far.receive("ACK")
        far.replies("BYE", 481)

    dialog = await begins(one, role, "us", write)
    await later(one, "ended", dialog, 45)


@slow
async def nobody_answers_theirs(one):
    """dialogs.early_lifetime: it rang long enough; what SIPp hears each minute meanwhile is the 180 again (RFC 3261 13.3.1.1)."""
    far = far_end(one, "called", seconds=SECONDS)
    far.invite()
    far.receive(180)
    far.receive(480)
    far.ack_failure()
    dialog = await comes(one, far)
    await desk(one).call("ua.progress", dialog=dialog)
    event = await later(one, "ended", dialog, 180)
    check(event["by"] == "timeout", event)
