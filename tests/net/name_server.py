# SPDX-License-Identifier: BSD-3-Clause
"""A DNS server on 127.0.0.1 for net tests: name_server.py PORT ZONE. The zone is read again for each query.

A line of it is `NAME TTL A ADDRESS` or `NAME TTL SRV PRIORITY WEIGHT PORT TARGET`; names are in lower case.
"""

import socket
import struct
import sys

TYPES = {"A": 1, "SRV": 33}
NXDOMAIN = 3


def packed(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def data(words):
    if words[0] == "A":
        return socket.inet_aton(words[1])
    return struct.pack("!HHH", *map(int, words[1:4])) + packed(words[4])


def question(query):
    """Name, type and octets of the question."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack_from("!H", query, at + 1)[0], query[12 : at + 5]


def answer(query, zone):
    name, wanted, octets = question(query)
    with open(zone, encoding="ascii") as file:
        rows = [line.split() for line in file if line.split()]
    known = [row for row in rows if row[0] == name]
    found = [row for row in known if TYPES[row[2]] == wanted]
    header = struct.pack("!2sHHHHH", query[:2], 0x8180 | (0 if known else NXDOMAIN), 1, len(found), 0, 0)
    records = b""
    for row in found:
        value = data(row[2:])
        records += struct.pack("!HHHIH", 0xC00C, wanted, 1, int(row[1]), len(value)) + value
    return header + octets + records


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", int(sys.argv[1])))
    while True:
        query, source = server.recvfrom(4096)
        server.sendto(answer(query, sys.argv[2]), source)


main()
