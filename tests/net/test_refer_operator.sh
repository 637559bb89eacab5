#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An operator refers one party of a call between two peers: it gets progress, success and BYE to both; refusal and failure
# leave the call as it was, with numbers that stay right at both ends; --replaces; a dead control, a dead data plane; no application is
# configured.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'timers: {t1: 5s, t2: 5s}' # what waits for an answer here is not repeated meanwhile
test_up
cat >"$LAB_DIR/refer.py" <<'PYTHON'
import json
import os
import pathlib
import signal
import subprocess
import sys
from sip_peer import *

run, ctl, held, restarted = sys.argv[1:]
carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
TARGET = "sip:carol@10.20.0.12"


def dialgatectl(*words, fails=False):
    """What it printed: JSON, or the one line of the error."""
    done = subprocess.run([ctl, "--run-directory", run, "--json", *words], capture_output=True, text=True, check=False)
    check((done.returncode != 0) == fails, f"{words}: {done.stdout}{done.stderr}")
    return done.stderr if fails else json.loads(done.stdout)


def dialog_of(call):
    return dialgatectl("dialog", "show", call.invite.get("call-id"))["dialogs"][0]["id"]


def refer(dialog, side, *words, status=202):
    """The REFER as the party got it and answered, and the transfer's id."""
    transfer = dialgatectl("refer", "send", dialog, side[0], *words)["refer"]
    request = side[1].expect("REFER")
    side[1].answer(request, status)
    return request, transfer


def notify(side, state, status, event="refer"):
    """From the party that was referred; answered by Dialgate."""
    frag = f"SIP/2.0 {status} Text\r\n"
    text = side.request("NOTIFY", extra=[f"Event: {event}", f"Subscription-State: {state}", "Content-Type: message/sipfrag"])
    side.peer.send(text.replace("Content-Length: 0", f"Content-Length: {len(frag)}") + frag)
    ok = side.peer.expect(200)
    check(ok.get("cseq") == f"{side.cseq} NOTIFY", ok.text)


def outcome(transfer, wanted, status):
    """The transfer is over, and how: the event may take a while."""
    deadline = time.monotonic() + PATIENCE
    while (row := dialgatectl("refer", "show", transfer))["outcome"] == "open" and time.monotonic() < deadline:
        time.sleep(0.05)
    check((row["outcome"], row["status"], row["origin"]) == (wanted, status, "operator"), row)
    return row


def exchange(side, other, method, cseq):
    """A request of the side's that reaches the other with this number, and its answer with the side's own."""
    side.send(method)
    request = other.peer.expect(method)
    check(request.get("cseq") == f"{cseq} {method}", request.text)
    other.peer.answer(request, 200, "OK")
    ok = side.peer.expect(200)
    check(ok.get("cseq") == f"{side.cseq} {method}", ok.text)
    if method == "INVITE":
        side.send("ACK", cseq=side.cseq)
        ack = other.peer.expect("ACK")
        check(ack.get("cseq") == f"{cseq} ACK", ack.text)


def ended(call):
    """BYE to both; the call has gone."""
    for side in (call.caller, call.callee):
        side.peer.answer(side.peer.expect("BYE"), 200, "OK")


def success():
    call = Call(carrier, sbcs)
    dialog, callee = dialog_of(call), call.callee.peer
    request, transfer = refer(dialog, ("caller", carrier), TARGET, "--referred-by", "<sip:desk@10.10.0.10>")
    check(request.get("refer-to") == f"<{TARGET}>" and request.get("referred-by") == "<sip:desk@10.10.0.10>", request.text)
    check(request.get("from") == call.caller.remote and request.get("to") == call.caller.local, request.text)
    check(request.target() == call.ok.target() and request.get("max-forwards") == "70", request.text)
    check("under way" in dialgatectl("refer", "send", dialog, "callee", TARGET, fails=True), "two at once")
    notify(call.caller, "active;expires=60", 100)
    notify(call.caller, "active;expires=60", 180, event=f"refer;id={request.get('cseq').split()[0]}")
    callee.expect_nothing_new(0.05)
    notify(call.caller, "terminated;reason=noresource", 200)
    ended(call)
    row = outcome(transfer, "succeeded", 200)
    check([step["status"] for step in row["steps"]] == [202, 100, 180, 200] and row["to"] == TARGET, row)


def failures():
    call = Call(carrier, sbcs)
    dialog, caller, callee = dialog_of(call), call.caller, call.callee
    caller.cseq = 1  # of its INVITE
    request, transfer = refer(dialog, ("callee", callee.peer), TARGET, status=603)
    check(request.get("cseq") == "2 REFER" and request.target() == call.invite.target(), request.text)
    outcome(transfer, "refused", 603)
    request, transfer = refer(dialog, ("callee", callee.peer), TARGET)
    check(request.get("cseq") == "3 REFER", request.text)
    notify(callee, "active", 100, event="refer;id=3")
    notify(callee, "terminated;reason=noresource", 486, event="refer;id=3")
    outcome(transfer, "failed", 486)
    exchange(caller, callee, "INVITE", 4)
    exchange(callee, caller, "INFO", callee.cseq + 1)
    request, transfer = refer(dialog, ("callee", callee.peer), TARGET, "--keep")
    notify(callee, "terminated;reason=noresource", 200, event="refer;id=5")
    outcome(transfer, "succeeded", 200)
    exchange(caller, callee, "INFO", 6)
    exchange(callee, caller, "BYE", callee.cseq + 1)


def attended():
    """The callee of one call takes the caller's place in another."""
    one, two = Call(carrier, sbcs), Call(carrier, sbcs)
    request, transfer = refer(dialog_of(one), ("caller", carrier), "--replaces", dialog_of(two))
    to_tag, from_tag = two.ok.tag("to"), two.ok.tag("from")
    replaces = f"{two.invite.get('call-id')}%3Bto-tag%3D{to_tag}%3Bfrom-tag%3D{from_tag}"
    check(request.get("refer-to").lower() == f"<{two.ok.target()}?replaces={replaces}>".lower(), request.text)
    notify(one.caller, "terminated;reason=noresource", 200)
    ended(one)
    outcome(transfer, "succeeded", 200)
    two.hang_up()


def refusals():
    call = Call(carrier, sbcs)
    dialog = dialog_of(call)
    check("no call" in dialgatectl("refer", "send", "0100000000000001", "caller", TARGET, fails=True), "unknown")
    check("URI" in dialgatectl("refer", "send", dialog, "caller", "carol", fails=True), "no URI")
    call.hang_up()


def over_control():
    """Control is killed between the REFER and the NOTIFYs: the next one knows the transfer, and hears how it ends."""
    call = Call(carrier, sbcs)
    _, transfer = refer(dialog_of(call), ("caller", carrier), TARGET)
    os.kill(dialgatectl("status")["control"]["pid"], signal.SIGKILL)
    notify(call.caller, "active;expires=60", 180)
    show = [ctl, "--run-directory", run, "refer", "show", transfer]
    deadline = time.monotonic() + 2 * PATIENCE
    while subprocess.run(show, capture_output=True, check=False).returncode != 0:
        check(time.monotonic() < deadline, "control does not come back with the transfer")
        time.sleep(0.05)
    notify(call.caller, "terminated;reason=noresource", 200)
    ended(call)
    outcome(transfer, "succeeded", 200)


def forgotten():
    """A call and a REFER in it for the next data plane."""
    call = Call(carrier, sbcs)
    call.caller.cseq = 1
    request, transfer = refer(dialog_of(call), ("callee", call.callee.peer), TARGET)
    check(request.get("cseq") == "2 REFER", request.text)
    return call, transfer


success()
failures()
attended()
refusals()
over_control()
call, transfer = forgotten()
pathlib.Path(held).touch()
while not pathlib.Path(restarted).exists():
    time.sleep(0.05)
# It knows nothing of the REFER: the other side gets the NOTIFY. The numbers are right.
outcome(transfer, "lost", 202)
side = call.callee
side.send("NOTIFY", extra=["Event: refer;id=2", "Subscription-State: terminated;reason=noresource"])
message = carrier.expect("NOTIFY")
carrier.answer(message, 481)
side.peer.expect(481)
exchange(call.caller, call.callee, "INVITE", 3)
exchange(call.callee, call.caller, "BYE", side.cseq + 1)
passed()
PYTHON
lab_start peers core env LAB_ID="$LAB_ID" timeout 200 python3 "$LAB_DIR/refer.py" "$LAB_RUN" "$(lab_program dialgatectl)" "$LAB_DIR/held" "$LAB_DIR/restarted"
told() # the parties are where the data plane may die, or have failed; a control that they have killed comes again
{
    ! lab_ended control || lab_control
    [ -e "$LAB_DIR/held" ] || lab_ended peers
}
lab_wait 90 'a transfer is under way' told
if [ -e "$LAB_DIR/held" ]; then
    test_ends dataplane
    lab_dataplane
    lab_ready 30
    touch "$LAB_DIR/restarted"
fi
lab_wait 60 'the parties are done' lab_ended peers || fail "they do not end"
lab_exit_status peers
[ "$LAB_STATUS" = 0 ] || fail "$(cat "$LAB_DIR/peers.log")"
test_no_dialogs
test_done
