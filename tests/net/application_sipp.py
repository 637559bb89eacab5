# SPDX-License-Identifier: BSD-3-Clause
"""The cases of test_application_sipp.sh: SIPp calls a program, and is called by it."""

import sys

import sipp_calls
import sipp_inside
import sipp_quick
import sipp_slow
from parties import Lab, Program, passed
from sipp_far import SDP, Far
from sipp_parts import *

import asyncio

assert sipp_calls and sipp_inside and sipp_quick and sipp_slow  # whose cases they are


async def main():
    lab = Lab()
    lab.desk = await Program().open(sys.argv[1], "desk")
    lab.strict = await Program().open(sys.argv[1], "strict")
    if sys.argv[2] == "slow":
        lab.seconds = sipp_slow.SECONDS
    names = sys.argv[3:]
    chosen = [one for one in {"usual": cases, "quick": quick_cases, "slow": slow_cases}[sys.argv[2]] if not names or one[0].split()[0] in names]
    # Whom SIPp has us call, in every transfer.
    referring = sum("refer_of_theirs" in name for name, _ in chosen)
    lab.target = Far("uas", space="sbc2", port=5060, calls=referring)
    lab.target.invited(("Referred-By:", "sip:sipp@example.net"))
    lab.target.answer("first", 200, body=SDP)
    lab.target.receive("ACK")
    lab.target.replies("BYE", 200)
    if referring:
        await lab.target.start()
    try:
        await lab.run_all(chosen, beside=16)
        if referring:
            await lab.target.done()
    finally:
        lab.target.stop()
    passed()


asyncio.run(main())
