#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""call-holder sees what it is there to see: a small proxy on loopback stands in Dialgate's place and does one thing wrong.

usage: test_findings.py CALL_HOLDER
"""

import json
import os
import re
import select
import socket
import subprocess
import sys
import time

ROUTE = "<sip:{0}:5060;lr;x=cookie>"
PORT = 5060


class Proxy:
    """Forwards without state (RFC 3261 16.11). FLAW names what it does wrong."""

    def __init__(self, flaw, addresses):
        self.flaw = flaw
        self.caller, self.callee, self.edge, self.core = addresses
        self.outside, self.inside = self.open(self.edge), self.open(self.core)
        self.elsewhere = self.open(self.core, PORT + 1)
        self.done = 0

    @staticmethod
    def open(address, port=PORT):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((address, port))
        return made

    def close(self):
        for one in (self.outside, self.inside, self.elsewhere):
            one.close()

    def turn(self):
        for one in select.select([self.outside, self.inside], [], [], 0.01)[0]:
            text = one.recv(65535).decode("ascii")
            head, _, body = text.partition("\r\n\r\n")
            lines = head.split("\r\n")
            inwards = one is self.outside
            for start, rest, kept in self.forward(lines[0], lines[1:], body, inwards):
                octets = "\r\n".join([start, *rest]) + "\r\n\r\n" + kept
                self.send(octets.encode("ascii"), inwards)

    def send(self, octets, inwards):
        sender = self.inside if inwards else self.outside
        if self.flaw == "strange_source" and inwards:
            sender = self.elsewhere
        sender.sendto(octets, (self.callee if inwards else self.caller, PORT))

    def answer(self, start, lines, inwards):
        """A response of the proxy's own goes back to where the request came from."""
        copied = [line for line in lines if re.match("Via|From|To|Call-ID|CSeq", line)]
        octets = "\r\n".join([start, *copied, "Content-Length: 0"]) + "\r\n\r\n"
        self.send(octets.encode("ascii"), not inwards)

    def forward(self, start, lines, body, inwards):
        """Messages to send on."""
        if start.startswith("SIP/2.0"):
            return self.response(start, lines, body)
        return self.request(start, lines, body, inwards)

    def response(self, start, lines, body):
        if self.flaw != "via_left":
            del lines[next(i for i, line in enumerate(lines) if line.startswith("Via:"))]
        if self.flaw == "record_route_changed":
            lines = [line.replace("x=cookie", "x=other") for line in lines]
        if self.flaw == "contact_changed":
            lines = [re.sub("^Contact: <sip:", "Contact: <sip:x", line) for line in lines]
        if self.flaw == "tag_changed":
            lines = [re.sub("^(To:.*;tag=.*).$", r"\1x", line) for line in lines]
        return [(start, lines, body)]

    def request(self, start, lines, body, inwards):
        method = start.split(" ")[0]
        if self.flaw == "INVITE_forgotten":
            self.answer("SIP/2.0 100 Trying", lines, inwards)
        if self.flaw in (f"{method}_dropped", f"{method}_forgotten"):
            return []
        if method == "BYE" and self.flaw == "BYE_refused":
            self.answer("SIP/2.0 481 Call/Transaction Does Not Exist", lines, inwards)
            return []
        if method == "OPTIONS" and self.flaw == "OPTIONS_answered":
            to = next(line for line in lines if line.startswith("To:"))
            self.answer("SIP/2.0 200 OK", [to, *[line for line in lines if not line.startswith("To:")]], inwards)
            return []
        here = self.core if inwards else self.edge
        branch = re.search("branch=([^;]*)", lines[0]).group(1)
        if self.flaw != "via_missing":
            lines.insert(0, f"Via: SIP/2.0/UDP {here}:{PORT};branch={branch}p")
        if not (self.flaw == "route_left" and method == "ACK"):
            lines = [line for line in lines if not line.startswith("Route:")]
        if self.flaw != "max_forwards_kept":
            lines = [re.sub("^Max-Forwards: 70$", "Max-Forwards: 69", line) for line in lines]
        if method == "INVITE" and self.flaw != "record_route_missing":
            lines[1:1] = ["Record-Route: " + ROUTE.format(self.core), "Record-Route: " + ROUTE.format(self.edge)]
        if self.flaw == "uri_changed" and method == "BYE":
            start = start.replace("sip:", "sip:x", 1)
        if self.flaw == "body_cut" and method == "INVITE":
            body = body[:-1]
        if self.flaw == "call_id_changed":
            lines = [re.sub("^(Call-ID: .*).$", r"\1x", line) for line in lines]
        if self.flaw == "header_broken":
            lines.append("no header")
        messages = [(start, lines, body)]
        if self.flaw == "request_invented" and method == "ACK":
            bye = [re.sub("^CSeq: .*", "CSeq: 77 BYE", line) for line in lines]
            messages.append((start.replace("ACK", "BYE"), bye, ""))
        return messages


# flaw, what is done after the call was set up, what must be found
ROWS = (
    ("none", "end all", None),
    ("none", "reinvite all", None),
    ("none", "probe all", None),
    ("via_left", "", "via"),
    ("via_missing", "", "via"),
    ("record_route_changed", "", "record_route"),
    ("record_route_missing", "", "record_route"),
    ("contact_changed", "", "contact"),
    ("tag_changed", "", "parties"),
    ("max_forwards_kept", "", "max_forwards"),
    ("body_cut", "", "body"),
    ("route_left", "", "route"),
    ("call_id_changed", "", "unknown_call"),
    ("header_broken", "", "no_message"),
    ("strange_source", "", "strange_source"),
    ("request_invented", "", "not_sent"),
    ("INVITE_dropped", "", "unanswered_invite"),
    ("INVITE_forgotten", "", "forgotten_invite"),
    ("ACK_dropped", "", "not_acknowledged"),
    ("uri_changed", "end all", "request_uri"),
    ("BYE_refused", "end all", "status"),
    ("BYE_dropped", "end all", "unanswered_bye"),
    ("OPTIONS_answered", "probe all", "not_arrived"),
    ("OPTIONS_dropped", "probe all", "unanswered_options"),
)


def report(holder, proxy, command):
    """The answer to a command, while the proxy works."""
    holder.stdin.write(command + "\n")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        proxy.turn()
        if select.select([holder.stdout], [], [], 0)[0]:
            return json.loads(holder.stdout.readline())
    raise TimeoutError(f"no answer to {command}")


def run(program, flaw, then):
    number = os.getpid() * 64 + run.serial
    run.serial += 1
    addresses = [f"127.{number >> 14 & 255}.{number >> 6 & 255}.{(number & 63) * 4 + i}" for i in range(4)]
    caller, callee, edge, core = addresses
    proxy = Proxy(flaw, addresses)
    ends = ["--caller", f",{caller}:{PORT},{edge}:{PORT}", "--callee", f",{callee}:{PORT},{core}:{PORT}"]
    with subprocess.Popen([program, *ends, "--t1", "5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1) as holder:
        report(holder, proxy, "hold 3")
        answer = report(holder, proxy, "wait 10")
        if then:
            report(holder, proxy, then)
            answer = report(holder, proxy, "wait 10")
        holder.stdin.close()
    proxy.close()
    if holder.returncode != 0:
        print(f"call-holder ended with status {holder.returncode}")
    return answer if holder.returncode == 0 else {}


run.serial = 0


def right(answer, then, finding):
    if finding is not None:
        return answer.get("found", {}).get(finding, 0) > 0
    count = {"end all": "ended", "reinvite all": "reinvited", "probe all": "probed"}[then]
    return answer.get("findings") == 0 and answer["confirmed"] == 3 and answer[count] == 3


def main():
    if os.geteuid() != 0:
        sys.exit(77)  # call-holder's sockets need large buffers
    wrong = 0
    for flaw, then, finding in ROWS:
        answer = run(sys.argv[1], flaw, then)
        good = right(answer, then, finding)
        wrong += not good
        print(f"{'ok' if good else 'WRONG'} {flaw} {then}: wanted {finding}, found {answer.get('found')}")
        if not good:
            print(f"  {answer}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
