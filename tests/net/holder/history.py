#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares the history that call-holder kept with what `dialgatectl --json dialog list` printed.

usage: history.py HISTORY LIST KILLED LISTED [exact]

KILLED and LISTED are milliseconds of CLOCK_MONOTONIC: just before the data plane was killed, and after the list was there.
A dialog whose 200 had reached the caller before KILLED and that nobody began to end before LISTED must be in the list and
confirmed, once. A record in state none is no dialog yet; without "exact", one in state early may still become one. With "exact",
when nothing is under way, the list must be what the history says now. Exit status 1: it is wrong.
"""

import json
import sys

SHOWN = 5


def read_history(path):
    """Call-ID -> {event: first time}."""
    calls = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            if not line.endswith("\n"):
                break  # being written just now
            time, call, event = line.split()
            calls.setdefault(call, {}).setdefault(event, int(time))
    return calls


def read_list(path, passing):
    """Call-ID -> states of its dialogs, but for those in PASSING."""
    dialogs = {}
    with open(path, encoding="utf-8") as pages:
        for page in pages:
            for dialog in json.loads(page)["dialogs"]:
                if dialog["state"] not in passing:
                    dialogs.setdefault(dialog["call_id"], []).append(dialog["state"])
    return dialogs


def complain(what, calls, describe):
    print(f"{len(calls)} {what}")
    for call in calls[:SHOWN]:
        print(f"  {call} {describe(call)}")


def main():
    killed, listed = int(sys.argv[3]), int(sys.argv[4])
    exact = sys.argv[5:] == ["exact"]
    history, dialogs = read_history(sys.argv[1]), read_list(sys.argv[2], {"none"} if exact else {"none", "early"})
    if exact:
        must = [call for call, events in history.items() if "confirmed" in events and "ending" not in events]
    else:
        must = [call for call, events in history.items() if events.get("confirmed", killed) < killed and events.get("ending", listed) >= listed]
    missing = [call for call in must if call not in dialogs]
    wrong = [call for call in must if call in dialogs and dialogs[call] != ["confirmed"]]
    stray = sorted(set(dialogs) - set(must)) if exact else []
    print(f"{len(must)} dialogs were confirmed outside and had to be there, {len(dialogs)} Call-IDs are")
    if missing:
        complain("are missing", missing, history.get)
    if wrong:
        complain("are there, but not once and confirmed", wrong, dialogs.get)
    if stray:
        complain("are there, but nobody outside knows them", stray, lambda call: f"{dialogs[call]} {history.get(call)}")
    return 1 if missing or wrong or stray else 0


if __name__ == "__main__":
    sys.exit(main())
