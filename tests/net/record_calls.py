# SPDX-License-Identifier: BSD-3-Clause
"""Calls with every outcome, and what the record of each has to say: python3 record_calls.py CTL RUN_DIRECTORY DIRECTORY.

Calls outlive what test_record_outcomes.sh does in between: a file DIRECTORY/at.STEP asks for it, DIRECTORY/done.STEP says that it is done.
What has to be in the records is left in DIRECTORY/wanted.json, by Call-ID.
"""

import json
import pathlib
import subprocess
import time

from sip_peer import *

program, run_directory, directory = sys.argv[1:]
directory = pathlib.Path(directory)
wanted = {}


def ctl(*words):
    subprocess.run([program, "--run-directory", run_directory, *words], check=True, stdout=subprocess.DEVNULL)


def step(name):
    (directory / f"at.{name}").touch()
    deadline = time.monotonic() + 60
    while not (directory / f"done.{name}").exists():
        check(time.monotonic() < deadline, f"{name} is not done")
        time.sleep(0.02)


def want(call_id, status, ended_by, reason, **more):
    """More: times that the record has, and fields that are equal."""
    wanted[call_id] = {"status": status, "ended_by": ended_by, "reason": reason, **more}


RANG, ANSWERED = ["start", "ring", "end"], ["start", "ring", "answer", "end"]


def acknowledge(carrier, invite, answer):
    """Hop by hop: the branch is the INVITE's (RFC 3261 17.1.1.3)."""
    carrier.send(
        f"ACK {invite.uri} SIP/2.0\r\nVia: {invite.get('via')}\r\nMax-Forwards: 70\r\nFrom: {invite.get('from')}\r\n"
        f"To: {answer.get('to')}\r\nCall-ID: {invite.get('call-id')}\r\nCSeq: {invite.get('cseq').split()[0]} ACK\r\nContent-Length: 0\r\n\r\n"
    )


def invite(peer, **fields):
    text = peer.request("INVITE", **fields)
    peer.send(text)
    return Message(text.encode(), None)


def ring():
    sent = invite(carrier)
    callee, came = receive_any(sbcs, "INVITE")
    tag = unique("t")
    callee.answer(came, 180, "Ringing", tag=tag)
    carrier.expect(180)
    return sent, callee, came, tag


def refuse(callee, came, tag, status, seen):
    """The callee's refusal; the caller sees another one where we ended it."""
    callee.answer(came, status, tag=tag)
    answer = carrier.expect(seen)
    callee.expect("ACK")
    return answer


def hang_up(side, other, reason=()):
    side.send("BYE", extra=reason)
    bye = other.peer.expect("BYE")
    other.peer.answer(bye, 200, "OK")
    side.peer.expect(200)


def nobody_answers():
    sent = invite(carrier)
    acknowledge(carrier, sent, carrier.expect(408, 20))
    for peer in sbcs:
        while peer.receive(0.1):
            pass
    want(sent.get("call-id"), 408, "timeout", "timeout", times=["start", "end"])


def answered():
    call = Call(carrier, sbcs)
    hang_up(call.caller, call.callee, ["Reason: Q.850;cause=16"])
    want(call.caller.call_id, 200, "caller", "bye", times=ANSWERED, cause="Q.850 16", member=f"{call.callee.peer.here}")
    call = Call(carrier, sbcs)
    hang_up(call.callee, call.caller)
    want(call.caller.call_id, 200, "callee", "bye", times=ANSWERED)
    call = Call(carrier, sbcs)
    ctl("dialog", "end", call.caller.call_id)
    for side in (call.caller, call.callee):
        side.peer.answer(side.peer.expect("BYE"), 200, "OK")
    want(call.caller.call_id, 200, "operator", "operator", times=ANSWERED)


def not_answered():
    sent, callee, came, tag = ring()
    acknowledge(carrier, sent, refuse(callee, came, tag, 486, 486))
    want(sent.get("call-id"), 486, "callee", "refused", times=RANG)
    sent, callee, came, tag = ring()
    carrier.send(
        f"CANCEL {sent.uri} SIP/2.0\r\nVia: {sent.get('via')}\r\nMax-Forwards: 70\r\nFrom: {sent.get('from')}\r\nTo: {sent.get('to')}\r\n"
        f"Call-ID: {sent.get('call-id')}\r\nCSeq: 1 CANCEL\r\nReason: SIP;cause=200;text=\"Call completed elsewhere\"\r\nContent-Length: 0\r\n\r\n"
    )
    carrier.expect(200)
    callee.answer(callee.expect("CANCEL"), 200, "OK")
    acknowledge(carrier, sent, refuse(callee, came, tag, 487, 487))
    want(sent.get("call-id"), 487, "caller", "cancel", times=RANG, cause="SIP 200")
    sent, callee, came, tag = ring()
    ctl("dialog", "end", sent.get("call-id"))
    callee.answer(callee.expect("CANCEL"), 200, "OK")
    acknowledge(carrier, sent, refuse(callee, came, tag, 487, 480))
    want(sent.get("call-id"), 480, "operator", "operator", times=RANG)


def operator_too_late():
    sent, callee, came, tag = ring()
    ctl("dialog", "end", sent.get("call-id"))
    cancel = callee.expect("CANCEL")
    callee.answer(came, 200, "OK", tag=tag)
    callee.answer(cancel, 200, "OK")
    ok = carrier.expect(200)
    caller = Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
    caller.send("ACK", cseq=1)
    callee.expect("ACK")
    for peer in (carrier, callee):
        peer.answer(peer.expect("BYE"), 200, "OK")
    want(sent.get("call-id"), 200, "operator", "operator", times=ANSWERED)


def refused():
    ctl("drain", "on")
    sent = invite(carrier)
    acknowledge(carrier, sent, carrier.expect(503))
    ctl("drain", "off")
    want(sent.get("call-id"), 503, "proxy", "refused", times=["start", "end"], callee_peer="-", member="-")
    sent = invite(sbcs[0], uri=f"sip:100@{CORE}")
    acknowledge(sbcs[0], sent, sbcs[0].expect(404))
    want(sent.get("call-id"), 404, "proxy", "refused", times=["start", "end"], caller_peer="sbcs", callee_peer="-", member="-")


carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
outlives_turn, outlives_kill, outlives_restart = (Call(carrier, sbcs) for _ in range(3))
refused()
answered()
not_answered()
operator_too_late()
nobody_answers()
step("turned")
hang_up(outlives_turn.caller, outlives_turn.callee)
want(outlives_turn.caller.call_id, 200, "caller", "bye", times=ANSWERED)
step("control-killed")
hang_up(outlives_kill.callee, outlives_kill.caller)
want(outlives_kill.caller.call_id, 200, "callee", "bye", times=ANSWERED)
step("dataplane-restarted")
hang_up(outlives_restart.caller, outlives_restart.callee)
want(outlives_restart.caller.call_id, 200, "caller", "bye", times=ANSWERED, marks="restarted")
(directory / "wanted.json").write_text(json.dumps(wanted))
passed()
