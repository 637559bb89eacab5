# SPDX-License-Identifier: BSD-3-Clause
"""Port-unreachable of somebody who is not the host that it speaks of: `unreachable.py OURS MEMBER SECONDS`, addresses of one family, sends
them as fast as it can, about requests that nobody sent, and says how many. The kernel takes one from anybody who knows the addresses."""

import socket
import struct
import sys
import time

from pieces import checksum

UDP = 17


def quote(ours, member, payload, ipv6):
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    ends = socket.inet_pton(family, ours) + socket.inet_pton(family, member)
    udp = struct.pack("!HHHH", 5060, 5060, 8 + len(payload), 1) + payload
    if ipv6:
        return struct.pack("!IHBB", 6 << 28, len(udp), UDP, 64) + ends + udp
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, UDP, 0) + ends
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + udp


def main():
    ours, member, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    ipv6 = ":" in ours
    errors = []
    for branch in ("z9hG4bKdg" + "a" * 32, "z9hG4bKdg" + "b" * 20, "z9hG4bK1"):
        host = f"[{member}]" if ipv6 else member
        text = f"OPTIONS sip:{host} SIP/2.0\r\nVia: SIP/2.0/UDP {ours}:5060;branch={branch}\r\n\r\n".encode()
        message = (struct.pack("!BBHI", 1, 4, 0, 0) if ipv6 else struct.pack("!BBHI", 3, 3, 0, 0)) + quote(ours, member, text, ipv6)
        # ICMPv6's checksum is the kernel's to fill in (RFC 3542 3.1).
        errors.append(message if ipv6 else message[:2] + struct.pack("!H", checksum(message)) + message[4:])
    raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) if ipv6 else \
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    target = sys.argv[4] if len(sys.argv) > 4 else ours
    sent, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for message in errors:
            try:
                raw.sendto(message, (target, 0))
                sent += 1
            except OSError:
                time.sleep(0.001)  # its queue is full
    print(sent)


if __name__ == "__main__":
    main()
