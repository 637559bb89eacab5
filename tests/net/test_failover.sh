#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A member that is silent, and one that answers 503: every call goes to the other one. Both silent: 408.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

saw() # SBC CALLS: its statistics come once a second
{
    [ "$(sipp_stat "$1" 'IncomingCall(C)')" = "$2" ]
}

expect_saw() # SBC CALLS
{
    lab_wait 30 "$1 saw $2 calls" saw "$1" "$2" || fail "$1 saw $(sipp_stat "$1" 'IncomingCall(C)') calls, wanted $2"
}

test_begin
test_set 'timers: {t1: 100ms, b: 5s}'
test_replace 's/^    balance: call-id$/&\n    failover: {after: 1s}/'
lab_up
test_daemons
sipp_callee sbc1 sbc1 uas_silent
sipp_callee sbc2 sbc2 uas
test_caller uac 20 20
test_no_dialogs
expect_saw sbc2 20
expect_counted dialgate_failovers_total 1 'reason="timeout"'
expect_equal "calls at members now" 0 "$(lab_metric dialgate_member_calls)"
lab_stop sbc1 || true # it waits
sed 's/486 Busy Here/503 Service Unavailable/' "$SIPP_SCENARIOS/uas_busy.xml" >"$LAB_DIR/uas_503.xml"
sipp_callee sbc1 sbc1 uas_503
# The rest of a silent member ends with its first answer.
test_caller uac 40 20
test_no_dialogs
refused=$(lab_metric dialgate_failovers_total 'reason="refused"')
expect_above "calls that 503 sent on" 5 "$refused"
expect_saw sbc2 60
expect_saw sbc1 "$refused"
lab_stop sbc1 sbc2 || true
test_callees uas_silent
sed 's/STATUS/408/' "$SIPP_SCENARIOS/uac_refused.xml" >"$LAB_DIR/uac_408.xml"
test_caller uac_408 5 5
test_no_dialogs
expect_equal "answers with 408" 5 "$(lab_metric dialgate_answers_total 'status="408"')"
test_outcomes
test_done
