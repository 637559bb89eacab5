# SPDX-License-Identifier: BSD-3-Clause
"""The cases of test_application_calls.sh: a program that is called, and one that calls."""

import asyncio
import json
import sys
import time

import application_called
import application_calling
from application_parts import cases, desk, respond, up
from parties import PATIENCE, Lab, Leg, Program, Refused, check, passed

assert application_called and application_calling  # whose cases they are


async def begin(lab, path):
    """Calls that are up when the data plane dies; what their far ends know goes to a file."""
    kept = []

    async def one(case):
        for role in ("server", "client"):
            leg, _ = await up(case, role)
            kept.append([leg.party.space, leg.call_id, leg.local, leg.remote, leg.target, leg.routes, leg.cseq])

    await lab.run_all([("calls_are_up", one)])
    with open(path, "w", encoding="utf-8") as file:
        json.dump(kept, file)


async def known(case, call_id):
    """Dialogs of this Call-ID, once control has asked the new data plane."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if found := (await desk(case).call("ua.list", call_id=call_id))["dialogs"]:
                return found
        except Refused:
            pass
        await asyncio.sleep(0.05)
    return []


async def end(lab, path):
    """The data plane is another one: requests in the calls pass both ways, one ends from here, one from there."""

    async def one(case):
        with open(path, encoding="utf-8") as file:
            kept = json.load(file)
        for number, (space, call_id, local, remote, target, routes, cseq) in enumerate(kept):
            party = next(party for party in [lab.carrier, *lab.sbcs] if party.space == space)
            leg = Leg(case, party, call_id, local)
            leg.remote, leg.target, leg.routes, leg.cseq = remote, target, routes, cseq
            # Found by its names: another data plane, other ids.
            found = await known(case, call_id)
            check(len(found) == 1 and found[0]["state"] == "confirmed", found)
            check(found[0]["role"] == ("server" if party is lab.carrier else "client"), found)
            dialog = found[0]["dialog"]
            leg.send("INFO")
            await respond(case, dialog, "INFO", 200)
            await leg.expect(200)
            if number == 0:
                await desk(case).call("ua.terminate", dialog=dialog)
                await leg.reply("BYE")
            else:
                await leg.hang_up()
            await desk(case).event("ended", dialog=dialog)

    await lab.run_all([("calls_outlive_the_data_plane", one)])


async def main():
    lab = await Lab().open(sys.argv[1])
    lab.desk = await Program().open(sys.argv[1], "desk")
    if sys.argv[2:3] == ["begin"]:
        await begin(lab, sys.argv[3])
    elif sys.argv[2:3] == ["end"]:
        await end(lab, sys.argv[3])
    else:
        names = sys.argv[2:]
        await lab.run_all([one for one in cases if not names or one[0].split()[0] in names])
    passed()


asyncio.run(main())
