#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Transfers between two peers pass, and are told: progress, refusal by the far end, by Dialgate's policy, without NOTIFYs, two at
# once, attended, after the BYE; in refer list and show, as events, in the metrics. No application is configured.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'timers: {t1: 5s, t2: 5s}' # what waits for an answer here is not repeated meanwhile
test_replace 's/^  - name: sbcs$/&\n    refer: refuse/'
test_up
test_peers "$LAB_RUN" "$(lab_program dialgatectl)" <<'PYTHON'
import json
import subprocess
from sip_peer import *

run, ctl = sys.argv[1:]
carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
TARGET = "sip:carol@example.net"
BLIND = [f"Refer-To: <{TARGET}>", "Referred-By: <sip:boss@10.10.1.1>"]


def dialgatectl(*words):
    return subprocess.run([ctl, "--run-directory", run, *words], capture_output=True, text=True, check=True).stdout


def refer(call, status, extra=BLIND, more=()):
    """A REFER of the caller's and its response; its CSeq."""
    call.caller.send("REFER", extra=extra)
    request = call.callee.peer.expect("REFER")
    call.callee.peer.answer(request, status, "Text", extra=more)
    carrier.expect(status)
    return call.caller.cseq


def notify(call, status, state="active;expires=60", number=None):
    frag = f"SIP/2.0 {status} Text\r\n"
    event = "refer" if number is None else f"refer;id={number}"
    lines = [f"Event: {event}", f"Subscription-State: {state}", "Content-Type: message/sipfrag"]
    text = call.callee.request("NOTIFY", extra=lines)
    call.callee.peer.send(text.replace("Content-Length: 0", f"Content-Length: {len(frag)}") + frag)
    message = carrier.expect("NOTIFY")
    check(message.body == frag and message.get("event") == event, message.text)
    carrier.answer(message, 200, "OK")
    call.callee.peer.expect(200)


LAST = "terminated;reason=noresource"


def row_of(call, number, *words):
    """The transfer of this REFER, as listed: control hears of what passed a little later."""
    dialog = json.loads(dialgatectl("--json", "dialog", "show", call.invite.get("call-id")))["dialogs"][0]
    rows = json.loads(dialgatectl("--json", "refer", "list", *words))["transfers"]
    rows = [row for row in rows if row["dialog"] == dialog["id"] and row["cseq"] == number]
    check(len(rows) < 2, f"twice: {rows}")
    return rows[0] if rows else None


def outcome(call, number, wanted, status):
    deadline = time.monotonic() + PATIENCE
    while True:
        row = row_of(call, number)
        if row and (row["outcome"], row["status"]) == (wanted, status):
            check(row["origin"] == "proxied" and row["from_peer"] == "carrier-a" and row["to_peer"] == "sbcs", row)
            return row
        if time.monotonic() > deadline:
            raise Wrong(f"{wanted} {status} wanted: {row}")
        time.sleep(0.05)


call = Call(carrier, sbcs)
number = refer(call, 202)
row = outcome(call, number, "open", 202)
check(row["state"] == "waiting" and row["kind"] == "blind" and row["to"] == TARGET, row)
check(row["referred_by"] == "<sip:boss@10.10.1.1>" and row["sender"] == "caller", row)
notify(call, 100)
notify(call, 180)
outcome(call, number, "open", 180)
check(row_of(call, number, "--open", "--origin", "proxied", "--peer", "sbcs"), "filters hide it")
notify(call, 200, LAST)
row = outcome(call, number, "succeeded", 200)
check(row_of(call, number, "--open") is None, "it is over")
shown = json.loads(dialgatectl("--json", "refer", "show", row["refer"]))
check([step["status"] for step in shown["steps"]] == [202, 100, 180, 200], shown)
text = dialgatectl("refer", "show", row["refer"])
check("carrier-a refers sbcs, succeeded (over), status 200" in text and f"target      {TARGET}" in text, text)

outcome(call, refer(call, 603), "refused", 603)
outcome(call, refer(call, 407), "challenged", 407)
outcome(call, refer(call, 200, [*BLIND, "Refer-Sub: false"], ["Refer-Sub: false"]), "unreported", 200)
one, two = refer(call, 202), refer(call, 202)  # at once: an id tells them apart
notify(call, 486, LAST, two)
outcome(call, two, "failed", 486)
outcome(call, one, "open", 202)
notify(call, 200, LAST, one)
outcome(call, one, "succeeded", 200)
number = refer(call, 202, [f"Refer-To: <{TARGET}?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>"])
check(outcome(call, number, "open", 202)["kind"] == "attended", "Replaces")

# What the policy refuses goes no further.
call.callee.send("REFER", extra=BLIND)
check(call.callee.peer.expect(403).start == "SIP/2.0 403 REFER Not Allowed", "policy")
carrier.expect_nothing_new(0.1)

# The subscription outlives the call (RFC 5057 section 4).
call.hang_up()
notify(call, 503, LAST, number)
deadline = time.monotonic() + PATIENCE
while True:
    rows = json.loads(dialgatectl("--json", "refer", "list", "--limit", "2"))["transfers"]
    if rows[0]["outcome"] == "failed" and "dialog_over" in rows[0]:  # told on two ways, in any order
        break
    check(time.monotonic() < deadline, rows)
    time.sleep(0.05)
check(rows[0]["status"] == 503 and rows[0]["cseq"] == number, rows)
check(rows[1]["outcome"] == "denied" and rows[1]["sender"] == "callee" and rows[1]["status"] == 403, rows)

events = subprocess.run(
    [ctl, "--run-directory", run, "--json", "events", "follow", "--kind", "refer", "--since", "0", "--limit", "30"],
    capture_output=True, text=True, check=True, timeout=PATIENCE,
).stdout.splitlines()
events = [json.loads(event)["params"] for event in events]
check([event["name"] for event in events[:5]] == ["began", "progress", "progress", "progress", "progress"], events[:5])
ends = [(event["outcome"], event["status"]) for event in events if event["name"] == "ended"]
wanted = [("succeeded", 200), ("refused", 603), ("challenged", 407), ("unreported", 200)]
wanted += [("failed", 486), ("succeeded", 200), ("denied", 403), ("failed", 503)]
check(ends == wanted, ends)
passed()
PYTHON
expect_counted dialgate_refer_transfers_total 2 'origin="proxied"' 'kind="blind"' 'outcome="succeeded"'
expect_counted dialgate_refer_transfers_total 1 'origin="proxied"' 'kind="attended"' 'outcome="failed"'
expect_counted dialgate_refer_transfers_total 1 'origin="proxied"' 'kind="blind"' 'outcome="denied"'
expect_counted dialgate_refer_events_total 1 'event="denied"'
[ "$(lab_metric dialgate_refer_events_total 'event="untold"')" = 0 ] || fail "control was not told of all"
test_no_dialogs
test_done
