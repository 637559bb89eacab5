# SPDX-License-Identifier: BSD-3-Clause
"""A SIP peer for messages that SIPp does not send: a socket in one of the lab's namespaces, and a few builders.

What was sent and received is kept and printed when a program ends with a failure.
"""

import atexit
import ctypes
import os
import re
import select
import socket
import sys
import time

PATIENCE = 20.0  # seconds for what comes in milliseconds: more than a loaded machine takes
ADDRESSES = {"carrier": "10.10.1.1", "stranger": "10.10.2.1", "sbc1": "10.20.0.11", "sbc2": "10.20.0.12"}
EDGE, CORE = "10.10.0.10", "10.20.0.10"
# With LAB_IPV6=yes.
ADDRESSES_IPV6 = {"carrier": "2001:db8:1001::1", "stranger": "2001:db8:1002::1", "sbc1": "2001:db8:2000::11", "sbc2": "2001:db8:2000::12"}
EDGE_IPV6, CORE_IPV6 = "2001:db8:1000::10", "2001:db8:2000::10"
CLONE_NEWNET = 0x40000000
COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type"}

transcript = []
failed = True
libc = ctypes.CDLL(None, use_errno=True)
own_space = os.open("/proc/self/ns/net", os.O_RDONLY)
serial = 0


class Wrong(Exception):
    """What came is not what had to come."""


def passed():
    """To be called at a program's end."""
    global failed
    failed = False


@atexit.register
def tell():
    if failed:
        for line in transcript[-40:]:
            print(line, file=sys.stderr)


def enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def in_space(space, make):
    """What this makes inside one of the lab's namespaces, a socket mostly."""
    descriptor = os.open(f"/run/netns/{os.environ['LAB_ID']}-{space}", os.O_RDONLY)
    try:
        enter(descriptor)
        return make()
    finally:
        enter(own_space)
        os.close(descriptor)


def bracketed(address):
    return f"[{address}]" if ":" in address else address


def unique(prefix):
    global serial
    serial += 1
    return f"{prefix}{os.getpid()}x{serial}"


class Message:
    """A received message: start, headers in order, body."""

    def __init__(self, octets, source):
        self.text = octets.decode("utf-8", "surrogateescape")
        self.source = source
        head, _, self.body = self.text.partition("\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        self.start = lines[0]
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.append((COMPACT.get(name, name), value.strip()))
        word = self.start.split(" ")
        self.status = int(word[1]) if self.start.startswith("SIP/2.0 ") else None
        self.method = None if self.status else word[0]
        self.uri = None if self.status else word[1]

    def all(self, name):
        """Every value of a header; comma lists of Via, Route and Record-Route are split."""
        values = [value for key, value in self.headers if key == name]
        if name in ("via", "route", "record-route"):
            values = [part.strip() for value in values for part in value.split(",")]
        return values

    def get(self, name):
        values = self.all(name)
        if not values:
            raise Wrong(f"no {name} in {self.start}")
        return values[0]

    def branch(self, index=0):
        return re.search(r";branch=([^;,\s]+)", self.all("via")[index]).group(1)

    def tag(self, name):
        found = re.search(r";tag=([^;>\s]+)", self.get(name))
        return found.group(1) if found else None

    def target(self):
        """The URI of Contact."""
        return re.search(r"<([^>]+)>", self.get("contact")).group(1)


class Peer:
    """One address and port in one namespace."""

    def __init__(self, space, port=5060, target=None, ipv6=False):
        self.space, self.port = space, port
        self.address = (ADDRESSES_IPV6 if ipv6 else ADDRESSES)[space]
        ours = (CORE_IPV6 if ipv6 else CORE) if space.startswith("sbc") else (EDGE_IPV6 if ipv6 else EDGE)
        self.target = target or (ours, 5060)
        self.socket = in_space(space, lambda: socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM))
        self.socket.bind((self.address, port))
        self.heard, self.repeated = set(), False

    @property
    def here(self):
        return f"{bracketed(self.address)}:{self.port}"

    def send(self, text, target=None):
        octets = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        transcript.append(f">>> {self.space}:{self.port}\n{octets.decode('utf-8', 'backslashreplace')}")
        self.socket.sendto(octets, target or self.target)

    def receive(self, seconds=PATIENCE):
        """The next message, None when none comes."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return None
        octets, source = self.socket.recvfrom(65535)
        self.repeated = octets in self.heard
        self.heard.add(octets)
        transcript.append(f"<<< {self.space}:{self.port} from {bracketed(source[0])}:{source[1]}\n{octets.decode('utf-8', 'backslashreplace')}")
        return Message(octets, source)

    def expect(self, wanted, seconds=PATIENCE):
        """The next message that is this status or method; a 100 that was not asked for is passed over, and what a timer of
        RFC 3261 section 17 repeats because this end was late: who has to prove that nothing is repeated says expect_nothing."""
        deadline = time.monotonic() + seconds
        while True:
            message = self.receive(max(0.0, deadline - time.monotonic()))
            if message is None:
                raise Wrong(f"{self.space}: no {wanted} within {seconds} s")
            if wanted in (message.status, message.method):
                return message
            if message.status != 100 and not self.repeated:
                raise Wrong(f"{self.space}: {message.start} instead of {wanted}")

    def expect_nothing(self, seconds=1.0):
        """Silence is proven for a while only: long enough for the answer that other requests get in milliseconds."""
        message = self.receive(seconds)
        if message is not None:
            raise Wrong(f"{self.space}: {message.start} instead of silence")

    def expect_nothing_new(self, seconds=1.0):
        """Nothing but repeats of what came: where timers are so short that a loaded machine is late for them."""
        deadline = time.monotonic() + seconds
        while (message := self.receive(max(0.0, deadline - time.monotonic()))) is not None:
            if not self.repeated:
                raise Wrong(f"{self.space}: {message.start} instead of silence")

    def request(self, method, uri=None, **fields):
        """A request outside a dialog. Fields: branch, call_id, cseq, from_tag, to, to_tag, max_forwards, extra (lines), contact, body."""
        uri = uri or f"sip:200@{bracketed(self.target[0])}"
        to = fields.get("to", f"<{uri}>")
        to_tag = f";tag={fields['to_tag']}" if "to_tag" in fields else ""
        body = fields.get("body", "")
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.here};branch={fields.get('branch') or unique('z9hG4bK')}{fields.get('via_params', '')}",
            f"From: <sip:peer@{self.here}>;tag={fields.get('from_tag') or unique('f')}",
            f"To: {to}{to_tag}",
            f"Call-ID: {fields.get('call_id') or unique('call-')}",
            f"CSeq: {fields.get('cseq', 1)} {fields.get('cseq_method', method)}",
            f"Contact: <{fields.get('contact', f'sip:peer@{self.here}')}>",
        ]
        if fields.get("max_forwards", 70) is not None:
            lines.append(f"Max-Forwards: {fields.get('max_forwards', 70)}")
        lines += fields.get("extra", [])
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def answer(self, request, status, reason="Reason", tag=None, extra=(), body=""):
        """A response that copies what RFC 3261 8.2.6.2 says."""
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"Via: {value}" for value in request.all("via")]
        lines += [f"Record-Route: {value}" for value in request.all("record-route")]
        to = request.get("to")
        lines += [
            f"From: {request.get('from')}",
            f"To: {to}" + (f";tag={tag}" if tag and ";tag=" not in to else ""),
            f"Call-ID: {request.get('call-id')}",
            f"CSeq: {request.get('cseq')}",
            f"Contact: <sip:callee@{self.here}>",
            *extra,
            f"Content-Length: {len(body)}",
        ]
        text = "\r\n".join(lines) + "\r\n\r\n" + body
        self.send(text, request.source)
        return text


def receive_any(peers, wanted, seconds=PATIENCE):
    """The peer that gets this method first, and the message; repeats of what came before are passed over."""
    deadline = time.monotonic() + seconds
    while ready := select.select([peer.socket for peer in peers], [], [], max(0.0, deadline - time.monotonic()))[0]:
        for peer in peers:
            if peer.socket not in ready:
                continue
            message = peer.receive(0)
            if peer.repeated or message.status == 100:
                continue
            if message.method != wanted:
                raise Wrong(f"{peer.space}: {message.start} instead of {wanted}")
            return peer, message
    raise Wrong(f"no {wanted} within {seconds} s at {' or '.join(peer.space for peer in peers)}")


class Side:
    """One end of a dialog: what its requests need."""

    def __init__(self, peer, local, remote, call_id, target, routes):
        self.peer, self.local, self.remote = peer, local, remote
        self.call_id, self.target, self.routes = call_id, target, routes
        self.cseq = 10

    def request(self, method, cseq=None, extra=(), branch=None):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        lines = [
            f"{method} {self.target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.peer.here};branch={branch or unique('z9hG4bK')}",
            "Max-Forwards: 70",
            *[f"Route: {value}" for value in self.routes],
            f"From: {self.local}",
            f"To: {self.remote}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:peer@{self.peer.here}>",
            *extra,
            "Content-Length: 0",
        ]
        return "\r\n".join(lines) + "\r\n\r\n"

    def send(self, method, **fields):
        text = self.request(method, **fields)
        self.peer.send(text)
        return Message(text.encode(), None)


class Call:
    """An answered call: caller and callee are Sides; invite is what the callee got."""

    def __init__(self, carrier, sbcs, **fields):
        fields.setdefault("call_id", unique("call-"))
        carrier.send(carrier.request("INVITE", **fields))
        callee, self.invite = receive_any(sbcs, "INVITE")
        while self.invite.get("call-id") != fields["call_id"]:  # a repeat of an earlier one
            callee, self.invite = receive_any(sbcs, "INVITE")
        tag = unique("t")
        callee.answer(self.invite, 180, "Ringing", tag=tag)
        carrier.expect(180)
        callee.answer(self.invite, 200, "OK", tag=tag)
        self.ok = carrier.expect(200)
        call_id = self.invite.get("call-id")
        self.caller = Side(carrier, self.ok.get("from"), self.ok.get("to"), call_id, self.ok.target(), self.ok.all("record-route")[::-1])
        self.callee = Side(callee, self.ok.get("to"), self.ok.get("from"), call_id, self.invite.target(), self.invite.all("record-route"))
        self.caller.send("ACK", cseq=int(self.ok.get("cseq").split()[0]))
        callee.expect("ACK")

    def hang_up(self):
        self.caller.send("BYE")
        bye = self.callee.peer.expect("BYE")
        self.callee.peer.answer(bye, 200, "OK")
        return self.caller.peer.expect(200)


def check(condition, what):
    """assert that survives python -O and says what was wrong."""
    if not condition:
        raise Wrong(what)
