#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A bad wire: carries frames between two interfaces of one namespace and spoils what UDP lies in them.

Loss, duplication and reordering fall per datagram and direction by a seeded generator; --lose-first and --hold-first name
messages instead ("ACK", "200 INVITE", "200 BYE": a request's method, or a response's status and its CSeq method) and fall once a
Call-ID and direction. A reordered datagram waits while those behind it pass. Everything else (ARP, ping) passes untouched.
On SIGTERM it says what it did. usage: relay.py INTERFACE INTERFACE [--loss PERCENT] ... (lab.sh, test_relay)
"""

import argparse
import heapq
import random
import re
import select
import signal
import socket
import struct
import sys
import time

SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_IGNORE_OUTGOING, PACKET_MR_PROMISC = 263, 1, 23, 1
SO_RCVBUFFORCE = 33
CALL_ID = re.compile(rb"\r\n(?:Call-ID|i) *: *([^\r]+)\r\n", re.I)
CSEQ_METHOD = re.compile(rb"\r\nCSeq *: *\d+ +(\w+)", re.I)


def open_wire(interface):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    wire.bind((interface, 0x0003))
    index = socket.if_nametoindex(interface)
    wire.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("iHH8x", index, PACKET_MR_PROMISC, 0))
    wire.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)  # or it would carry back what it sent
    wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)  # loss is made on purpose or not at all
    wire.setblocking(False)
    return wire


def payload(frame):
    """What a UDP datagram over IPv4 carries; None for any other frame."""
    if len(frame) < 42 or frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return None
    return frame[14 + (frame[14] & 15) * 4 + 8 :]


def name(text):
    """"INVITE", "200 INVITE"; None for what is no SIP."""
    if text.startswith(b"SIP/2.0 "):
        found = CSEQ_METHOD.search(text)
        return found and f"{text[8:11].decode('ascii', 'replace')} {found.group(1).decode()}"
    method, found, _ = text.partition(b" ")
    return method.decode("ascii", "replace") if found else None


class Relay:
    def __init__(self, options):
        self.options = options
        self.wires = [open_wire(options.left), open_wire(options.right)]
        # One generator a direction: what one side sends does not change the other's fate.
        self.chance = [random.Random(f"{options.seed} {side}") for side in (0, 1)]
        self.met = set()
        self.held = []  # (when, serial, side, frame)
        self.serial = 0
        self.counts = dict.fromkeys(("seen", "lost", "duplicated", "held"), 0)

    def once(self, side, text, wanted):
        """This message is one of those named, and the first of its call to go this way."""
        if not wanted or (what := name(text)) not in wanted:
            return False
        found = CALL_ID.search(text)
        key = (side, what, found and found.group(1))
        fresh = key not in self.met
        self.met.add(key)
        return fresh

    def send(self, side, frame):
        try:
            self.wires[1 - side].send(frame)
        except OSError as error:  # the interface goes down at the test's end
            print(f"relay: {error}", file=sys.stderr)

    def hold(self, side, frame, seconds):
        self.serial += 1
        self.counts["held"] += 1
        heapq.heappush(self.held, (time.monotonic() + seconds, self.serial, side, frame))

    def carry(self, side, frame):
        options, text = self.options, payload(frame)
        if text is None:
            self.send(side, frame)
            return
        self.counts["seen"] += 1
        # Three draws for each datagram whatever becomes of it, so that the n-th has the same fate in every run.
        loss, twice, late = (self.chance[side].random() * 100 for _ in range(3))
        if loss < options.loss or self.once(side, text, options.lose_first):
            self.counts["lost"] += 1
            return
        copies = 2 if twice < options.duplicate else 1
        self.counts["duplicated"] += copies - 1
        if late < options.reorder or self.once(side, text, options.hold_first):
            self.hold(side, frame, options.hold_ms / 1000)
            copies -= 1
        for _ in range(copies):
            self.send(side, frame)

    def run(self):
        poll = select.poll()
        sides = {wire.fileno(): side for side, wire in enumerate(self.wires)}
        for descriptor in sides:
            poll.register(descriptor, select.POLLIN)
        while True:
            wait = max(0.0, self.held[0][0] - time.monotonic()) * 1000 if self.held else None
            for descriptor, _ in poll.poll(wait):
                side = sides[descriptor]
                try:
                    for _ in range(64):
                        self.carry(side, self.wires[side].recv(65536))
                except OSError:  # nothing more for now
                    pass
            while self.held and self.held[0][0] <= time.monotonic():
                _, _, side, frame = heapq.heappop(self.held)
                self.send(side, frame)

    def report(self, _signal, _frame):
        dropped = sum(int.from_bytes(wire.getsockopt(SOL_PACKET, 6, 8)[4:8], "little") for wire in self.wires)
        print(*(f"{key}={value}" for key, value in self.counts.items()), f"overrun={dropped}", flush=True)
        sys.exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("left")
    parser.add_argument("right")
    parser.add_argument("--seed", default="1")
    for what in ("loss", "duplicate", "reorder"):
        parser.add_argument(f"--{what}", type=float, default=0, metavar="PERCENT")
    parser.add_argument("--hold-ms", type=float, default=20, help="how long a reordered datagram waits")
    parser.add_argument("--lose-first", action="append", metavar="MESSAGE")
    parser.add_argument("--hold-first", action="append", metavar="MESSAGE")
    relay = Relay(parser.parse_args())
    signal.signal(signal.SIGTERM, relay.report)
    print("ready", flush=True)
    relay.run()


main()
