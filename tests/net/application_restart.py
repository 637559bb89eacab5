# SPDX-License-Identifier: BSD-3-Clause
"""Control is killed again and again while an application's calls are transferred. Who transfers hears the end of each transfer that was
accepted, calls stay up with what the application said of them, and no transfer is left. Then it is killed while an INVITE waits, which is
challenged meanwhile; then the data plane is, with calls of both roles up: the program and the far ends go on with them.

Arguments: run directory, kills, seed. Who runs this starts again what was killed.
"""

import os
import random
import select
import signal
import sys

from rpc_client import *
from sip_peer import *

SDP = "v=0\r\no=- 5 5 IN IP4 10.10.0.10\r\ns=-\r\nc=IN IP4 10.10.0.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
TYPE = ["Content-Type: application/sdp"]
run, kills, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
transcript.append(f"seed {seed}")
carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]


class Far:
    """What came, by Call-ID; requests that want no decision are answered."""

    def __init__(self):
        self.responses, self.notifies, self.invites, self.registers = {}, {}, [], []
        self.acked, self.over, self.last, self.ringing = set(), set(), {}, {}
        self.keep, self.asked = set(), {}  # calls whose requests are kept, and those

    def take(self, peer, message):
        call_id = message.get("call-id")
        if message.status:
            self.responses.setdefault((call_id, message.get("cseq")), []).append(message.status)
            if message.status >= 300 and message.get("cseq").endswith("INVITE"):
                return
            self.last[call_id, message.get("cseq")] = message
        elif call_id in self.keep and message.method in ("INVITE", "INFO"):
            self.asked[call_id] = (peer, message)
        elif message.method == "INVITE":
            if not peer.repeated:
                self.invites.append((peer, message))
                self.ringing[message.branch()] = message
        elif message.method == "ACK":
            self.acked.add(call_id)
        elif message.method == "REGISTER":
            self.registers.append((peer, message))
        else:
            if message.method == "NOTIFY" and not peer.repeated:
                self.notifies.setdefault(call_id, []).append((message.get("subscription-state"), message.body))
            if message.method in ("BYE", "CANCEL"):
                self.over.add(call_id)
            peer.answer(message, 200, "OK")
            if message.method == "CANCEL" and message.branch() in self.ringing:
                peer.answer(self.ringing.pop(message.branch()), 487, "Terminated", tag="cancelled")

    def wait(self, what, condition, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        peers = [carrier] + sbcs
        while not condition():
            left = deadline - time.monotonic()
            check(left > 0, f"no {what} within {seconds} s")
            for socket_ready in select.select([peer.socket for peer in peers], [], [], min(left, 0.1))[0]:
                peer = next(one for one in peers if one.socket is socket_ready)
                self.take(peer, peer.receive(0))

    def final(self, call_id, cseq):
        return next((status for status in self.responses.get((call_id, cseq), ()) if status >= 200), None)

    def ended(self, call_id):
        """The sipfrag of the NOTIFY that ended the subscription."""
        return next((body for state, body in self.notifies.get(call_id, ()) if state.startswith("terminated")), None)


far = Far()


def attach():
    """A program that comes back: control knows the calls again."""
    deadline = time.monotonic() + 3 * PATIENCE
    while True:
        try:
            asked, client = Client(run), Client(run)
            asked.call("ua.attach", application="clerk")
            client.call("ua.attach", application="desk", since=0)
            client.event("resumed", application="desk")
            return client, asked
        except (OSError, EOFError, TimeoutError, Refused):
            check(time.monotonic() < deadline, "control does not come back")
            time.sleep(0.05)


def kill_control():
    os.kill(desk.call("system.status")["control"]["pid"], signal.SIGKILL)


def come(user):
    """A call of the carrier's that the program has answered: the caller's side."""
    text = carrier.request("INVITE", uri=f"sip:{user}@10.10.0.10", body=SDP, extra=TYPE)
    invite = Message(text.encode(), None)
    call_id = invite.get("call-id")
    carrier.send(text)
    program = clerk if user == "901" else desk
    dialog = program.event("incoming")["dialog"]
    program.call("ua.answer", dialog=dialog, body=SDP)
    far.wait("200", lambda: far.final(call_id, "1 INVITE") == 200)
    ok = far.last[call_id, "1 INVITE"]
    side = Side(carrier, ok.get("from"), ok.get("to"), call_id, ok.target(), ok.all("record-route")[::-1])
    side.send("ACK", cseq=1)
    return side


def called(is_meant):
    """The SBC that is called, and the INVITE. Calls of transfers that a kill cut off come late, and are refused."""
    while True:
        far.wait("INVITE", lambda: far.invites)
        callee, invite = far.invites.pop(0)
        if is_meant(invite):
            return callee, invite
        callee.answer(invite, 486, "Busy Here", tag="late")


def place(context):
    made = desk.call("ua.call", to="sip:200@example.net", body=SDP, context=context)
    callee, invite = called(lambda invite: invite.get("call-id") == made["call_id"])
    callee.answer(invite, 200, "OK", tag=unique("t"))
    far.wait("ACK", lambda: made["call_id"] in far.acked)
    return made["dialog"], made["call_id"]


def challenged_meanwhile():
    """An INVITE is answered 401, which is handed to a control that stands still and dies: the next one answers the challenge, and the
    call is the same."""
    made = desk.call("ua.call", to="sip:200@example.net", body=SDP, user="desk", password="secret", context="row c", tag="again")
    callee, first = called(lambda invite: invite.get("call-id") == made["call_id"])
    control = desk.call("system.status")["control"]["pid"]
    os.kill(control, signal.SIGSTOP)
    extra = ['WWW-Authenticate: Digest realm="r", nonce="n", algorithm=MD5']
    callee.answer(first, 401, "Unauthorized", tag=unique("t"), extra=extra)
    far.wait("ACK to the 401", lambda: made["call_id"] in far.acked)
    far.acked.discard(made["call_id"])
    os.kill(control, signal.SIGKILL)
    programs = attach()
    # The data plane may have chosen another member for it.
    callee, invite = called(lambda invite: invite.get("call-id") == made["call_id"] and invite.get("authorization"))
    check(invite.tag("from") == first.tag("from"), invite.text)
    callee.answer(invite, 200, "OK", tag=unique("t"))
    far.wait("ACK", lambda: made["call_id"] in far.acked)
    answered = programs[0].event("answered", tag="again")
    check(answered["dialog"] == made["dialog"], answered)
    check(programs[0].call("ua.get", dialog=made["dialog"])["context"] == "row c", made)
    calls[made["dialog"]] = (made["call_id"], "row c")
    return programs


def exchange(operation, dialog, call_id, /, **params):
    """A request of the program's in the call: the far end gets it, and its 200 comes back."""
    desk.call(operation, dialog=dialog, tag=f"of {dialog}", **params)
    far.wait("request of the program", lambda: call_id in far.asked)
    peer, asked = far.asked.pop(call_id)
    peer.answer(asked, 200, "OK")
    check(desk.event("response", dialog=dialog)["status"] == 200, asked.text)
    return asked


def kill_dataplane():
    """Both roles: the program's ids, contexts and requests hold, and so do those of the far ends. What rang has failed."""
    dialog, call_id = place("row d")
    side = come("900")
    taken = next(row["dialog"] for row in desk.call("ua.list", call_id=side.call_id)["dialogs"])
    desk.call("ua.context", dialog=taken, context="row e")
    early = desk.call("ua.call", to="sip:200@example.net", body=SDP, tag="early")
    callee, invite = called(lambda invite: invite.get("call-id") == early["call_id"])
    callee.answer(invite, 180, "Ringing", tag=unique("t"))
    desk.event("progress", tag="early")
    old = desk.call("ua.get", dialog=dialog)["handle"]
    os.kill(desk.call("system.status")["dataplane"]["pid"], signal.SIGKILL)
    check(desk.event("resumed", seconds=3 * PATIENCE, restarted="dataplane")["dialogs"] >= 2, "resumed")
    failed = desk.event("failed", tag="early")
    check((failed["status"], failed["reason"]) == (500, "lost in a restart"), failed)
    check(desk.event("ended", dialog=early["dialog"])["reason"] == "lost", "ended")
    for one, context in ((dialog, "row d"), (taken, "row e")):
        shown = desk.call("ua.get", dialog=one)
        check((shown["state"], shown.get("context"), shown["dialog"]) == ("confirmed", context, one), shown)
    check(desk.call("ua.get", dialog=dialog)["handle"] != old, old)
    # The program: both calls, with the numbers of before.
    far.keep.update((call_id, side.call_id))
    hold = exchange("ua.hold", dialog, call_id)
    check(int(hold.get("cseq").split()[0]) == 2 and "a=sendonly" in hold.body, hold.text)
    check(exchange("ua.request", taken, side.call_id, method="INFO", body="5", content_type="text/plain").body == "5", "INFO")
    # The far end: a re-INVITE, which the program answers.
    text = side.request("INVITE", extra=TYPE).replace("Content-Length: 0", f"Content-Length: {len(SDP)}") + SDP
    reinvite = Message(text.encode(), None)
    carrier.send(text)
    asked = desk.event("request", dialog=taken, method="INVITE")
    desk.call("ua.respond", request=asked["request"], status=200, body=SDP)
    far.wait("200 to the re-INVITE", lambda: far.final(side.call_id, reinvite.get("cseq")) == 200)
    side.send("ACK", cseq=side.cseq)
    side.send("BYE")
    far.wait("200 to BYE", lambda: far.final(side.call_id, f"{side.cseq} BYE") == 200)
    check(desk.event("ended", dialog=taken)["context"] == "row e", "ended")
    desk.call("ua.terminate", dialog=dialog)
    far.wait("BYE", lambda: call_id in far.over)
    check(desk.event("ended", dialog=dialog)["context"] == "row d", "ended")


def refer(side):
    """The REFER's Call-ID and CSeq; the call that it asks for names the Call-ID in Referred-By."""
    extra = ["Refer-To: <sip:200@example.net>", f"Referred-By: <sip:{side.call_id}@{carrier.address}>"]
    sent = side.send("REFER", extra=extra)
    return side.call_id, sent.get("cseq")


def pending():
    return [one for one in desk.call("refer.list")["transfers"] if one["state"] != "over"]


desk, clerk = attach()
# A REGISTER that nobody answers before control is killed.
desk.call("ua.register", application="desk", registrar="sip:10.20.0.11", aor="sip:desk@example.net", expires=600, peer="sbcs", tag="line")
far.wait("REGISTER", lambda: far.registers)
first = far.registers.pop(0)[1]
calls = {}
for turn in range(kills):
    context = f"row {turn}"
    dialog, call_id = place(context)
    calls[dialog] = (call_id, context)
    # One waits for the program, one has just begun, one rings.
    asked, begun, ringing = come("901"), come("900"), come("900")
    of_ringing = refer(ringing)
    far.wait("200 to the REFER", lambda: far.final(*of_ringing) == 200)
    callee, invite = called(lambda invite: ringing.call_id in "".join(invite.all("referred-by")))
    callee.answer(invite, 180, "Ringing", tag="target")
    if chance.random() < 0.5:
        far.wait("NOTIFY of 180", lambda: any("180" in body for _, body in far.notifies.get(ringing.call_id, ())))
    of_asked = refer(asked)
    clerk.event("refer")
    of_begun = refer(begun)
    time.sleep(chance.choice((0, 0.001, 0.003, 0.01, 0.03)))
    kill_control()
    status, reason = chance.choice(((200, "OK"), (486, "Busy Here")))
    meanwhile = chance.random() < 0.5
    if meanwhile:
        callee.answer(invite, status, reason, tag="target")
    desk, clerk = attach()
    if not meanwhile:
        callee.answer(invite, status, reason, tag="target")
    far.wait("end of the transfer that rang", lambda: far.ended(ringing.call_id))
    heard = far.ended(ringing.call_id)
    # What was answered while nobody listened is known of a call that is up, and of one that failed only that it did.
    known = (str(status), "503") if meanwhile and status != 200 else (str(status),)
    check(heard.split()[1] in known, f"{heard} of {status}, meanwhile {meanwhile}")
    far.wait("480", lambda: far.final(*of_asked) in (480, 503))
    # The one that had just begun: whoever said yes says the end, too. What it called is refused.
    deadline = time.monotonic() + PATIENCE
    while pending() or (far.final(*of_begun) == 200 and not far.ended(begun.call_id)):
        check(time.monotonic() < deadline, f"left: {pending()}, {far.responses.get(of_begun)}")
        try:
            far.wait("INVITE of the one that had begun", lambda: far.invites, 0.2)
        except Wrong:
            pass
        while far.invites:
            peer, left = far.invites.pop(0)
            peer.answer(left, 486, "Busy Here", tag="left")
    if first:
        far.wait("REGISTER again", lambda: far.registers)
        registrar, again = far.registers.pop(0)
        while again.get("cseq") == first.get("cseq"):  # a repeat
            far.wait("REGISTER again", lambda: far.registers)
            registrar, again = far.registers.pop(0)
        check(again.get("call-id") == first.get("call-id") and again.tag("from") == first.tag("from"), again.text)
        check(int(again.get("cseq").split()[0]) > int(first.get("cseq").split()[0]), again.text)
        registrar.answer(again, 200, "OK", tag="registrar", extra=["Expires: 600"])
        check(desk.event("registered")["tag"] == "line", "registered")
        first = None
    # Calls are there, with what the program said of them.
    for one, (_, said) in calls.items():
        shown = desk.call("ua.get", dialog=one)
        check(shown["state"] == "confirmed" and shown["context"] == said, shown)
    for side in (asked, begun, ringing):
        side.send("BYE")
        far.wait("200 to BYE", lambda: far.final(side.call_id, f"{side.cseq} BYE") == 200)
desk, clerk = challenged_meanwhile()
kill_dataplane()
for row in desk.call("ua.list", limit=500)["dialogs"]:
    try:
        desk.call("ua.terminate", dialog=row["dialog"])
    except Refused:
        pass  # it has ended since
for call_id, _ in calls.values():
    far.wait("BYE", lambda: call_id in far.over)
deadline = time.monotonic() + PATIENCE
while desk.call("ua.count")["dialogs"]:
    check(time.monotonic() < deadline, desk.call("ua.list"))
    try:
        far.wait("what is left", lambda: False, 0.2)
    except Wrong:
        pass
passed()
