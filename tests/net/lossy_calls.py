#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Both far ends of many calls over a bad wire, with the timers of RFC 3261 section 17 and RFC 6026 and nothing else to help.

SIPp gives up on what a bad wire does: its repeats of a 200 stop at a doubled INVITE. Here a 180 may be lost or come after the
200, and anything may come twice or late. The callees answer at once, the caller hangs up after a while. Prints
"calls=N failed=N overtaken=N merged=N" and why calls failed. usage: lossy_calls.py CALLS CALLS_A_SECOND T1_MS TALK_MS
"""

import collections
import heapq
import re
import select
import sys
import time

from sip_peer import Peer, passed, unique

VIA, RECORD_ROUTE, CONTACT = (re.compile(rb"\r\n" + name + rb": *([^\r]+)", re.I) for name in (b"Via", b"Record-Route", b"Contact"))
HEADER = {name: re.compile(rb"\r\n" + name.encode() + rb": *([^\r]+)", re.I) for name in ("From", "To", "Call-ID", "CSeq")}


def copied(text, *names):
    return "".join(f"{name}: {HEADER[name].search(text).group(1).decode()}\r\n" for name in names)


class Clock:
    """What is to be done when, and the repeats of a message until somebody stops them."""

    def __init__(self, t1):
        self.t1, self.t2, self.heap, self.serial = t1, t1 * 8, [], 0

    def after(self, seconds, what):
        self.serial += 1
        heapq.heappush(self.heap, (time.monotonic() + seconds, self.serial, what))

    def repeat(self, send, wanted, cap):
        """Timers A, E and G: doubled intervals, up to T2 where they have a cap. 64 times T1 long, or until wanted() is false."""
        end = time.monotonic() + 64 * self.t1
        interval = self.t1

        def again():
            nonlocal interval
            if not wanted() or time.monotonic() >= end:
                return
            send()
            interval = min(interval * 2, self.t2) if cap else interval * 2
            self.after(interval, again)

        send()
        self.after(interval, again)

    def due(self):
        while self.heap and self.heap[0][0] <= time.monotonic():
            heapq.heappop(self.heap)[2]()

    def wait_ms(self):
        return max(0.0, self.heap[0][0] - time.monotonic()) * 1000 if self.heap else 1000


class Callee:
    """The answered half of one call."""

    def __init__(self, clock, peer, invite, source):
        self.clock, self.peer, self.source = clock, peer, source
        self.branch, self.tag, self.acked = VIA.search(invite).group(1), unique("t"), False
        self.send(invite, "180 Ringing")
        ok = self.answer(invite, "200 OK")
        clock.repeat(lambda: peer.socket.sendto(ok, source), lambda: not self.acked, True)

    def answer(self, request, status):
        lines = [f"SIP/2.0 {status}\r\n"]
        for name, pattern in (("Via", VIA), ("Record-Route", RECORD_ROUTE)):
            lines += [f"{name}: {value.decode()}\r\n" for value in pattern.findall(request)]
        to = copied(request, "To")
        if ";tag=" not in to:
            to = to.replace("\r\n", f";tag={self.tag}\r\n")
        lines += [copied(request, "From"), to, copied(request, "Call-ID", "CSeq"), f"Contact: <sip:callee@{self.peer.here}>\r\n"]
        return ("".join(lines) + "Content-Length: 0\r\n\r\n").encode()

    def send(self, request, status):
        self.peer.socket.sendto(self.answer(request, status), self.source)

    def take(self, text, counts):
        if text.startswith(b"INVITE"):
            # RFC 6026: repeats of an INVITE that has its 2xx end here. Another branch would be another request.
            counts["merged"] += VIA.search(text).group(1) != self.branch
        elif text.startswith(b"ACK"):
            self.acked = True
        elif text.startswith(b"BYE"):
            self.acked = True
            self.send(text, "200 OK")


class Caller:
    """The calling half; talk is how long it stays on the line."""

    def __init__(self, clock, peer, talk, ended):
        self.clock, self.peer, self.talk, self.ended = clock, peer, talk, ended
        self.call_id, self.tag = unique("lossy-"), unique("f")
        self.state, self.answered, self.ack, self.overtaken = "calling", False, None, False
        invite = self.request("INVITE", f"sip:200@{peer.target[0]}", f"<sip:200@{peer.target[0]}>", 1)
        clock.repeat(lambda: self.put(invite), lambda: self.state == "calling", False)
        clock.after(64 * clock.t1, lambda: self.fail_in("calling", "no response to INVITE"))
        clock.after(128 * clock.t1, lambda: self.fail_in("proceeding", "no 200 to INVITE"))

    def put(self, text):
        self.peer.socket.sendto(text, self.peer.target)

    def request(self, method, uri, to, cseq, routes=(), branch=None):
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.peer.here};branch={branch or unique('z9hG4bK')}",
            "Max-Forwards: 70",
            *[f"Route: {route}" for route in routes],
            f"From: <sip:caller@{self.peer.here}>;tag={self.tag}",
            f"To: {to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:caller@{self.peer.here}>",
            "Content-Length: 0",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def end(self, why):
        self.state = "ended"
        self.ended(self, why)

    def fail_in(self, state, why):
        if self.state == state:
            self.end(why)

    def take(self, text):
        status, cseq = int(text[8:11]), HEADER["CSeq"].search(text).group(1).decode()
        if cseq.endswith("BYE"):
            if self.state == "leaving":
                self.end("" if status < 300 else f"{status} to BYE")
        elif status < 200:
            self.overtaken |= status > 100 and self.ack is not None
            if self.state == "calling":
                self.state = "proceeding"
        elif status < 300:
            self.confirm(text)
        elif self.state in ("calling", "proceeding"):
            self.end(f"{status} to INVITE")

    def confirm(self, ok):
        """Each 200 gets its ACK, the first one begins the call."""
        if self.ack is None:
            uri = re.search(rb"<([^>]+)>", CONTACT.search(ok).group(1)).group(1).decode()
            to = HEADER["To"].search(ok).group(1).decode()
            routes = [route.decode() for route in reversed(RECORD_ROUTE.findall(ok))]
            self.ack = self.request("ACK", uri, to, 1, routes)
            self.state = "talking"
            self.clock.after(self.talk, lambda: self.leave(self.request("BYE", uri, to, 2, routes)))
        self.put(self.ack)

    def leave(self, bye):
        self.state = "leaving"
        self.clock.repeat(lambda: self.put(bye), lambda: self.state == "leaving", True)
        self.clock.after(64 * self.clock.t1, lambda: self.fail_in("leaving", "no response to BYE"))


class Calls:
    def __init__(self, count, rate, t1, talk):
        self.clock, self.count, self.talk = Clock(t1), count, talk
        self.carrier, self.sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
        self.callers, self.callees, self.begun, self.over = {}, {}, 0, 0
        self.counts = collections.Counter()
        self.reasons = collections.Counter()
        self.interval, self.first = 1 / rate, time.monotonic()
        self.clock.after(0, self.begin)

    def begin(self):
        caller = Caller(self.clock, self.carrier, self.talk, self.ended)
        self.callers[caller.call_id.encode()] = caller
        self.begun += 1
        if self.begun < self.count:
            self.clock.after(self.first + self.begun * self.interval - time.monotonic(), self.begin)

    def ended(self, caller, why):
        self.over += 1
        self.counts["overtaken"] += caller.overtaken
        if why:
            self.counts["failed"] += 1
            self.reasons[why] += 1
        # Late repeats are still answered.
        self.clock.after(64 * self.clock.t1, lambda: self.forget(caller.call_id.encode()))

    def forget(self, call_id):
        self.callers.pop(call_id, None)
        self.callees.pop(call_id, None)

    def take(self, peer, text, source):
        found = HEADER["Call-ID"].search(text)
        call_id = found and found.group(1)
        if peer is self.carrier:
            if call_id in self.callers and text.startswith(b"SIP/2.0 "):
                self.callers[call_id].take(text)
        elif call_id in self.callees:
            self.callees[call_id].take(text, self.counts)
        elif text.startswith(b"INVITE"):
            self.callees[call_id] = Callee(self.clock, peer, text, source)

    def run(self):
        poll = select.poll()
        peers = {peer.socket.fileno(): peer for peer in (self.carrier, *self.sbcs)}
        for descriptor, peer in peers.items():
            peer.socket.setblocking(False)
            poll.register(descriptor, select.POLLIN)
        while self.over < self.count:
            for descriptor, _ in poll.poll(self.clock.wait_ms()):
                try:
                    for _ in range(64):
                        self.take(peers[descriptor], *peers[descriptor].socket.recvfrom(65536))
                except BlockingIOError:
                    pass
            self.clock.due()
        print(f"calls={self.over} failed={self.counts['failed']} overtaken={self.counts['overtaken']} merged={self.counts['merged']}")
        for why, number in self.reasons.items():
            print(f"{number} failed: {why}")


def main():
    count, rate, t1_ms, talk_ms = map(int, sys.argv[1:])
    Calls(count, rate, t1_ms / 1000, talk_ms / 1000).run()
    passed()


main()
