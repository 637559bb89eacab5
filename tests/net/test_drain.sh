#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Members, peers and the node are drained and enabled under calls: none fails, nothing new comes, and what was said survives
# a reload and kill -9 of either daemon.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

calls_at() # SBC: that it got so far; SIPp's own statistics come once a second
{
    lab_metric dialgate_member_calls_total "member=\"$(sipp_address "$1"):5060\""
}

said() # PATTERN: in drain status
{
    lab_ctl drain status >"$LAB_DIR/status"
    grep -qE "$1" "$LAB_DIR/status" || fail "drain status without /$1/: $(cat "$LAB_DIR/status")"
}

more_at() # SBC CALLS
{
    [ "$(calls_at "$1")" -gt "$2" ]
}

none_now() # MEMBER
{
    [ "$(lab_metric dialgate_member_calls "member=\"$1\"")" = 0 ]
}

drained() # dataplane and control run, and the node is not ready for the operator's word alone
{
    lab_ctl status 2>/dev/null | grep -A1 'NOT READY' | grep -q 'because *the operator drains this node'
}

test_up
test_callees uas
sipp_caller caller uac -r 60 -d 700 -l 15000
lab_wait 30 'calls are up at both SBCs' counted dialgate_member_calls 5 'member="10.20.0.12:5060"' || fail "no calls"
# A member: those it has go on, new ones go to the other.
expect "peer drain of a member" lab_ctl peer drain sbcs 10.20.0.12
said '^sbcs +10\.20\.0\.12:5060 +draining +20[0-9TZ:-]+ +root +[0-9]+$'
lab_wait 30 'its calls end' none_now 10.20.0.12:5060 || fail "calls stay at sbc2"
before=$(calls_at sbc2)
other=$(calls_at sbc1)
lab_wait 30 'new calls at sbc1' more_at sbc1 $((other + 60)) || fail "no new calls at sbc1"
expect_equal "new calls at a drained member" "$before" "$(calls_at sbc2)"
lab_ctl peer list >"$LAB_DIR/list"
expect "peer list counts it" grep -qE '^sbcs +[a-z]+ +1/2 +in ' "$LAB_DIR/list"
lab_ctl peer show sbcs >"$LAB_DIR/show"
expect "peer show has it" grep -qE '^10\.20\.0\.12:5060 +draining +20[0-9TZ:-]+ +by root ' "$LAB_DIR/show"
expect "the same again" lab_ctl peer drain sbcs 10.20.0.12
expect "a reload keeps it" lab_ctl config reload
said '^sbcs +10\.20\.0\.12:5060 +draining'
expect "peer enable" lab_ctl peer enable sbcs 10.20.0.12
lab_wait 30 'calls at sbc2 again' more_at sbc2 "$before" || fail "an enabled member gets no calls"
test_calls_stop
test_callees_saw "$CALLS"
# What is not there.
expect_refusal 1 'no peer is called sbc; there are carrier-a, sbcs' lab_ctl peer drain sbc
expect_refusal 1 'no member 10.20.0.13; there are 10.20.0.11:5060, 10.20.0.12:5060' lab_ctl peer disable sbcs 10.20.0.13
lab_stop sbc1 sbc2 || true
# The node, while a call lives; then the peers.
LAB_ID=$LAB_ID timeout 120 python3 - "$(lab_program dialgatectl)" "$LAB_RUN" <<'PYTHON' || fail "see above"
import subprocess
from sip_peer import *

def ctl(*words):
    subprocess.run([sys.argv[1], "--run-directory", sys.argv[2], *words], check=True, stdout=subprocess.DEVNULL)

def refused(peer, method, uri=None):
    call_id = unique("refused-")
    peer.send(peer.request(method, uri, call_id=call_id))
    answer = peer.expect(503)
    while answer.get("call-id") != call_id:  # a repeat: an INVITE's has no ACK here
        answer = peer.expect(503)
    check(answer.get("retry-after"), f"503 to {method} without Retry-After")

def in_dialog(call):
    call.caller.send("INFO")
    info = call.callee.peer.expect("INFO")
    call.callee.peer.answer(info, 200, "OK")
    call.caller.peer.expect(200)

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
call = Call(carrier, sbcs)
ctl("drain", "on")
for peer, ours in ((carrier, EDGE), (sbcs[0], CORE)):
    for method in ("INVITE", "SUBSCRIBE", "MESSAGE", "REGISTER"):
        refused(peer, method)
    refused(peer, "OPTIONS", f"sip:{ours}:5060")
in_dialog(call)
call.hang_up()
ctl("drain", "off")
ctl("peer", "disable", "carrier-a")
call = None
refused(carrier, "INVITE")
sbcs[0].send(sbcs[0].request("INVITE", "sip:100@10.20.0.10:5060"))
sbcs[0].expect(503)  # no member of it takes a call
ctl("peer", "enable", "carrier-a")
Call(carrier, sbcs).hang_up()
passed()
PYTHON
expect_counted dialgate_drained_requests_total 10 'drained="node"'
expect_counted dialgate_drained_requests_total 1 'drained="peer"'
test_callees uas
# Said, it outlives both daemons.
expect "drain on" lab_ctl drain on
expect_equal "ready" 0 "$(lab_metric dialgate_ready)"
for name in control dataplane; do
    lab_kill $name KILL
    lab_wait 30 "$name is gone" lab_ended $name
    "lab_$name"
    lab_wait 30 "$name is back" drained || fail "after kill -9 of $name: $(lab_ctl status)"
done
said '^node +draining since 20[0-9TZ:-]+ by root, 0 dialogs left$'
sed 's/STATUS/503/' "$SIPP_SCENARIOS/uac_refused.xml" >"$LAB_DIR/uac_503.xml"
test_caller uac_503 5 20
expect "drain off" lab_ctl drain off
said '^node +takes calls, 0 dialogs$'
lab_ready 60 || fail "not ready after drain off"
test_caller uac 5 20 -d 100
test_no_dialogs
test_outcomes
test_done
