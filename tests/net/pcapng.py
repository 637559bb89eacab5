# SPDX-License-Identifier: BSD-3-Clause
"""SIP messages of a capture file (pcapng, Ethernet, IPv4, UDP) as `dialgatectl capture` writes it."""

import ipaddress
import struct

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6


def blocks(octets):
    at = 0
    while at + 12 <= len(octets):
        kind, size = struct.unpack_from("<II", octets, at)
        yield kind, octets[at + 8 : at + size - 4]
        at += size


def resolution(body):
    """Units a second of the interface's times: if_tsresol, else microseconds."""
    at = 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from("<HH", body, at)
        if code == 9:
            value = body[at + 4]
            return 2 ** (value & 127) if value & 128 else 10**value
        at += 4 + (length + 3) // 4 * 4
    return 10**6


def messages(path):
    """(time in seconds, source address, destination address, text), as they were taken."""
    units = []
    with open(path, "rb") as file:
        octets = file.read()
    for kind, body in blocks(octets):
        if kind == INTERFACE:
            units.append(resolution(body))
        if kind != PACKET:
            continue
        interface, high, low, length = struct.unpack_from("<IIII", body)
        frame = body[20 : 20 + length]
        header = 14 + (frame[14] & 15) * 4
        source, destination = (str(ipaddress.ip_address(frame[at : at + 4])) for at in (26, 30))
        yield (high << 32 | low) / units[interface], source, destination, frame[header + 8 :].decode("utf-8", "backslashreplace")
