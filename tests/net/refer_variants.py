# SPDX-License-Identifier: BSD-3-Clause
"""The cases of test_refer_variants.sh: REFER in applications' calls."""

import asyncio
import sys
import time

import refer_carried
import refer_refused
import refer_sent
from parties import PATIENCE, Lab, Program, check, passed
from refer_parts import cases, desk

assert refer_carried and refer_refused and refer_sent  # whose cases they are


async def nothing_left(program):
    """Dialogs and transfers end a little later than what the far ends see of it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        left = [one for one in (await program.call("refer.list"))["transfers"] if one["state"] != "over"]
        left += (await program.call("ua.list"))["dialogs"]
        if not left:
            return
        check(time.monotonic() < deadline, f"left: {left[:4]}")
        await asyncio.sleep(0.05)


async def main():
    lab = await Lab().open(sys.argv[1])
    for application in ("accepts", "asks", "waits", "refuses", "guards"):
        desk[application] = await Program().open(sys.argv[1], application)
    names = sys.argv[2:]
    # Half as many beside each other as elsewhere: what a program on a loaded machine answers too late fails by timer B.
    await lab.run_all([one for one in cases if not names or one[0].split()[0] in names], beside=12)
    for program in desk.values():
        await nothing_left(program)
    check(lab.lost == [], f"came for nobody: {lab.lost}")
    passed()


asyncio.run(main())
