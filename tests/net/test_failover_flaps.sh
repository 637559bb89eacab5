#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An SBC that comes and goes every two seconds, without probes: no call is lost, and of requests there are at most a tenth
# more than callers sent.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

CALLS=1200
test_begin
LAB_BUILD=$PLAIN
test_replace 's/^    balance: call-id$/&\n    failover: {after: 500ms}/'
lab_up
test_daemons
test_callees uas
sipp_caller caller uac -m $CALLS -r 100 -l 15000 -timeout 60s -timeout_error
for _ in 1 2 3; do
    sleep 2
    lab_kill sbc1 STOP
    sleep 2
    lab_kill sbc1 CONT
done
test_calls_end $CALLS 70
test_no_dialogs 40
expect_counted dialgate_failovers_total 10 'reason="timeout"'
# All that is repeated by a timer of ours counts as if it were a request.
sent=$(($(lab_metric dialgate_transactions_total 'kind="invite_client"') + $(lab_metric dialgate_packets_sent_total 'result="retransmission"')))
expect_above "requests are fewer than $((CALLS * 11 / 10)): $sent;" "$sent" $((CALLS * 11 / 10))
test_outcomes
test_done
