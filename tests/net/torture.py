# SPDX-License-Identifier: BSD-3-Clause
"""The messages of tests/torture over the wire: each is sent by a carrier, and what comes of it is compared with its row.

    run(carrier_ports, sbcs)    with Peers; returns the rows that fared otherwise, as lines of text
"""

import pathlib
import re
import select
import time

from sip_peer import PATIENCE

TORTURE = pathlib.Path(__file__).resolve().parent.parent / "torture"
DATAGRAM_MAX = 1472  # what fits into an Ethernet frame
SILENCE_S = 0.5  # an answer comes within milliseconds; silence is proven for a while only


def rows():
    """(name, octets, allowed reactions) of each message."""
    for line in (TORTURE / "table.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, _, _, wire, _ = line.split("\t")
            yield name, (TORTURE / "messages" / f"{name}.sip").read_bytes(), wire.split()


def mark_of(octets):
    """What everything that comes of this message carries: its Call-ID, or without one its branch."""
    found = re.search(rb"(?im)^(?:call-id|i)[ \t]*:\s*(\S+)", octets) or re.search(rb"branch\s*=\s*([^;,\s]+)", octets)
    return found.group(1).decode("utf-8", "surrogateescape")


def acknowledge(carrier, request, response):
    """The ACK to a refused INVITE, which would be repeated otherwise (RFC 3261 17.1.1.3)."""
    via = response.all("via")
    if request[:7] != b"INVITE " or not via:
        return
    number = response.get("cseq").split()[0]
    lines = ["ACK sip:refused@example.net SIP/2.0", f"Via: {via[0]}", "Max-Forwards: 70"]
    lines += [f"{name}: {value}" for name in ("from", "to", "call-id") for value in response.all(name)[:1]]
    carrier.send("\r\n".join([*lines, f"CSeq: {number} ACK", "Content-Length: 0", "", ""]))


def reaction_to(octets, carriers, sbcs, seconds):
    """pass, drop after so many seconds, or the status of the first final answer."""
    mark = mark_of(octets)
    carriers[0].send(octets)
    passed = False
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        ready = select.select([peer.socket for peer in (*carriers, *sbcs)], [], [], left)[0]
        for peer in (*carriers, *sbcs):
            if peer.socket not in ready:
                continue
            message = peer.receive(0)
            if message is None or mark not in message.text:
                continue
            if peer in sbcs:
                if not passed:
                    passed, deadline = True, time.monotonic() + SILENCE_S
                if message.status is None and message.method != "ACK":
                    peer.answer(message, 486, "Busy Here", tag="torture")
            elif message.status is not None and message.status >= 200:
                acknowledge(carriers[0], octets, message)
                return "pass" if passed else str(message.status)
    return "pass" if passed else "drop"


def run(carriers, sbcs):
    wrong = []
    for name, octets, allowed in rows():
        if len(octets) > DATAGRAM_MAX:
            continue
        reaction = reaction_to(octets, carriers, sbcs, SILENCE_S if "drop" in allowed else PATIENCE)
        if reaction not in allowed:
            wrong.append(f"{name}: {reaction}, allowed is {' '.join(allowed)}")
    return wrong
