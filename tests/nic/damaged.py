#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""OPTIONS whose UDP checksum is wrong: none is answered.

usage: damaged.py TARGET COUNT
"""
import socket
import struct
import sys
import time

PORT = 5999


def main():
    target, count = sys.argv[1], int(sys.argv[2])
    answers = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    answers.bind(("0.0.0.0", PORT))
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    for number in range(count):
        text = (f"OPTIONS sip:{target} SIP/2.0\r\nVia: SIP/2.0/UDP {target}:{PORT};rport;branch=z9hG4bKd{number}\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:nic@{target}>;tag={number}\r\nTo: <sip:{target}>\r\n"
                f"Call-ID: damaged-{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n").encode()
        # 0xdead is wrong for all but one text in 65,535, and each text is another one.
        raw.sendto(struct.pack("!HHHH", PORT, 5060, 8 + len(text), 0xdead) + text, (target, 0))
        time.sleep(0.01)
    answers.settimeout(2)
    try:
        answer = answers.recv(65536)
    except TimeoutError:
        return
    sys.exit(f"answered {answer[:40]!r}")


main()
