#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A service manager's ear: writes the lines that arrive at a datagram socket to standard output, one datagram a line.

usage: notify.py PATH"""

import os
import socket
import sys

ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
while True:
    print(ear.recv(4096).decode().replace("\n", " | "), flush=True)
