#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Watches an interface for responses to INVITEs and says, on SIGTERM, in how many calls a 200 came before the 180.

A 180 that a full socket buffer lost somewhere is another matter than one that was overtaken: SIPp cannot tell them apart, so
this does. usage: order_watch.py INTERFACE SOURCE
"""

import re
import signal
import socket
import sys

STATUS = re.compile(rb"SIP/2\.0 (180|200) ")
CALL_ID = re.compile(rb"\r\n(?:Call-ID|i): *([^\r]+)\r\n", re.I)
INVITE = re.compile(rb"\r\nCSeq: *\d+ +INVITE\r\n", re.I)


def main():
    interface, source = sys.argv[1], socket.inet_aton(sys.argv[2])
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    wire.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE: the watcher itself must lose nothing
    wire.bind((interface, 0x0800))
    ringing, answered, overtaken = set(), set(), set()

    def report(_signal, _frame):
        lost = wire.getsockopt(263, 6, 8)  # SOL_PACKET, PACKET_STATISTICS
        print(f"ringing={len(ringing)} answered={len(answered)} overtaken={len(overtaken)} unseen={int.from_bytes(lost[4:8], 'little')}", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, report)
    print("watching", flush=True)
    while True:
        packet, address = wire.recvfrom(2048)
        if address[2] == socket.PACKET_OUTGOING or packet[9] != 17 or packet[12:16] != source:
            continue
        payload = packet[(packet[0] & 15) * 4 + 8 :]
        status, call = STATUS.match(payload), CALL_ID.search(payload)
        if not status or not call or not INVITE.search(payload):
            continue
        if status.group(1) == b"200":
            answered.add(call.group(1))
        else:
            if call.group(1) in answered and call.group(1) not in ringing:
                overtaken.add(call.group(1))
            ringing.add(call.group(1))


if __name__ == "__main__":
    main()
