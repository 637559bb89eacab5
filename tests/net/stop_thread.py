#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Stops one thread of a process, as if it stood still, by ptrace(2). The others go on. It goes on when this program ends.

usage: stop_thread.py PID PATTERN        of the name of the thread"""

import ctypes
import fnmatch
import glob
import os
import signal
import sys

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000  # waits for threads, too

libc = ctypes.CDLL(None, use_errno=True)
pid, pattern = sys.argv[1:]
names = {int(path.split("/")[4]): open(path).read().strip() for path in glob.glob(f"/proc/{pid}/task/*/comm")}
thread = next((number for number, name in names.items() if fnmatch.fnmatch(name, pattern)), None)
if thread is None:
    sys.exit(f"stop_thread.py: no {pattern} among {names}")
for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
    if libc.ptrace(request, thread, None, None) < 0:
        sys.exit(f"stop_thread.py: {os.strerror(ctypes.get_errno())}")
os.waitpid(thread, WALL)
print("stopped", flush=True)
signal.pause()
