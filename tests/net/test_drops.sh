#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What is dropped is told: whence, whose and why, while the flood goes on, to a control that was killed meanwhile, and how much of
# the sample one that stood still did not get. ATTACH=af_packet: by the workers' filter.
# slow
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

flood_start() # KIND...
{
    rm -f "$LAB_DIR/flooder.log"
    lab_start flooder stranger "$PLAIN/tests/net/flooder" --source 10.10.2.1 --peer 10.77.0.9 --target 10.10.0.10 --rate 3000 "$@"
}

has_drop() # NETWORK PEER SOURCE REASON FIRST: the note that is wanted, of those that are kept
{
    lab_ctl --json prefilter drops --limit 1000 >"$LAB_DIR/drops.json" && python3 - "$LAB_DIR/drops.json" "$@" <<'PYTHON'
import json
import sys

path, network, peer, source, reason, first = sys.argv[1:]
for drop in json.load(open(path, encoding="utf-8"))["drops"]:
    if (drop["network"], drop["peer"] or "-", drop["source"], drop["reason"]) == (network, peer, source, reason):
        assert drop["port"] == 5060 and drop["source_port"] > 0 and not drop["dry_run"], drop
        assert drop["first"].startswith(first), drop
        sys.exit(0)
sys.exit(1)
PYTHON
}

shown() # PATTERN COMMAND...
{
    local pattern=$1
    shift
    lab_ctl "$@" >"$LAB_DIR/shown" && grep -Eq "$pattern" "$LAB_DIR/shown"
}

lost() { lab_metric dialgate_prefilter_drop_notes_lost_total; }
some_lost() { [ "$(lost)" -gt 0 ]; }

test_begin
[ -z "${ATTACH:-}" ] || test_replace "s/attach: af_xdp/attach: $ATTACH/"
test_replace 's/^routes:/  - {name: carrier-b, listener: edge, sources: [10.77.0.0\/24], members: [{address: 10.77.0.1}]}\nroutes:/'
test_set 'prefilter: {peer: {rate: 1000, burst: 2000}, peer_invite: {rate: 100, burst: 100}}'
test_up
expect "nothing is dropped yet" shown 'no drop is kept' prefilter drops
flood_start single peer malformed
lab_wait 30 'a note of the stranger' has_drop outside - 10.10.2.1 stranger_invite_rate 'INVITE sip:' || fail "no note of the stranger's INVITEs"
lab_wait 30 'a note of the forged peer' has_drop outside carrier-b 10.77.0.9 peer_invite_rate 'INVITE sip:' || fail "no note of carrier-b's INVITEs"
lab_wait 30 'a note of what is no SIP' has_drop outside - 10.10.2.1 not_sip '' || fail "no note of what is no SIP"
expect "prefilter top has the stranger" shown 'outside +10\.10\.2\.1 +strangers ' prefilter top
expect "prefilter top has the peer's name" shown 'outside +10\.77\.0\.9 +carrier-b .* peer_invite_rate' prefilter top
expect "one peer's drops" shown '10\.77\.0\.9:[0-9]+ +to 5060 +carrier-b +peer_invite_rate +"INVITE' prefilter drops --peer carrier-b
expect "none of another prefix" shown 'no drop is kept' prefilter drops --source 192.0.2.0/24
expect "a summary" shown 'outside +carrier-b +peer_invite_rate +[0-9]' prefilter drops --summary
expect "as they come" timeout 30 "$(lab_program dialgatectl)" --run-directory "$LAB_RUN" prefilter drops --follow --limit 100 --reason peer_invite_rate
expect "the event" shown '"name":"began","peer":"carrier-b","reasons":\["invite_rate"\]' events follow --json --since 0 --kind drop --limit 1
expect "the log says whose packets are dropped" grep -q 'event=peer_drops peer=carrier-b reasons=invite_rate' "$LAB_DIR/control.log"
expect_equal "notes that were lost" 0 "$(lost)"

# Killed, it begins anew with what is there; stopped, it says what it did not get: the ring of a program holds ten seconds' worth.
lab_kill control KILL
lab_wait 30 'control ends' lab_ended control || fail "control lives"
lab_control
lab_ready 60 || fail "control is not ready again"
lab_wait 30 'notes for the next control' has_drop outside carrier-b 10.77.0.9 peer_invite_rate 'INVITE sip:' || fail "no note after the restart of control"
lab_kill control STOP
sleep 14 # what is lost is a matter of time
lab_kill control CONT
lab_wait 30 'what is lost is told' some_lost || fail "no note was lost"
lab_stop flooder
expect_above "notes that were told" 500 "$(lab_metric dialgate_prefilter_drop_notes_total)"
lab_wait 60 'the peer is well again' shown '"name":"over","peer":"carrier-b"' events follow --json --since 0 --kind drop --limit 2 || fail "no event when it is over"
test_done
