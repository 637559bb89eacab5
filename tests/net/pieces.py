# SPDX-License-Identifier: BSD-3-Clause
"""Datagrams in fragments whose order and number the test chooses, from the address of a Peer of sip_peer.py: raw IPv4 or IPv6."""

import random
import socket
import struct

from sip_peer import in_space

UDP, FRAGMENT = 17, 44
IPV4_HEADER, IPV6_HEADER, FRAGMENT_HEADER = 20, 40, 8
ORDERS = ("in order", "reversed", "mixed")


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Raw:
    """Sends what lies behind IP's header, with the header of each piece."""

    def __init__(self, peer, source=None):
        self.ipv6 = ":" in peer.address
        self.family = socket.AF_INET6 if self.ipv6 else socket.AF_INET
        self.source, self.target = source or peer.address, peer.target[0]
        self.ports = struct.pack("!HH", peer.port, peer.target[1])
        self.numbers = random.Random(peer.address)
        self.socket = in_space(peer.space, lambda: socket.socket(self.family, socket.SOCK_RAW, socket.IPPROTO_RAW))

    def datagram(self, payload):
        ends = socket.inet_pton(self.family, self.source) + socket.inet_pton(self.family, self.target)
        length = 8 + len(payload)
        pseudo = ends + (struct.pack("!II", length, UDP) if self.ipv6 else struct.pack("!HH", UDP, length))
        octets = self.ports + struct.pack("!HH", length, 0) + payload
        return octets[:6] + struct.pack("!H", checksum(pseudo + octets) or 0xFFFF) + octets[8:]

    def piece(self, octets, offset, more, number):
        """One fragment; what it carries is not looked at."""
        ends = socket.inet_pton(self.family, self.source) + socket.inet_pton(self.family, self.target)
        if self.ipv6:
            header = struct.pack("!IHBB", 6 << 28, FRAGMENT_HEADER + len(octets), FRAGMENT, 64) + ends
            header += struct.pack("!BBHI", UDP, 0, offset | more, number)
        else:
            header = struct.pack("!BBHHHBBH", 0x45, 0, IPV4_HEADER + len(octets), number & 0xFFFF or 1, more << 13 | offset // 8, 64, UDP, 0) + ends
        self.socket.sendto(header + octets, (self.target, 0))

    def send(self, text, order="in order", mtu=1500):
        octets = self.datagram(text.encode() if isinstance(text, str) else text)
        step = (mtu - (IPV6_HEADER + FRAGMENT_HEADER if self.ipv6 else IPV4_HEADER)) // 8 * 8
        number = self.numbers.randrange(1, 1 << 32)
        offsets = list(range(0, len(octets), step))
        if order == "reversed":
            offsets.reverse()
        elif order == "mixed":
            self.numbers.shuffle(offsets)
        for offset in offsets:
            self.piece(octets[offset:offset + step], offset, offset + step < len(octets), number)
        return len(offsets)
