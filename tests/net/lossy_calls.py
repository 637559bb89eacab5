#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Both far ends of many calls over a bad wire, with the timers of RFC 3261 section 17 and RFC 6026 and nothing else to help.

SIPp gives up on what a bad wire does: its repeats of a 200 stop at a doubled INVITE. Here a 180 may be lost or come after the
200, and anything may come twice or late. Of ten calls six are answered at once and ended after a while, two have a re-INVITE
meanwhile, one is refused, and one is cancelled. Prints "calls=N failed=N overtaken=N merged=N" and why calls failed.
usage: lossy_calls.py CALLS CALLS_A_SECOND T1_MS TALK_MS
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


def number(text):
    """The CSeq's."""
    return int(HEADER["CSeq"].search(text).group(1).split()[0])


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
    """The called half of one call; what it does is the user part of the Request-URI."""

    def __init__(self, clock, peer, invite, source):
        self.clock, self.peer, self.source = clock, peer, source
        self.tag, self.branches, self.waiting = unique("t"), {}, set()
        self.invite = invite
        self.begin(invite)

    def begin(self, invite):
        cseq = number(invite)
        self.branches[cseq] = VIA.search(invite).group(1)
        if invite.startswith(b"INVITE sip:busy@"):
            self.finish(invite, "486 Busy Here")
        elif cseq > 1:
            self.finish(invite, "200 OK")
        else:
            self.send(invite, "180 Ringing")
            if not invite.startswith(b"INVITE sip:rings@"):
                self.finish(invite, "200 OK")

    def finish(self, invite, status):
        """A final response, repeated until its ACK comes (timer G, and RFC 3261 13.3.1.4)."""
        cseq, text = number(invite), self.answer(invite, status)
        self.waiting.add(cseq)
        self.clock.repeat(lambda: self.peer.socket.sendto(text, self.source), lambda: cseq in self.waiting, True)

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
            # RFC 6026: repeats of an INVITE that has its final response end here. Another branch would be another request.
            if number(text) not in self.branches:
                self.begin(text)
            elif self.invite and text.startswith(b"INVITE sip:rings@"):
                self.send(text, "180 Ringing")  # the latest provisional response (17.2.1)
            counts["merged"] += VIA.search(text).group(1) != self.branches[number(text)]
        elif text.startswith(b"ACK"):
            self.waiting.discard(number(text))
        elif text.startswith(b"CANCEL"):
            self.send(text, "200 OK")
            if self.invite:
                self.finish(self.invite, "487 Request Terminated")
                self.invite = None
        elif text.startswith(b"BYE"):
            self.waiting.clear()
            self.send(text, "200 OK")


class Caller:
    """The calling half; talk is how long it stays on the line, or rings before it gives up."""

    def __init__(self, clock, peer, talk, user, ended):
        self.clock, self.peer, self.talk, self.user, self.ended = clock, peer, talk, user, ended
        self.call_id, self.tag, self.branch = unique("lossy-"), unique("f"), unique("z9hG4bK")
        self.state, self.acks, self.overtaken = "calling", {}, False
        self.uri, self.to, self.routes = f"sip:{user}@{peer.target[0]}", f"<sip:{user}@{peer.target[0]}>", []
        self.transact(self.request("INVITE", 1, self.branch), "calling", False)
        clock.after(128 * clock.t1, lambda: self.fail_in("proceeding", "no final response to INVITE"))

    def put(self, text):
        self.peer.socket.sendto(text, self.peer.target)

    def transact(self, text, state, cap):
        """Timers A and B, E and F: repeats while in this state, and failure after 64 times T1."""
        self.state = state
        self.clock.repeat(lambda: self.put(text), lambda: self.state == state, cap)
        self.clock.after(64 * self.clock.t1, lambda: self.fail_in(state, f"no response while {state}"))

    def request(self, method, cseq, branch=None):
        lines = [
            f"{method} {self.uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.peer.here};branch={branch or unique('z9hG4bK')}",
            "Max-Forwards: 70",
            *[f"Route: {route}" for route in self.routes],
            f"From: <sip:caller@{self.peer.here}>;tag={self.tag}",
            f"To: {self.to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:caller@{self.peer.here}>",
            "Content-Length: 0",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def end(self, why):
        if self.state == "ended":
            return  # a refusal that comes again
        self.state = "ended"
        self.ended(self, why)

    def fail_in(self, state, why):
        if self.state == state:
            self.end(f"{why} ({self.user})")

    def take(self, text):
        status, method = int(text[8:11]), HEADER["CSeq"].search(text).group(1).split()[1]
        if method == b"BYE":
            if self.state == "leaving":
                self.end("" if status < 300 else f"{status} to BYE")
        elif method == b"CANCEL":
            if self.state == "cancelling":
                self.state = "proceeding"
        elif status < 200:
            self.provisional(text, status)
        elif status < 300:
            self.confirm(text)
        else:
            self.refused(text, status)

    def provisional(self, text, status):
        self.overtaken |= status > 100 and 1 in self.acks
        if self.state == "calling":
            self.state = "proceeding"
            if self.user == "rings":
                self.clock.after(self.talk, self.cancel)
        elif self.state == "holding":
            self.state = "held"
            self.clock.after(128 * self.clock.t1, lambda: self.fail_in("held", "no final response to re-INVITE"))

    def cancel(self):
        if self.state == "proceeding":
            self.transact(self.request("CANCEL", 1, self.branch), "cancelling", True)

    def refused(self, text, status):
        """Each time it comes, the ACK of the same hop (17.1.1.3)."""
        if number(text) > 1:
            self.end(f"{status} to re-INVITE")
            return
        self.to = HEADER["To"].search(text).group(1).decode()
        self.put(self.request("ACK", 1, self.branch))
        if self.state in ("calling", "proceeding", "cancelling"):
            self.end("" if status == {"busy": 486, "rings": 487}.get(self.user) else f"{status} to INVITE ({self.user})")

    def confirm(self, ok):
        """Each 200 gets its ACK, the first one begins the call."""
        cseq = number(ok)
        if cseq not in self.acks:
            self.uri = re.search(rb"<([^>]+)>", CONTACT.search(ok).group(1)).group(1).decode()
            if cseq == 1:
                self.to = HEADER["To"].search(ok).group(1).decode()
                self.routes = [route.decode() for route in reversed(RECORD_ROUTE.findall(ok))]
            self.acks[cseq] = self.request("ACK", cseq)
            self.state = "talking"
            self.clock.after(self.talk, self.hold if self.user == "holds" and cseq == 1 else self.leave)
        self.put(self.acks[cseq])

    def hold(self):
        self.transact(self.request("INVITE", 2), "holding", False)

    def leave(self):
        self.transact(self.request("BYE", 3), "leaving", True)


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
        user = ("busy", "rings", "holds", "holds", *["answers"] * 6)[self.begun % 10]
        caller = Caller(self.clock, self.carrier, self.talk, user, self.ended)
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
