#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A service manager's ear: writes the lines that arrive at a datagram socket to standard output, one datagram a line.

usage: notify.py PATH [SECONDS]

With SECONDS it has a watchdog: once READY=1 came, "watchdog expired" is written when WATCHDOG=1 does not come for so long."""

import os
import socket
import sys
import time

ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else None
deadline = None
while True:
    ear.settimeout(max(deadline - time.monotonic(), 0.001) if deadline else None)
    try:
        lines = ear.recv(4096).decode().split("\n")
    except TimeoutError:
        print("watchdog expired", flush=True)
        deadline = None
        continue
    print(" | ".join(lines), flush=True)
    if seconds and {"READY=1", "WATCHDOG=1"} & set(lines):
        deadline = time.monotonic() + seconds
