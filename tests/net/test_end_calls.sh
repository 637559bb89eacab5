#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# dialog end without an ID: early calls by state, confirmed ones by peer and by age, all of them, at a rate. Both ends of
# each call end clean; an answer that crosses the end is sent on and ended by BYE after its ACK.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

ended_by() # OPTIONS...: how many dialog end says that it ended
{
    lab_ctl dialog end "$@" >"$LAB_DIR/end" || fail "dialog end $*"
    sed -nE 's/^ended ([0-9,]+) dialogs.*/\1/p' "$LAB_DIR/end" | tr -d ,
}

older_calls() # CALLS: are a second old
{
    [ "$(lab_ctl dialog list --older 1s | grep -c '@10.10.1.1')" = "$1" ]
}

stop_callees()
{
    lab_stop sbc1 sbc2 || true
}

test_begin
test_set 'timers: {t1: 5s, t2: 5s}' # a loaded machine is late, and nothing may be repeated here
test_up
expect_refusal 2 'takes an ID, or' lab_ctl dialog end
expect_refusal 2 'takes an ID, or' lab_ctl dialog end --rate 5
expect_refusal 2 'takes an ID, or' lab_ctl dialog end some-id --peer sbcs
expect_refusal 1 'no peer is called nobody' lab_ctl dialog end --peer nobody
expect_refusal 1 'state must be none . early . confirmed' lab_ctl dialog end --state terminating
expect_refusal 1 'rate must be an integer, 1 to 1000' lab_ctl dialog end --all --rate 2000
expect_equal "ended where nothing is" 0 "$(ended_by --all)"
# Early: CANCEL to the callee, 480 to the caller.
test_callees uas_cancelled
sed 's/STATUS/480/' "$SIPP_SCENARIOS/uac_refused.xml" >"$LAB_DIR/uac_480.xml"
sipp_caller caller uac_480 -m 60 -r 200 -l 15000 -timeout 60s -timeout_error
lab_wait 30 'all calls ring' counted dialgate_dialogs 60 'state="early"' || fail "$(lab_dialogs) dialogs"
expect_equal "confirmed ones among early calls" 0 "$(ended_by --state confirmed)"
expect_equal "ended by state" 60 "$(ended_by --state early --rate 400)"
test_calls_end 60 40
test_callees_saw 60
test_no_dialogs
stop_callees
# Confirmed: BYE to both. Those of another peer and younger ones stay.
test_callees uas
sipp_caller caller uac_hears_bye -m 600 -r 300 -l 60000 -timeout 90s -timeout_error
lab_wait 30 'all calls are up' counted dialgate_dialogs 600 'state="confirmed"' || fail "$(lab_dialogs) dialogs"
lab_ctl --json dialog list >"$LAB_DIR/pages" || fail "dialog list"
expect_equal "dialogs of all pages" 600 "$(python3 -c 'import json, sys
print(len({row["id"] for page in sys.stdin for row in json.loads(page)["dialogs"]}))' <"$LAB_DIR/pages")"
expect_above "pages" 1 "$(wc -l <"$LAB_DIR/pages")"
expect_equal "ended though younger" 0 "$(ended_by --older-than 1h)"
expect_equal "ended though early ones were meant" 0 "$(ended_by --state early --all)"
begin=$(date +%s%N)
expect_equal "ended by peer" 600 "$(ended_by --peer carrier-a --rate 600)"
expect_above "milliseconds that the rate makes of it" 900 $((($(date +%s%N) - begin) / 1000000))
test_calls_end 600 60
test_callees_saw 600
test_no_dialogs
sipp_caller caller uac_hears_bye -m 40 -r 300 -l 15000 -timeout 60s -timeout_error
lab_wait 30 'all calls are up' counted dialgate_dialogs 40 'state="confirmed"' || fail "$(lab_dialogs) dialogs"
lab_wait 30 'they are a second old' older_calls 40 || fail "$(lab_ctl dialog list --older 1s)"
expect_equal "ended by age" 40 "$(ended_by --older-than 1s --rate 400)"
test_calls_end 40 40
test_no_dialogs
stop_callees
# An answer that crosses the CANCEL, and an end between the 2xx and its ACK.
LAB_ID=$LAB_ID timeout 60 python3 - "$(lab_program dialgatectl)" "$LAB_RUN" <<'PYTHON' || fail "see above"
import re
import subprocess
from sip_peer import *

def ctl(*words):
    subprocess.run([sys.argv[1], "--run-directory", sys.argv[2], *words], check=True, stdout=subprocess.DEVNULL)

def both_end(caller, callee):
    for peer in (caller, callee):
        bye = peer.expect("BYE")
        peer.answer(bye, 200, "OK")

def acknowledge(ok):
    side = Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
    side.send("ACK", cseq=int(ok.get("cseq").split()[0]))

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
carrier.send(carrier.request("INVITE"))
callee, invite = receive_any(sbcs, "INVITE")
callee.answer(invite, 180, "Ringing", tag="crosses")
carrier.expect(180)
ctl("dialog", "end", "--all")
cancel = callee.expect("CANCEL")
callee.answer(invite, 200, "OK", tag="crosses")
callee.answer(cancel, 200, "OK")
acknowledge(carrier.expect(200))
callee.expect("ACK")
both_end(carrier, callee)

carrier.send(carrier.request("INVITE"))
callee, invite = receive_any(sbcs, "INVITE")
callee.answer(invite, 200, "OK", tag="unacked")
ok = carrier.expect(200)
ctl("dialog", "end", "--all")
callee.expect_nothing(0.3)
carrier.expect_nothing(0.1)
acknowledge(ok)
callee.expect("ACK")
both_end(carrier, callee)

# Two early dialogs of one Call-ID: both are named and neither is ended, but with --all.
carrier.send(carrier.request("INVITE"))
callee, invite = receive_any(sbcs, "INVITE")
for tag in ("one", "two"):
    callee.answer(invite, 180, "Ringing", tag=tag)
    carrier.expect(180)
end = [sys.argv[1], "--run-directory", sys.argv[2], "dialog", "end", invite.get("call-id")]
refused = subprocess.run(end, capture_output=True, text=True)
check(refused.returncode == 1 and "2 dialogs have this Call-ID" in refused.stderr, refused)
check(len(set(re.findall(r"\b[0-9a-f]{16}\b", refused.stderr))) == 2, refused)
callee.expect_nothing(0.3)
subprocess.run(end + ["--all"], check=True, stdout=subprocess.DEVNULL)
callee.answer(callee.expect("CANCEL"), 200, "OK")
callee.answer(invite, 487, "Request Terminated", tag="one")
callee.expect("ACK")
carrier.expect(480)
passed()
PYTHON
test_no_dialogs
test_outcomes
test_done
