#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Waits on an interface for TIMES ARP announcements (RFC 5227 3) of an IPv4 address and as many unsolicited Neighbor
Advertisements (RFC 4861 7.2.6) of an IPv6 one, as a switch hears them; each is judged whole.

usage: announced.py INTERFACE MAC IPV4 IPV6 TIMES
"""
import ipaddress
import socket
import struct
import sys
import time

SECONDS = 60
ETH_P_ALL = 3
BROADCAST, ALL_NODES = b"\xff" * 6, bytes.fromhex("333300000001")


def check(holds, text):
    if not holds:
        sys.exit(text)


def is_arp(frame, mac, ipv4):
    if frame[12:14] != b"\x08\x06" or frame[28:32] != ipv4 or frame[38:42] != ipv4:
        return False
    check(frame[:12] == BROADCAST + mac, f"its frame goes from {frame[6:12].hex()} to {frame[:6].hex()}")
    check(frame[14:22] == bytes.fromhex("0001080006040001"), f"no ARP request: {frame[14:22].hex()}")
    check(frame[22:28] == mac, f"of {frame[22:28].hex()}")
    return True


def is_na(frame, mac, ipv6):
    if frame[12:14] != b"\x86\xdd" or frame[20] != 58 or frame[54] != 136 or frame[62:78] != ipv6:
        return False
    payload = frame[54:54 + struct.unpack("!H", frame[18:20])[0]]
    check(frame[:12] == ALL_NODES + mac, f"its frame goes from {frame[6:12].hex()} to {frame[:6].hex()}")
    check(frame[21] == 255 and frame[22:38] == ipv6, f"hop limit {frame[21]}, from {frame[22:38].hex()}")
    check(frame[38:54] == ipaddress.ip_address("ff02::1").packed, f"to {frame[38:54].hex()}")
    check(payload[4:8] == bytes.fromhex("20000000"), f"flags {payload[4:8].hex()}: Override alone is right")
    check(payload[24:] == b"\x02\x01" + mac, f"option {payload[24:].hex()}")
    total = sum(struct.unpack(f"!{len(payload) // 2}H", payload)) + sum(struct.unpack("!16H", frame[22:54])) + len(payload) + 58
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    check(total == 0xffff, f"checksum {total:#x}")
    return True


def main():
    interface, mac, times = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", "")), int(sys.argv[5])
    ipv4, ipv6 = (ipaddress.ip_address(text).packed for text in sys.argv[3:5])
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.bind((interface, 0))
    wire.settimeout(1)
    print("hears", flush=True)
    end, arp, advertised = time.monotonic() + SECONDS, 0, 0
    while (arp < times or advertised < times) and time.monotonic() < end:
        try:
            frame = wire.recv(65536)
        except TimeoutError:
            continue
        if is_arp(frame, mac, ipv4):
            arp += 1
        elif is_na(frame, mac, ipv6):
            advertised += 1
    check(arp == times and advertised == times, f"{arp} announcements of {sys.argv[3]}, {advertised} of {sys.argv[4]}")


main()
