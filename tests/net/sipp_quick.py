# SPDX-License-Identifier: BSD-3-Clause
"""SIPp and a program, with short timers: what is lost, and what nobody answers. T1 is 100 ms, so that 64*T1 is 6.4 s."""

from parties import SDP, check
from sipp_far import SDP as FAR_SDP
from sipp_inside import notified
from sipp_parts import *


@quick_both_roles
async def answer_or_ack_is_lost(one, role):
    """What comes to SIPp within a pause is lost: our 200 until a repeat of it, our ACK until a repeat of theirs (13.2.2.4)."""
    far = far_end(one, role, patient=False)
    if role == "called":
        far.invite()
        far.receive(180)
        far.pause(1000)
        far.learns(200)
        far.ack()
        far.asks("BYE", 200)
        dialog = await comes(one, far)
        await desk(one).call("ua.progress", dialog=dialog)
        await answer(one, dialog)
    else:
        far.invited()
        far.answer("first", 200, body=FAR_SDP)
        far.pause(1000)
        far.answer("first", 200, body=FAR_SDP)
        far.receive("ACK")
        far.asks("BYE", 200)
        dialog = await place(one, far)
        await desk(one).event("answered", dialog=dialog)
    await ended(one, dialog, "remote")


@quick
async def ack_is_lost(one):
    """Ours is repeated meanwhile; one ACK ends that, late as it is."""
    far = far_end(one, "called", patient=False)
    far.invite()
    far.learns(200)
    far.pause(1500)
    far.ack()
    far.asks("BYE", 200)
    dialog = await comes(one, far)
    await answer(one, dialog)
    await ended(one, dialog, "remote")


@quick
async def no_ack_ever(one):
    """RFC 3261 13.3.1.4: BYE, 64*T1 after the 200."""
    far = far_end(one, "called", patient=False)
    far.invite()
    far.learns(200)
    far.replies("BYE", 200)
    dialog = await comes(one, far)
    await desk(one).call("ua.answer", dialog=dialog, body=SDP)
    event = await desk(one).event("ended", dialog=dialog)
    check(event["by"] == "timeout", event)


@quick
async def no_program_480(one):
    """An application for which nobody is there."""
    far = far_end(one, "called", patient=False, user="901")
    far.invite()
    far.receive(480)
    far.ack_failure()
    await far.start()


@quick
async def nobody_answers_ours(one):
    """ua.call's timeout_ms: CANCEL."""
    far = far_end(one, "calling", patient=False)
    far.invited()
    far.answer("first", 180)
    far.replies("CANCEL", 200)
    far.answer("first", 487)
    far.receive("ACK")
    dialog = await place(one, far, timeout_ms=1000)
    await ended(one, dialog, "timeout")


@quick
async def nobody_says_anything(one):
    """Timer B. SIPp waits for what does not come; when it ended, ICMP would."""
    far = far_end(one, "calling", patient=False)
    far.invited()
    far.receive("BYE")
    dialog = await place(one, far, retry="never")
    await failed(one, dialog, 408)
    far.stop()
    one.fars.remove(far)


async def failed(one, dialog, status):
    await desk(one).event("failed", dialog=dialog, status=status, final=True)
    event = await desk(one).event("ended", dialog=dialog)
    check((event["by"], event["reason"]) == (("timeout", "timeout") if status == 408 else ("remote", "refused")), event)


@quick
async def port_unreachable(one):
    """Nothing listens there: ICMP says so, long before timer B. As if it were answered 503 (RFC 3261 8.1.3.1)."""
    made = await desk(one).call("ua.call", to="sip:nobody@10.20.0.11", peer="far", member="10.20.0.11:20199", body=SDP, retry="never")
    await failed(one, made["dialog"], 503)


@quick_both_roles
async def refer_to_nowhere(one, role):
    """Nothing listens where the REFER leads: the last NOTIFY says 503, and the first call stays."""

    def write(far):
        far.asks("REFER", 200, "Refer-To: <sip:nowhere@10.10.2.1:5999>")
        notified(far, 100, "active")
        notified(far, 503, "terminated")
        far.asks("INFO", 200)
        far.asks("BYE", 200)

    _, dialog = await up(one, role, write)
    refer = (await desk(one).event("refer", dialog=dialog))["refer"]
    while not (progress := await desk(one).event("refer_progress", refer=refer))["final"]:
        pass
    check(progress["status"] == 503, progress)
    await respond(one, dialog, "INFO", 200)
    await ended(one, dialog, "remote")
