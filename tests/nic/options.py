#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""OPTIONS from many ports of one address: each is answered 200, whichever queue of the NIC it comes by.

usage: options.py FROM TO PORTS
"""
import select
import socket
import sys
import time

SECONDS = 60
REPEAT = 2.0  # seconds, as a lost datagram is repeated


def request(source, target, port):
    return (f"OPTIONS sip:{target} SIP/2.0\r\nVia: SIP/2.0/UDP {source}:{port};branch=z9hG4bKnic{port}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:nic@{source}>;tag={port}\r\nTo: <sip:{target}>\r\n"
            f"Call-ID: nic-{port}@{source}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n").encode()


def main():
    source, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    waiting = {}
    for _ in range(count):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((source, 0))
        waiting[sender] = 0.0
    end = time.monotonic() + SECONDS
    while waiting and time.monotonic() < end:
        for sender, sent in waiting.items():
            if time.monotonic() - sent > REPEAT:
                sender.sendto(request(source, target, sender.getsockname()[1]), (target, 5060))
                waiting[sender] = time.monotonic()
        for sender in select.select(list(waiting), [], [], 0.2)[0]:
            answer = sender.recv(65536)
            if not answer.startswith(b"SIP/2.0 200 "):
                sys.exit(f"answered {answer[:40]!r}")
            del waiting[sender]
    if waiting:
        sys.exit(f"{len(waiting)} of {count} were not answered")


main()
