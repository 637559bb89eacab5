#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# INVITEs of 3, 8 and 60 kB and answers as long: the kernels at both ends cut and put together, Dialgate does both between them.
# Then fragments that never become whole, of a peer and of a stranger, while such a call goes on.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'timers: {t1: 5s, t2: 5s}' # a loaded machine is late, and nothing may be repeated here
test_up
test_peers <<'PYTHON'
import socket
import struct

from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
for peer in [carrier, *sbcs]:
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)


def body_of(octets):
    return "".join(f"{i:07}\r\n" for i in range(octets // 9))


def call(octets):
    body = body_of(octets)
    carrier.send(carrier.request("INVITE", body=body))
    callee, invite = receive_any(sbcs, "INVITE")
    check(invite.body == body, f"INVITE of {octets}: {len(invite.body)} octets of its body came")
    carrier.expect(100)
    callee.answer(invite, 200, "OK", tag="t1", body=body)
    ok = carrier.expect(200)
    check(ok.body == body, f"200 of {octets}: {len(ok.body)} octets of its body came")
    side = Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
    side.send("ACK", cseq=1)
    callee.expect("ACK")
    side.send("BYE")
    callee.answer(callee.expect("BYE"), 200, "OK")
    carrier.expect(200)


def first_fragments(space, source, count):
    """The first ones of datagrams whose rest does not come."""
    descriptor = os.open(f"/run/netns/{os.environ['LAB_ID']}-{space}", os.O_RDONLY)
    enter(descriptor)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    enter(own_space)
    os.close(descriptor)
    for number in range(count):
        udp = struct.pack("!HHHH", 5060, 5060, 2008, 0) + b"INVITE sip:" + b"x" * 997
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, number + 1, 0x2000, 64, 17, 0,
                             socket.inet_aton(source), socket.inet_aton(EDGE))
        raw.sendto(header + udp, (EDGE, 0))
    raw.close()


for octets in (3000, 8000, 60000):
    call(octets)
first_fragments("carrier", "10.10.1.1", 200)
first_fragments("stranger", "10.10.2.1", 200)
for octets in (3000, 60000):
    call(octets)
passed()
PYTHON
test_no_dialogs
test_outcomes
test_done
