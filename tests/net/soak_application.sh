#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# How long an operation of an application takes, through control and data plane, with many dialogs at once: CALLS calls
# (4000; up to 100000) are placed one after another and stay up, then ended. SIPp answers. Prints milliseconds, and memory of
# control.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

# shellcheck disable=SC2034 # lab.sh
LAB_BUILD=$PLAIN
calls=${CALLS:-4000}
test_begin
test_set 'dialogs: {capacity: 65536, arena: 256MiB}'
test_set 'transactions: {capacity: 131072}'
test_set 'applications: [{name: desk, listener: edge}]'
test_set 'routes:
  - {from: carrier-a, to: desk}
  - {from: desk, to: sbcs}'
test_up
test_callees uas
LAB_ID=$LAB_ID timeout 1500 python3 - "$LAB_RUN" "$calls" <<'PYTHON' || fail "see above"
import sys
import time
from rpc_client import *

SDP = "v=0\r\no=- 5 5 IN IP4 10.10.0.10\r\ns=-\r\nc=IN IP4 10.10.0.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
desk = Client(sys.argv[1])
desk.call("ua.attach", application="desk")


def resident():
    pid = desk.call("system.status")["control"]["pid"]
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Rss:"))


def tell(what, times):
    ordered = sorted(times)
    at = lambda share: ordered[int((len(times) - 1) * share)] * 1000
    print(f"{what}: {len(times)}, p50 {at(0.5):.2f} ms, p99 {at(0.99):.2f} ms, longest {at(1):.2f} ms")


def timed(method, **params):
    begin = time.monotonic()
    result = desk.call(method, **params)
    return time.monotonic() - begin, result


def batches(of):
    """What one reads before its events are more than a connection keeps."""
    return (of[at : at + BATCH] for at in range(0, len(of), BATCH))


def place(count):
    for batch in batches(range(count)):
        for _ in batch:
            took, made = timed("ua.call", to="sip:200@example.net", body=SDP)
            times.append(took)
            dialogs.append(made["dialog"])
        for _ in batch:
            desk.event("state", to="confirmed", seconds=60)


BATCH = 500
dialogs, times = [], []
half = int(sys.argv[2]) // 2
place(half)
before = resident()
place(half)
tell("ua.call, the last", times[-BATCH:])
tell("ua.call", times)
print(f"control: {(resident() - before) * 1024 / half:.0f} octets a dialog, {desk.call('ua.count')}")
tell("ua.context", [timed("ua.context", dialog=dialog, context="x")[0] for dialog in dialogs])
ends = []
for batch in batches(dialogs):
    ends += [timed("ua.terminate", dialog=dialog)[0] for dialog in batch]
    for dialog in batch:
        desk.event("ended", seconds=60)
tell("ua.terminate", ends)
PYTHON
test_no_dialogs
test_done
