#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# SIP that is wrong gets 400 or silence as the RFC says, counted by reason, and the next call works.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_peers <<'PYTHON'
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
good = carrier.request("INVITE")


def with_header(name, value):
    lines = good.split("\r\n")
    return "\r\n".join(f"{name}: {value}" if line.lower().startswith(name.lower() + ":") else line for line in lines)


def without(name):
    return "\r\n".join(line for line in good.split("\r\n") if not line.lower().startswith(name.lower() + ":"))


def answer_to(text, seconds):
    """The answer to this transmission; an INVITE that nobody acknowledges has its refusal repeated meanwhile."""
    found = re.search(r"branch=([^;\s]+)", text)
    branch = unique("z9hG4bK")
    carrier.send(text.replace(found.group(1), branch) if found else text)
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        answer = carrier.receive(left)
        if answer is not None and (not found or answer.branch() == branch):
            return answer.status
    return None


for what, text, status in (
    ("no From", without("From"), 400),
    ("no CSeq", without("CSeq"), 400),
    ("CSeq of another method", with_header("CSeq", "1 BYE"), 400),
    ("CSeq that is no number", with_header("CSeq", "x INVITE"), 400),
    ("Content-Length beyond the datagram", with_header("Content-Length", "999"), 400),
    ("two Call-IDs that differ", good.replace("CSeq:", "Call-ID: other\r\nCSeq:"), 400),
    ("no Call-ID", without("Call-ID"), 400),
    ("no Via", without("Via"), None),
    ("another version", good.replace("SIP/2.0\r\n", "SIP/7.0\r\n", 1), 505),
    ("a response with no Via", "SIP/2.0 200 OK\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n", None),
    ("a response that is not for us", "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
     "Call-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n", None),
    ("an ACK with no From", without("From").replace("INVITE", "ACK"), None),
    ("a keepalive", "\r\n\r\n", None),
):
    found = answer_to(text, PATIENCE if status else 0.4)
    check(found == status or (status == 505 and found == 400), f"{what}: {found} instead of {status}")
for sbc in sbcs:
    sbc.expect_nothing(0.2)
# Octets that no header should have: whatever becomes of them, it is not the end.
for octets in (good.replace("Contact:", "Con\0tact:").encode(), good.encode() + b"\xff\xfe", good.encode()[:200], b"INVITE " + b"A" * 1400):
    carrier.send(octets)
for sbc in sbcs:
    while sbc.receive(0.3) is not None:
        pass
# A port of its own: repeats of what was refused go to the old one.
Call(Peer("carrier", 5070), sbcs).hang_up()
passed()
PYTHON
expect_counted dialgate_answers_total 4 'status="400"'
expect_counted dialgate_packets_total 1 'reason="malformed_request"'
expect_counted dialgate_packets_total 1 'reason="malformed_response"'
expect_counted dialgate_packets_total 1 'reason="keepalive"'
test_outcomes
test_done
