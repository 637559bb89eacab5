#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A valid reload takes effect and fails no call; an invalid one changes nothing. SIGHUP reloads as well, and a version that
# is kept comes back.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

sequence()
{
    lab_ctl --json status | python3 -c 'import json, sys; print(json.load(sys.stdin)["dataplane"]["sequence"])'
}

reloaded()
{
    [ "$(sequence)" -gt "$1" ]
}

test_begin
# A member that is taken out stays a source of its peer, so that its calls can end.
test_replace 's/^( *)members: \[\{address: 10.20.0.11/\1sources: [10.20.0.0\/24]\n&/'
test_up
test_callees uas
sipp_caller caller uac -m 400 -r 50 -d 500 -l 15000 -timeout 60s -timeout_error
lab_wait 30 'calls are up' counted dialgate_dialogs 20 || fail "no calls"
first=$(sequence)
# Invalid: nothing changes.
cp "$LAB_DIR/dialgate.yaml" "$LAB_DIR/good.yaml"
echo 'nonsense: 1' >>"$LAB_DIR/dialgate.yaml"
expect_refusal 1 'unknown key' lab_ctl config reload
expect_equal "sequence after an invalid reload" "$first" "$(sequence)"
# What only a restart can change is refused whole, and named.
cp "$LAB_DIR/good.yaml" "$LAB_DIR/dialgate.yaml"
test_replace 's/count: 2/count: 1/'
expect_refusal 1 'workers' lab_ctl config reload
expect_equal "sequence after that" "$first" "$(sequence)"
# Valid: new calls all go to sbc1; those that run end where they are.
cp "$LAB_DIR/good.yaml" "$LAB_DIR/dialgate.yaml"
test_replace 's/, \{address: 10.20.0.12\}//'
expect "a valid reload" lab_ctl config reload
expect "a new sequence" reloaded "$first"
expect "config show has it" bash -c "! '$(lab_program dialgatectl)' --run-directory '$LAB_RUN' config show | grep -q 10.20.0.12"
test_calls_end 400 70
test_callees_saw 400
before=$(sipp_stat sbc2 'IncomingCall(C)')
expect_above "calls at sbc2 before the reload" 0 "$before"
test_caller uac 40 40 -d 200
test_callees_saw 440
expect_equal "calls at sbc2 after the reload" "$before" "$(sipp_stat sbc2 'IncomingCall(C)')"
second=$(sequence)
cp "$LAB_DIR/good.yaml" "$LAB_DIR/dialgate.yaml"
lab_kill control HUP
lab_wait 30 'SIGHUP reloads' reloaded "$second" || fail "SIGHUP does not reload"
test_caller uac 40 40 -d 200
test_callees_saw 480
expect_above "calls at sbc2 after SIGHUP" "$before" "$(sipp_stat sbc2 'IncomingCall(C)')"
# A kept version comes back under calls, as a version of its own.
expect_refusal 1 'there is none' lab_ctl config rollback 99
third=$(sequence)
expect "config diff knows what would change" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' config diff --version 2 | grep -q '^-  peers.sbcs.members.10.20.0.12:5060'"
sipp_caller caller uac -m 60 -r 60 -d 1500 -l 15000 -timeout 60s -timeout_error
lab_wait 30 'calls are up again' counted dialgate_dialogs 20 || fail "no calls"
expect "a rollback" lab_ctl config rollback 2
expect "a new sequence" reloaded "$third"
test_calls_end 60 70
test_callees_saw 540
before=$(sipp_stat sbc2 'IncomingCall(C)')
test_caller uac 20 40 -d 100
test_callees_saw 560
expect_equal "calls at sbc2 after the rollback" "$before" "$(sipp_stat sbc2 'IncomingCall(C)')"
expect "config history has it" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' config history | grep -Eq '^ *4 +[*] .* root +rollback 2 +accepted '"
expect "config history has SIGHUP" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' config history | grep -Eq '^ *3 .* SIGHUP +reload +accepted '"
test_no_dialogs
test_done
