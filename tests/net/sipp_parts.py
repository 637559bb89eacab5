# SPDX-License-Identifier: BSD-3-Clause
"""What the cases of test_application_sipp.sh are made of: SIPp is the far end, a program is the application."""

import functools

from parties import SDP
from sipp_far import Far

cases = []  # with the usual timers
quick_cases = []  # with short ones
slow_cases = []  # minutes


def prepared(function, *arguments):
    async def run(one):
        one.fars = []
        try:
            await function(one, *arguments)
            for far in one.fars:
                await far.done()
        except BaseException:
            for far in one.fars:
                far.stop()
                one.note(f"--- {far.key} {far.read('errors')[-800:]}", far.read("messages")[-4000:])
            raise

    return run


def case(function, into=cases):
    into.append((function.__name__, prepared(function)))
    return function


def both_roles(function, into=cases):
    """Once with an application that is called, once with one that calls."""
    for role in ("called", "calling"):
        into.append((f"{function.__name__} ({role})", prepared(function, role)))
    return function


quick = functools.partial(case, into=quick_cases)
quick_both_roles = functools.partial(both_roles, into=quick_cases)
slow = functools.partial(case, into=slow_cases)
slow_both_roles = functools.partial(both_roles, into=slow_cases)


def desk(one):
    return one.lab.desk


def far_end(one, role, **fields):
    """SIPp at the other end of an application's call; `role` is the application's."""
    far = Far("uac" if role == "called" else "uas", **fields)
    one.fars.append(far)
    return far


async def comes(one, far):
    """SIPp calls; the program has heard of it: the dialog."""
    await far.start()
    return (await desk(one).event("incoming", lambda event: far.key + "-" in str(event["message"]["headers"])))["dialog"]


async def place(one, far, program=None, **fields):
    """The program calls SIPp: the dialog."""
    await far.start()
    made = await (program or desk(one)).call("ua.call", **{
        "to": f"sip:{far.key}@{far.here}", "peer": "far", "member": far.here, "body": SDP, **fields})
    return made["dialog"]


async def answer(one, dialog, **fields):
    await desk(one).call("ua.answer", **{"dialog": dialog, "body": SDP, **fields})
    return await desk(one).event("ack", dialog=dialog)


async def begin(one, far):
    """Plays a scenario that begins with up()."""
    if far.role == "uac":
        dialog = await comes(one, far)
        await desk(one).call("ua.progress", dialog=dialog)
        await answer(one, dialog)
    else:
        dialog = await place(one, far)
        await desk(one).event("answered", dialog=dialog)
    return dialog


async def up(one, role, write):
    """A call that is answered, and what SIPp does in it then."""
    far = far_end(one, role)
    far.up()
    write(far)
    return far, await begin(one, far)


async def respond(one, dialog, method, status, **fields):
    asked = await desk(one).event("request", dialog=dialog, method=method)
    await desk(one).call("ua.respond", request=asked["request"], status=status, **fields)
    return asked


async def ended(one, dialog, by):
    await desk(one).event("ended", dialog=dialog, by=by)
