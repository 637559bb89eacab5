# SPDX-License-Identifier: BSD-3-Clause
"""What the cases of test_refer_variants.sh are made of."""

from parties import check

cases = []
desk = {}  # application -> Program


def case(function):
    cases.append((function.__name__, function))
    return function


def both_roles(function):
    """Once with who called the application as transferor, once with whom it called."""
    for role in ("server", "client"):
        cases.append((f"{function.__name__} ({role})", lambda one, role=role: function(one, role)))
    return function


# --- what the cases are made of ---


async def up(case, role, application="accepts"):
    """A call of the application: the far end's leg, the dialog's id."""
    program = desk[application]
    return await (case.called(program, application) if role == "server" else case.reached(program))


def refer(leg, to, *more):
    return leg.send("REFER", extra=[f"Refer-To: {to}", *more])


async def notified(leg, status, state="active", event="refer", answer=200):
    """The next message is a NOTIFY that says this; it is answered."""
    notify = await leg.expect("NOTIFY")
    check(notify.body.startswith(f"SIP/2.0 {status}"), f"{notify.body} instead of {status}")
    check(notify.get("subscription-state").startswith(state), f"{notify.get('subscription-state')} instead of {state}")
    check(notify.get("event") == event, f"{notify.get('event')} instead of {event}")
    check(notify.get("content-type") == "message/sipfrag;version=2.0", notify.text)
    leg.answer(notify, answer, "OK")
    return notify


async def referred(case, role, application="accepts", *more):
    """A REFER that is carried out: the transferor's leg, the dialog, the leg that is called."""
    leg, dialog = await up(case, role, application)
    user = case.far_user()
    refer(leg, f"<sip:{user}@example.net>", *more)
    await leg.expect(200)
    await notified(leg, 100)
    return leg, dialog, await case.invited(user)


async def hang_up(*legs):
    for leg in legs:
        await leg.hang_up()


async def still_up(case, leg, dialog, application="accepts"):
    """The transferor's call is as it was: an INFO passes."""
    leg.send("INFO")
    asked = await desk[application].event("request", dialog=dialog, method="INFO")
    await desk[application].call("ua.respond", request=asked["request"], status=200)
    await leg.expect(200)
