# SPDX-License-Identifier: BSD-3-Clause
"""Plays the main flows of applications in the lab, and draws what passed: messages from Dialgate's own captures, commands
and events from the program's side of the control socket.

    flows.py CTL RUN-DIRECTORY CAPTURES OUTPUT
"""

import json
import subprocess
import sys
import time

from flow_diagram import draw
from pcapng import messages
from rpc_client import Client
from sip_peer import Call, Peer, Side, Message, check, passed, receive_any, unique

CTL, RUN, CAPTURES, OUTPUT = sys.argv[1:]
SDP = "v=0\r\no=- 5 5 IN IP4 10.10.0.10\r\ns=-\r\nc=IN IP4 10.10.0.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
TITLE = """# Main flows of applications

Drawn by `tests/net/test_flow_diagrams.sh` from what passed in the lab: messages as `dialgatectl capture` took them, commands and events at the
program's end of the control socket. The test plays them again and compares; `FLOWS_WRITE=1` writes this file. What one party sends or
gets is in its order; between two parties, what lies close together may come the other way round.
"""
NAMES = {"10.10.1.1": "carrier", "10.20.0.11": "sbc", "10.20.0.12": "sbc"}
URI = "sip:900@10.10.0.10"
carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]


class Program(Client):
    """Its commands and events are steps of the diagram."""

    def __init__(self, run):
        super().__init__(run)
        self.steps = []

    def call(self, method, /, **params):
        # Its answer comes when the data plane has done it.
        words = [f"{key} {value}" for key, value in params.items() if key in ("status", "accept", "method", "party")]
        self.steps.append((time.time(), "program", "dialgate", " ".join([method, *words])))
        return super().call(method, **params)

    def event(self, name, *rest, **fields):
        event = super().event(name, *rest, **fields)
        words = [str(event[key]) for key in ("status", "by") if event.get(key)]
        self.steps.append((time.time(), "dialgate", "program", " ".join([name, *words])))
        return event


program = Program(RUN)
program.call("ua.attach", application="desk")
flows = []


def ctl(*words):
    done = subprocess.run([CTL, "--run-directory", RUN, "--json", *words], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{words}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def label(text):
    start, lines = text.split("\r\n", 1)
    fields = dict(line.split(": ", 1) for line in lines.split("\r\n\r\n", 1)[0].split("\r\n") if ": " in line)
    if start.startswith("SIP/2.0"):
        return f"{start[8:11]} ({fields['CSeq'].split()[1]})"
    method = start.split()[0]
    if method == "NOTIFY":
        return f"NOTIFY {text.splitlines()[-1].split(' ', 2)[1]} {fields['Subscription-State'].split(';')[0]}"
    words = [text for name, text in (("Replaces", "with Replaces"), ("Proxy-Authorization", "with credentials")) if name in fields]
    if method == "REFER" and "Replaces=" in fields["Refer-To"]:
        words.append("with Replaces")
    return " ".join([method, *words])


def flow(function):
    """Runs it under a capture of everything, and draws it."""
    name = function.__name__
    program.steps.clear()
    capture = ctl("capture", "start", "--file", name, "--sample", "1")
    function()
    ctl("capture", "stop", str(capture["id"]))
    wire = [
        (at, NAMES.get(source, "dialgate"), NAMES.get(to, "dialgate"), label(text))
        for at, source, to, text in messages(f"{CAPTURES}/{name}.pcapng")
        if " OPTIONS\r\n" not in text
    ]
    check(wire, f"{name}: nothing was captured")
    flows.append(f"## {function.__doc__}\n\n```\n{draw(wire + program.steps)}\n```\n")


def come(*lines, peer=carrier):
    """A call of the carrier's that the program has answered: the caller's side and the dialog."""
    text = peer.request("INVITE", uri=URI, body=SDP, extra=["Content-Type: application/sdp", *lines])
    peer.send(text)
    invite = Message(text.encode(), None)
    dialog = program.event("incoming")["dialog"]
    program.call("ua.progress", dialog=dialog, status=180)
    peer.expect(180)
    program.call("ua.answer", dialog=dialog, body=SDP)
    ok = peer.expect(200)
    side = Side(peer, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
    side.send("ACK", cseq=int(invite.get("cseq").split()[0]))
    side.cseq = int(invite.get("cseq").split()[0])
    program.event("ack", dialog=dialog)
    return side, dialog


def answered(peer, request):
    """The far end rings and answers; its side of the dialog."""
    tag = unique("b")
    peer.answer(request, 180, "Ringing", tag=tag)
    peer.answer(request, 200, "OK", tag=tag)
    peer.expect("ACK")
    return Side(peer, request.get("to") + f";tag={tag}", request.get("from"), request.get("call-id"), request.target(), request.all("record-route"))


PROGRESS = (("active;expires=60", "100 Trying"), ("terminated;reason=noresource", "200 OK"))


def notify(side, state, status):
    """How a transfer goes that was asked of the far end."""
    frag = f"SIP/2.0 {status}\r\n"
    text = side.request("NOTIFY", extra=["Event: refer", f"Subscription-State: {state}", "Content-Type: message/sipfrag"])
    side.peer.send(text.replace("Content-Length: 0", f"Content-Length: {len(frag)}") + frag)
    side.peer.expect(200)


def ended(peer, dialog):
    program.call("ua.terminate", dialog=dialog)
    peer.answer(peer.expect("BYE"), 200, "OK")
    program.event("ended", dialog=dialog)


@flow
def call_that_comes():
    """A call that comes"""
    side, dialog = come()
    side.send("BYE")
    carrier.expect(200)
    program.event("ended", dialog=dialog)


@flow
def call_that_is_placed():
    """A call that is placed, challenged, and put on hold"""
    dialog = program.call("ua.call", to="sip:+4930@example.net", body=SDP, user="ann", password="secret")["dialog"]
    sbc, invite = receive_any(sbcs, "INVITE")
    sbc.answer(invite, 407, "Auth", tag=unique("t"), extra=['Proxy-Authenticate: Digest realm="lab", nonce="1", qop="auth", algorithm=SHA-256'])
    sbc.expect("ACK")
    sbc, invite = receive_any(sbcs, "INVITE")
    answered(sbc, invite)
    program.event("answered", dialog=dialog)
    program.call("ua.hold", dialog=dialog, tag="hold")
    sbc.answer(sbc.expect("INVITE"), 200, "OK")
    sbc.expect("ACK")
    program.event("response", tag="hold")
    ended(sbc, dialog)


@flow
def call_that_is_cancelled():
    """A call that is placed and cancelled"""
    dialog = program.call("ua.call", to="sip:+4930@example.net", body=SDP)["dialog"]
    sbc, invite = receive_any(sbcs, "INVITE")
    tag = unique("t")
    sbc.answer(invite, 180, "Ringing", tag=tag)
    program.event("progress", dialog=dialog)
    program.call("ua.cancel", dialog=dialog)
    sbc.answer(sbc.expect("CANCEL"), 200, "OK", tag=tag)
    sbc.answer(invite, 487, "Terminated", tag=tag)
    sbc.expect("ACK")
    program.event("ended", dialog=dialog)


@flow
def transfer_that_is_asked_of_us():
    """A transfer that the far end asks for, and Dialgate carries out (refer: accept)"""
    side, dialog = come()
    side.send("REFER", extra=["Refer-To: <sip:+4930@example.net>"])
    carrier.expect(200)
    carrier.answer(carrier.expect("NOTIFY"), 200, "OK")
    sbc, invite = receive_any(sbcs, "INVITE")
    program.event("refer_progress", status=100)
    tag = unique("b")
    sbc.answer(invite, 180, "Ringing", tag=tag)
    carrier.answer(carrier.expect("NOTIFY"), 200, "OK")
    program.event("refer_progress", status=180)
    sbc.answer(invite, 200, "OK", tag=tag)
    sbc.expect("ACK")
    carrier.answer(carrier.expect("NOTIFY"), 200, "OK")
    program.event("refer_progress", status=200)
    side.send("BYE")
    carrier.expect(200)
    program.event("ended", dialog=dialog)


@flow
def transfer_that_we_ask_for():
    """An attended transfer that the program asks for: the caller takes the place of the call to the SBC"""
    side, dialog = come()
    other = program.call("ua.call", to="sip:+4930@example.net", body=SDP)["dialog"]
    sbc, invite = receive_any(sbcs, "INVITE")
    answered(sbc, invite)
    program.event("answered", dialog=other)
    program.call("refer.send", dialog=dialog, replaces=other)
    carrier.answer(carrier.expect("REFER"), 202, "Accepted")
    program.event("refer_progress", status=202)
    for state, status in PROGRESS:
        notify(side, state, status)
        program.event("refer_progress", status=int(status[:3]))
    ended(carrier, dialog)
    ended(sbc, other)


@flow
def call_that_is_taken_over():
    """A call whose place another one takes (RFC 3891)"""
    side, old = come()
    names = [f";{name}={value.partition(';tag=')[2]}" for name, value in (("to-tag", side.remote), ("from-tag", side.local))]
    other = Peer("carrier", port=5070)
    new, dialog = come(f"Replaces: {side.call_id}{''.join(names)}", peer=other)
    carrier.answer(carrier.expect("BYE"), 200, "OK")
    program.event("ended", dialog=old)
    new.send("BYE")
    other.expect(200)
    program.event("ended", dialog=dialog)


@flow
def operators_transfer():
    """An operator's transfer of the caller of a call between two peers: `refer send DIALOG caller TARGET`"""
    call = Call(carrier, sbcs)
    dialog = ctl("dialog", "show", call.invite.get("call-id"))["dialogs"][0]["id"]
    program.call("refer.dialog", dialog=dialog, party="caller", to="sip:carol@10.20.0.12")
    carrier.answer(carrier.expect("REFER"), 202, "Accepted")
    for state, status in PROGRESS:
        notify(call.caller, state, status)
    for side in (call.caller, call.callee):
        side.peer.answer(side.peer.expect("BYE"), 200, "OK")


with open(OUTPUT, "w", encoding="utf-8") as out:
    out.write(f"{TITLE}\n{chr(10).join(flows)}")
passed()
