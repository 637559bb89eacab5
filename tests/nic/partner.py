#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The switch at the other end of a bond: passes frames between UPLINK and PORTS, of which those that are in its group
carry what goes to the bond, by addresses and ports. With `lacp` a port is in the group when the bond has agreed
(IEEE 802.1AX 6.4), with `static` always, but where DIRECTORY has a file of its name: then the switch is silent there.
DIRECTORY/partner.json says each second what it saw. Frames of this machine's kernel may have their checksums still to be made: what
says so goes with them (struct virtio_net_hdr).

usage: partner.py lacp|static DIRECTORY UPLINK PORT...
"""
import json
import os
import select
import socket
import struct
import sys
import time
import zlib

ETH_P_ALL, SLOW, SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 3, b"\x88\x09", 263, 15, 23
VNET_HDR = 10  # octets
GROUP = bytes.fromhex("0180c2000002")
SYSTEM = bytes.fromhex("020000000099")
ACTIVE, SHORT, AGGREGATES, IN_SYNC, COLLECTS, DISTRIBUTES = (1 << bit for bit in range(6))
FORGET = 3.5  # seconds: three that were expected, and some


class Port:
    def __init__(self, name, number):
        self.name, self.number = name, number
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.socket.bind((name, 0))
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.far, self.heard = bytes(15), 0.0  # what the other end says of itself: system, key, port, state
        self.received = self.sent = self.lacpdus = 0
        self.gap, self.last = 0.0, 0.0  # the longest between two LACPDUs, seconds

    def hear(self, frame):
        if frame[14] != 1:
            return
        now = time.monotonic()
        self.gap = max(self.gap, now - self.last) if self.lacpdus > 2 else 0.0
        self.far, self.heard, self.last = frame[18:33], now, now
        self.lacpdus += 1

    def has_agreed(self):
        return time.monotonic() - self.heard < FORGET and self.far[14] & IN_SYNC and self.far[14] & COLLECTS

    def lacpdu(self):
        state = ACTIVE | SHORT | AGGREGATES
        if time.monotonic() - self.heard < FORGET:
            state |= IN_SYNC | COLLECTS
            state |= DISTRIBUTES if self.far[14] & IN_SYNC else 0
        own = struct.pack("!BBH6sHHHB3x", 1, 20, 1, SYSTEM, 7, 1, self.number, state)
        far = b"\x02\x14" + self.far + bytes(3)
        self.socket.send(bytes(VNET_HDR) + GROUP + SYSTEM[:5] + bytes([self.number]) + SLOW + b"\x01\x01" + own + far +
                         b"\x03\x10" + bytes(14) + bytes(52))


def main():
    mode, directory, names = sys.argv[1], sys.argv[2], sys.argv[4:]
    uplink = Port(sys.argv[3], 0)
    ports = [Port(name, 1 + i) for i, name in enumerate(names)]
    due = 0.0
    while True:
        quiet = {port.name for port in ports if os.path.exists(f"{directory}/{port.name}")}
        group = [port for port in ports if port.name not in quiet and (mode == "static" or port.has_agreed())]
        if time.monotonic() > due:
            due = time.monotonic() + 1
            for port in ports:
                if mode == "lacp" and port.name not in quiet:
                    port.lacpdu()
            with open(f"{directory}/partner.new", "w", encoding="ascii") as file:
                json.dump({port.name: {"received": port.received, "sent": port.sent, "lacpdus": port.lacpdus, "gap": port.gap,
                                       "state": port.far[14], "group": port in group} for port in ports}, file)
            os.rename(f"{directory}/partner.new", f"{directory}/partner.json")
        for ready in select.select([uplink.socket] + [port.socket for port in ports], [], [], 0.2)[0]:
            packet = ready.recv(VNET_HDR + 65536)
            frame = packet[VNET_HDR:]
            if ready is uplink.socket:
                if group:
                    port = group[zlib.crc32(frame[26:38]) % len(group)]
                    port.sent += 1
                    port.socket.send(packet)
                continue
            port = next(port for port in ports if port.socket is ready)
            if port.name in quiet:
                continue
            if frame[12:14] == SLOW:
                port.hear(frame)
            elif port in group:
                port.received += 1
                uplink.socket.send(packet)


main()
