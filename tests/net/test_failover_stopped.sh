#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An SBC stands still in the midst of 300 calls a second: no call is lost. Those that it held go on when it does, new ones
# take the time of the fail-over at most, and of those only what came within that time.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

CALLS=1500
test_begin
LAB_BUILD=$PLAIN
test_replace 's/^    balance: call-id$/&\n    failover: {after: 500ms}/'
lab_up
test_daemons
test_callees uas
sipp_caller caller uac -m $CALLS -r 300 -l 15000 -timeout 60s -timeout_error
lab_wait 30 'calls are made' counted dialgate_messages_total 300 'kind="INVITE"' || fail "no calls"
lab_kill sbc1 STOP
lab_wait 30 'calls go to the other SBC' counted dialgate_failovers_total 50 'reason="timeout"' || fail "no fail-over"
lab_wait 30 'most calls were made' counted dialgate_messages_total $((CALLS * 3 / 5)) 'kind="INVITE"' || fail "no calls"
lab_kill sbc1 CONT
test_calls_end $CALLS 70
test_no_dialogs 40
# Half of the calls of half a second, and one a second that finds out; a loaded machine is late.
expect_above "fail-overs are fewer than" "$(lab_metric dialgate_failovers_total)" $((CALLS / 4))
expect_equal "fail-overs without room" 0 "$(lab_metric dialgate_failovers_total 'reason="no_room"')"
test_outcomes
test_done
