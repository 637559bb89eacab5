# SPDX-License-Identifier: BSD-3-Clause
"""Many calls beside each other in one program: user agents in the lab's namespaces, programs on the control socket, and
cases that use them, each a coroutine that fails by itself with what went over the wire for it.

A user agent hears no message twice: what a timer repeats is passed over, but where a leg says `repeats = True`.
"""

import asyncio
import json
import sys
import time
import traceback

from sip_peer import CORE, EDGE, PATIENCE, Message, Peer, Wrong, check, enter, own_space, passed, unique

SDP = "v=0\r\no=- 5 5 IN IP4 10.10.0.10\r\ns=-\r\nc=IN IP4 10.10.0.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
TYPE = "Content-Type: application/sdp"


def user_of(uri):
    return uri.partition(":")[2].partition("@")[0].partition(";")[0]


class Refused(Exception):
    """The daemon's error; code is JSON-RPC's."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]


class Party(Peer):
    """An address and port whose messages go to the legs that they belong to."""

    def __init__(self, lab, space, port=5060):
        super().__init__(space, port)
        self.lab = lab
        self.socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self.socket, self.read)

    def read(self):
        while True:
            try:
                octets, source = self.socket.recvfrom(65535)
            except BlockingIOError:
                return
            message = Message(octets, source)
            leg = self.lab.legs.get((self, message.get("call-id")))
            if octets in self.heard and not (leg and leg.repeats):
                continue
            self.heard.add(octets)
            if leg:
                leg.take(message)
            else:
                self.lab.stranger(self, message)


RESEND = 4.0  # seconds until a request comes again that has no response: long, so that it is rare


class Leg:
    """One end of a dialog, and what came for it. Of a fork each far end is a Leg of its own that shares `inbox`."""

    def __init__(self, case, party, call_id, local):
        self.case, self.party, self.call_id = case, party, call_id
        self.local, self.remote, self.target, self.routes = local, None, None, []
        self.cseq, self.invite, self.ok, self.repeats = 0, None, None, False
        self.inbox, self.waiting = asyncio.Queue(), {}
        case.lab.legs[(party, call_id)] = self

    def take(self, message):
        self.case.note(f"<<< {self.party.space}", message.text)
        if message.status:
            self.waiting.pop(message.get("cseq"), None)
        self.inbox.put_nowait(message)

    async def receive(self, seconds=PATIENCE):
        try:
            return await asyncio.wait_for(self.inbox.get(), seconds)
        except asyncio.TimeoutError:
            return None

    async def expect(self, wanted, seconds=PATIENCE):
        """The next message is this status or method; a 100 is passed over."""
        while True:
            message = await self.receive(seconds)
            if message is None:
                raise Wrong(f"{self.party.space}: no {wanted} within {seconds} s")
            if wanted in (message.status, message.method):
                return message
            if message.status != 100:
                raise Wrong(f"{self.party.space}: {message.start} instead of {wanted}")

    async def expect_all(self, *wanted):
        """So many messages, in any order."""
        found, left = {}, list(wanted)
        while left:
            message = await self.receive()
            check(message is not None, f"{self.party.space}: no {left}")
            key = message.method or (message.status, message.get("cseq").split()[1])
            if key in left:
                left.remove(key)
                found[key] = message
            elif message.status != 100:
                raise Wrong(f"{self.party.space}: {message.start} ({key}) instead of {left}")
        return found

    def put(self, text):
        self.case.note(f">>> {self.party.space}", text)
        self.party.send(text)

    def request(self, method, cseq=None, extra=(), body="", branch=None):
        """A request in the dialog; the Message as it was sent."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        text = "\r\n".join([
            f"{method} {self.target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.party.here};branch={branch or unique('z9hG4bK')}",
            "Max-Forwards: 70",
            *[f"Route: {value}" for value in self.routes],
            f"From: {self.local}",
            f"To: {self.remote}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:peer@{self.party.here}>",
            *extra,
            f"Content-Length: {len(body)}",
        ]) + "\r\n\r\n" + body
        return Message(text.encode(), None)

    def send(self, method, **fields):
        message = self.request(method, **fields)
        self.put(message.text)
        if method not in ("ACK", "INVITE"):
            self.waiting[message.get("cseq")] = message.text
            asyncio.get_running_loop().call_later(RESEND, self.send_again, message.get("cseq"), 2)
        return message

    def send_again(self, cseq, times):
        """As RFC 3261 17.1.2.2 has it: a datagram may be lost."""
        if cseq in self.waiting and times:
            self.put(self.waiting[cseq])
            asyncio.get_running_loop().call_later(RESEND, self.send_again, cseq, times - 1)

    def answer(self, request, status, reason="Reason", extra=(), body="", tag=None):
        to = request.get("to")
        if ";tag=" not in to:
            to = tag and f"{to};tag={tag}" or self.local
        text = "\r\n".join([
            f"SIP/2.0 {status} {reason}",
            *[f"Via: {value}" for value in request.all("via")],
            *[f"Record-Route: {value}" for value in request.all("record-route")],
            f"From: {request.get('from')}",
            f"To: {to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {request.get('cseq')}",
            f"Contact: <sip:callee@{self.party.here}>",
            *([TYPE] if body else []),
            *extra,
            f"Content-Length: {len(body)}",
        ]) + "\r\n\r\n" + body
        self.case.note(f">>> {self.party.space}", text)
        Peer.send(self.party, text, request.source)
        return Message(text.encode(), None)

    def learn(self, response):
        """What a dialog takes from a response that makes it (RFC 3261 12.1.2)."""
        self.remote, self.target = response.get("to"), response.target()
        self.routes = response.all("record-route")[::-1]

    def ack(self, ok=None, **fields):
        """Of the last 2xx, or of this one."""
        ok = ok or self.ok
        self.send("ACK", cseq=int(ok.get("cseq").split()[0]), **fields)

    def ack_failure(self, response):
        """RFC 3261 17.1.1.3: the branch of the INVITE."""
        text = "\r\n".join([
            f"ACK {self.invite.uri} SIP/2.0",
            f"Via: {self.invite.all('via')[0]}",
            "Max-Forwards: 70",
            f"From: {response.get('from')}",
            f"To: {response.get('to')}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {response.get('cseq').split()[0]} ACK",
            "Content-Length: 0",
        ]) + "\r\n\r\n"
        self.put(text)

    async def ask(self, method, status, **fields):
        """Sends it and wants this final response."""
        self.send(method, **fields)
        return await self.expect(status)

    async def reply(self, method, status=200, reason="OK", **fields):
        """Wants this request and answers it."""
        request = await self.expect(method)
        self.answer(request, status, reason, **fields)
        return request

    async def hang_up(self):
        return await self.ask("BYE", 200)


class Program:
    """A client of the control socket."""

    def __init__(self):
        self.last, self.waiting, self.events, self.news = 0, {}, [], asyncio.Condition()

    async def open(self, run_directory, application=None, **fields):
        self.reader, self.writer = await asyncio.open_unix_connection(f"{run_directory}/control.sock", limit=1 << 22)
        self.task = asyncio.get_running_loop().create_task(self.read())
        if application:
            await self.call("ua.attach", application=application, **fields)
        return self

    async def read(self):
        while line := await self.reader.readline():
            told = json.loads(line)
            if "id" in told:
                future = self.waiting.pop(told["id"])
                if not future.done():
                    future.set_result(told)
                continue
            async with self.news:
                self.events.append(told["params"])
                self.news.notify_all()

    async def call(self, method, /, **params):
        self.last += 1
        future = self.waiting[self.last] = asyncio.get_running_loop().create_future()
        request = {"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}
        self.writer.write(json.dumps(request).encode() + b"\n")
        told = await asyncio.wait_for(future, PATIENCE)
        if "error" in told:
            raise Refused(told["error"])
        return told["result"]

    async def refused(self, method, /, **params):
        try:
            await self.call(method, **params)
        except Refused as refusal:
            return refusal
        raise Wrong(f"{method} {params} was not refused")

    async def event(self, name, where=lambda event: True, seconds=PATIENCE, **fields):
        """The first event of this name with these fields; the others stay."""
        deadline = time.monotonic() + seconds
        async with self.news:
            while True:
                for event in self.events:
                    if event["event"] == name and all(event.get(key) == value for key, value in fields.items()) and where(event):
                        self.events.remove(event)
                        return event
                left = deadline - time.monotonic()
                try:
                    await asyncio.wait_for(self.news.wait(), max(0.0, left))
                except asyncio.TimeoutError:
                    mine = [event for event in self.events if event.get("dialog") == fields.get("dialog")]
                    raise Wrong(f"no event {name} {fields} but {mine}") from None


class Case:
    """What one case has: its legs and what went over the wire for it."""

    def __init__(self, lab, name):
        self.lab, self.name, self.wire = lab, name, []
        self.user = unique("+49")

    def note(self, who, text):
        self.wire.append(f"{who}\n{text}")

    def far_user(self):
        """A number that an SBC is called by in this case only."""
        user = unique("+49")
        self.lab.wanted[user] = asyncio.Queue()
        return user

    def call(self, user, party=None, extra=(), body=SDP, call_id=None, branch=None, uri=None):
        """The carrier calls: its leg, its INVITE sent."""
        party = party or self.lab.carrier
        leg = Leg(self, party, call_id or unique("call-"), f"<sip:peer@{party.here}>;tag={unique('f')}")
        leg.cseq = 1
        leg.remote = leg.target = uri or f"sip:{user}@{EDGE}"
        leg.remote = f"<{leg.target}>"
        leg.invite = leg.send("INVITE", cseq=1, extra=[*([TYPE] if body else []), *extra], body=body, branch=branch)
        return leg

    async def invited(self, user, seconds=PATIENCE):
        """An SBC is called by this number: its leg; `invite` is the INVITE."""
        try:
            party, message = await asyncio.wait_for(self.lab.wanted[user].get(), seconds)
        except asyncio.TimeoutError:
            raise Wrong(f"no INVITE for {user} within {seconds} s") from None
        leg = Leg(self, party, message.get("call-id"), f"{message.get('to')};tag={unique('t')}")
        self.note(f"<<< {party.space}", message.text)
        leg.invite, leg.remote = message, message.get("from")
        leg.target = message.target() if message.all("contact") else None
        leg.routes, leg.cseq = message.all("record-route"), 100
        return leg

    async def answered(self, leg, **fields):
        """The SBC answers, and has the ACK."""
        leg.ok = leg.answer(leg.invite, 200, "OK", body=SDP, **fields)
        return await leg.expect("ACK")

    async def called(self, program, user, **fields):
        """The carrier calls a program that answers: the carrier's leg, the dialog."""
        leg = self.call(user, **fields)
        event = await program.event("incoming", lambda event: leg.call_id in str(event["message"]["headers"]))
        await program.call("ua.answer", dialog=event["dialog"], body=SDP)
        leg.ok = await leg.expect(200)
        leg.learn(leg.ok)
        leg.ack()
        await program.event("ack", dialog=event["dialog"])
        return leg, event["dialog"]

    async def placed(self, program, **fields):
        """A program calls an SBC: the SBC's leg, the dialog."""
        user = self.far_user()
        made = await program.call("ua.call", **{"to": f"sip:{user}@example.net", "body": SDP, **fields})
        leg = await self.invited(user)
        check(leg.call_id == made["call_id"], made)
        return leg, made["dialog"]

    async def reached(self, program, **fields):
        """... and the SBC has answered."""
        leg, dialog = await self.placed(program, **fields)
        await self.answered(leg)
        await program.event("answered", dialog=dialog)
        return leg, dialog


class Lab:
    """Everything that the cases share."""

    def __init__(self):
        self.legs, self.wanted, self.lost, self.failed = {}, {}, [], []
        self.seconds = 3 * PATIENCE  # for a case

    async def open(self, run_directory):
        self.run_directory = run_directory
        self.carrier = Party(self, "carrier")
        self.sbcs = [Party(self, "sbc1"), Party(self, "sbc2")]
        return self

    def stranger(self, party, message):
        """What is of no leg: an INVITE for a number that a case waits for, or nothing that a case hears of."""
        if message.method == "INVITE" and user_of(message.uri) in self.wanted:
            self.wanted[user_of(message.uri)].put_nowait((party, message))
        elif message.method and message.method + " " + user_of(message.uri) in self.wanted:
            self.wanted[message.method + " " + user_of(message.uri)].put_nowait((party, message))
        else:
            self.lost.append(f"{party.space}: {message.start} {message.get('call-id')}")

    async def run(self, name, function):
        case = Case(self, name)
        begun = time.monotonic()
        try:
            await asyncio.wait_for(function(case), self.seconds)
        except (Wrong, Refused, KeyError, AttributeError, TypeError, asyncio.TimeoutError) as wrong:
            at = traceback.extract_tb(wrong.__traceback__)
            mine = [frame for frame in at if frame.filename == sys.argv[0] or "parties" not in frame.filename][-1:]
            self.failed.append(f"{name}: {wrong}")
            print(f"FAILED {name}: {type(wrong).__name__}: {wrong} at line {[frame.lineno for frame in mine]}")
            for line in case.wire[-12:]:
                print("    " + line.replace("\r\n", "\n    "))
            return False
        print(f"ok {name} {time.monotonic() - begun:.1f} s")
        return True

    async def run_all(self, cases, beside=24):
        """Each case is (name, coroutine function of a Case); so many run beside each other."""
        room = asyncio.Semaphore(beside)

        async def one(name, function):
            async with room:
                return await self.run(name, function)

        results = await asyncio.gather(*[one(name, function) for name, function in cases])
        if self.lost:
            print(f"for no case: {self.lost}")
        check(all(results), f"{results.count(False)} of {len(results)} cases failed: {self.failed}")
        print(f"{len(results)} cases")
