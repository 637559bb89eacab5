# SPDX-License-Identifier: BSD-3-Clause
"""SIPp as the far end of one call: the scenario is composed step by step, written as SIPp's XML, and played by a SIPp of its own.

A Far is a caller ("uac") or a callee ("uas"); what it does inside the call is written the same way for both. Requests and final
responses come again after four seconds where nothing answers them.
"""

import asyncio
import itertools
import os
from xml.sax.saxutils import quoteattr

from sip_peer import ADDRESSES, CORE, EDGE, Wrong

SDP = "v=0\no=- 7 7 IN IP4 10.10.1.1\ns=-\nc=IN IP4 10.10.1.1\nt=0 0\nm=audio 4000 RTP/AVP 0\n"
FIRST_PORT, LAST_PORT = 20000, 20199  # of callees: members of the peer far
RETRANS = 4000

ports = itertools.count(FIRST_PORT)


def identity(name):
    return [(f"{header}:", ".*", f"{name}_{header}") for header in ("Via", "From", "To", "CSeq")]


class Far:
    def __init__(self, role, space=None, calls=1, patient=True, port=None, user="900", seconds=60):
        """`patient`: repeats what is not answered; a scenario that is not at its end after so many seconds has failed."""
        self.role, self.calls, self.patient, self.seconds = role, calls, patient, seconds
        self.space = space or ("carrier" if role == "uac" else "sbc1")
        self.port = port or next(ports)
        assert self.port <= LAST_PORT
        self.key = f"far{self.port}"
        self.here = f"{ADDRESSES[self.space]}:{self.port}"
        self.edge = EDGE if self.space == "carrier" else CORE
        self.steps, self.names, self.branches, self.cseq = [], [], 0, 0
        self.uri, self.process = f"sip:{user}@{self.edge}", None
        self.contact = f"Contact: <sip:{self.key}@{self.here}>"
        if role == "uac":
            self.local, self.remote, self.target = f" <sip:{self.key}@{self.here}>;tag={self.key}", f" <{self.uri}>", self.uri
        else:
            self.local, self.remote, self.target = f"[$first_To];tag={self.key}", "[$first_From]", "[$target]"
        self.before = self.remote, self.target

    # --- the scenario ---

    def send(self, lines, body="", again=True):
        head = [*lines, *(["Content-Type: application/sdp"] if body.startswith("v=0") else []), "Content-Length: [len]", "", body]
        retrans = f' retrans="{RETRANS}"' if again and self.patient else ""
        self.steps.append(f"<send{retrans}><![CDATA[\n" + "\n".join(head) + "\n]]></send>")

    def receive(self, what, *checks, keep=(), optional=False, attributes=""):
        """A status or a method. Each check is (header or "body", expression); what is kept has a name, too: its first group."""
        actions = []
        for where, expression, *name in [*checks, *keep]:
            place = 'search_in="body"' if where == "body" else f'search_in="hdr" header="{where}"'
            groups = [f"v{len(self.names)}"] + name
            if name and "(" not in expression:
                groups = name
            self.names += groups
            wanted = "" if name and expression == ".*" else ' check_it="true"'
            actions.append(f'<ereg regexp={quoteattr(expression)} {place}{wanted} assign_to="{",".join(groups)}"/>')
        kind = "response" if isinstance(what, int) else "request"
        more = ' optional="true"' if optional else ""
        self.steps.append(f'<recv {kind}="{what}"{more}{attributes}><action>{"".join(actions)}</action></recv>')

    def pause(self, milliseconds):
        """What comes meanwhile is as if it were lost."""
        self.steps.append(f'<pause milliseconds="{milliseconds}"/>')

    def branch(self):
        self.branches += 1
        return f"z9hG4bK{os.getpid()}{self.key}x{self.branches}x[call_number]"

    def ask(self, method, *extra, body="", cseq=None, branch=None, outside=False, hops=70):
        """A request; inside the call, once there is one."""
        remote, target = self.before if outside else (self.remote, self.target)
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        self.last = branch or self.branch()
        self.send([f"{method} {target} SIP/2.0", f"Via: SIP/2.0/UDP {self.here};branch={self.last}", f"Max-Forwards: {hops}",
                   f"From:{self.local}", f"To:{remote}", "Call-ID: [call_id]", f"CSeq: {cseq} {method}", self.contact, *extra],
                  body, method != "ACK")

    def cancel(self):
        """Of the INVITE, with which the dialog would begin."""
        self.ask("CANCEL", cseq=self.cseq, branch=self.last, outside=True)
        self.receive(200, ("CSeq:", "CANCEL"))

    def asks(self, method, status, *extra, checks=(), **fields):
        """A request, and the final response to it."""
        self.ask(method, *extra, **fields)
        self.receive(status, *checks)

    def answer(self, name, status, *extra, body="", tag=None):
        """To the request that was kept by this name."""
        to = f"To:[${name}_To]" + (f";tag={tag or self.key}" if name == "first" else "")
        self.send([f"SIP/2.0 {status} Said", f"Via:[${name}_Via]", f"From:[${name}_From]", to, "Call-ID: [call_id]",
                   f"CSeq:[${name}_CSeq]", self.contact, *extra], body, again=name == "first" and 200 <= status < 700)

    def hears(self, method, name, *checks, attributes=""):
        self.receive(method, *checks, keep=identity(name), attributes=attributes)

    def replies(self, method, status, *extra, checks=(), body=""):
        """A request comes, and is answered."""
        name = f"r{len(self.names)}"
        self.hears(method, name, *checks)
        self.answer(name, status, *extra, body=body)

    def learns(self, status, *checks, keep=(), optional=False):
        """A response of theirs that makes the dialog."""
        self.receive(status, *checks, keep=[("Contact:", "<(sip:[^>]+)>", "target"), ("To:", ".*", "remote"), *keep], optional=optional)
        self.remote, self.target = "[$remote]", "[$target]"

    def ack(self, cseq=None, body=""):
        self.ask("ACK", cseq=cseq or self.cseq, body=body)

    def ack_failure(self):
        """RFC 3261 17.1.1.3: in the INVITE's transaction; To is the response's."""
        self.send([f"ACK {self.target} SIP/2.0", f"Via: SIP/2.0/UDP {self.here};branch={self.last}", "Max-Forwards: 70",
                   f"From:{self.local}", "[last_To:]", "Call-ID: [call_id]", f"CSeq: {self.cseq} ACK"], again=False)

    def invite(self, *extra, body=SDP):
        """Theirs is the application that is called: the INVITE and a 100."""
        self.ask("INVITE", *extra, body=body)
        self.receive(100, optional=True)

    def invited(self, *checks, attributes=""):
        """The INVITE of the application."""
        self.receive("INVITE", *checks, keep=[*identity("first"), ("Contact:", "<(sip:[^>]+)>", "target")], attributes=attributes)

    def up(self):
        """The call, answered."""
        if self.role == "uac":
            self.invite()
            self.receive(180)
            self.learns(200)
            self.ack()
        else:
            self.invited()
            self.answer("first", 180)
            self.answer("first", 200, body=SDP)
            self.receive("ACK")

    def text(self):
        names = ",".join(sorted(set(self.names)))
        reference = f'<Reference variables="{names}"/>' if names else ""
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{self.key}">\n' + "\n".join([*self.steps, reference]) + "\n</scenario>\n"

    # --- SIPp ---

    def file(self, end):
        return f"{os.path.dirname(os.environ['LAB_RUN'])}/{self.space}-{self.key}.{end}"

    async def start(self):
        with open(self.file("xml"), "w", encoding="utf-8") as scenario:
            scenario.write(self.text())
        address = ADDRESSES[self.space]
        self.process = await asyncio.create_subprocess_exec(
            "nsenter", f"--net=/run/netns/{os.environ['LAB_ID']}-{self.space}", "--", "sipp", "-sf", self.file("xml"), "-i", address,
            "-p", str(self.port), "-cp", str(self.port + 20000), "-m", str(self.calls), "-nostdin", "-nd", "-pause_msg_ign",
            "-cid_str", f"{self.key}-%u-%p@%s", "-trace_err", "-error_file", self.file("errors"), "-trace_msg", "-message_file",
            self.file("messages"), "-timeout", f"{self.seconds}s", "-timeout_error", f"{self.edge}:5060",
            env={**os.environ, "TERM": "dumb"}, cwd=os.path.dirname(self.file("xml")),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
        while self.role == "uas" and not self.listens():
            if self.process.returncode is not None:
                raise Wrong(f"SIPp {self.key} did not begin: {self.read('errors')}")
            await asyncio.sleep(0.02)
        return self

    def listens(self):
        """nsenter becomes SIPp: its sockets are those of the namespace."""
        try:
            with open(f"/proc/{self.process.pid}/net/udp", encoding="utf-8") as sockets:
                return f":{self.port:04X} 00000000:0000" in sockets.read()
        except OSError:
            return False

    async def done(self):
        """The scenario has come to its end, as it is written."""
        status = await asyncio.wait_for(self.process.wait(), self.seconds + 20)
        if status != 0:
            raise Wrong(f"SIPp {self.space}:{self.port} ended with status {status}: {self.read('errors')[-600:]}")

    def stop(self):
        if self.process and self.process.returncode is None:
            self.process.kill()

    def read(self, end):
        try:
            with open(self.file(end), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""
