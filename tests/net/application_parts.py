# SPDX-License-Identifier: BSD-3-Clause
"""What the cases of test_application_calls.sh are made of."""

from parties import SDP

cases = []


def case(function):
    cases.append((function.__name__, function))
    return function


def both_roles(function):
    """Once with an application that is called, once with one that calls."""
    for role in ("server", "client"):
        cases.append((f"{function.__name__} ({role})", lambda one, role=role: function(one, role)))
    return function


def desk(case):
    return case.lab.desk


async def up(case, role):
    return await (case.called(desk(case), "900") if role == "server" else case.reached(desk(case)))


async def comes(case, **fields):
    """A call that the program has heard of: the leg, the dialog."""
    leg = case.call("900", **fields)
    event = await desk(case).event("incoming", lambda event: leg.call_id in str(event["message"]["headers"]))
    return leg, event["dialog"]


async def fine(case, leg, dialog, **fields):
    """The program answers, the caller acknowledges."""
    await desk(case).call("ua.answer", **{"dialog": dialog, "body": SDP, **fields})
    leg.ok = await leg.expect(200)
    leg.learn(leg.ok)
    leg.ack()
    await desk(case).event("ack", dialog=dialog)


def cancel(leg):
    invite = leg.invite
    leg.put("\r\n".join([
        f"CANCEL {invite.uri} SIP/2.0", f"Via: {invite.all('via')[0]}", "Max-Forwards: 70", f"From: {invite.get('from')}",
        f"To: {invite.get('to')}", f"Call-ID: {leg.call_id}", f"CSeq: {invite.get('cseq').split()[0]} CANCEL", "Content-Length: 0",
    ]) + "\r\n\r\n")


async def respond(case, dialog, method, status, **fields):
    """The program answers this request of theirs."""
    asked = await desk(case).event("request", dialog=dialog, method=method)
    await desk(case).call("ua.respond", request=asked["request"], status=status, **fields)
    return asked
