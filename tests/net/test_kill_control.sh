#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of dialgate-control during calls: no call fails. Started again it finds the data plane and its dialogs.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

caller_beyond() # CALLS
{
    [ "$(sipp_stat caller 'SuccessfulCall(C)')" -gt "$1" ]
}

test_up
test_callees uas
sipp_caller caller uac -m 500 -r 50 -d 2000 -l 15000 -timeout 60s -timeout_error
lab_wait 15 'calls are up' counted dialgate_dialogs 50 'state="confirmed"' || fail "$(lab_dialogs) dialogs"
boot=$(lab_metric dialgate_dataplane_start_time_seconds)
lab_kill control KILL
lab_wait 5 'control is gone' lab_ended control
before=$(sipp_stat caller 'SuccessfulCall(C)')
lab_wait 10 'calls go on without control' caller_beyond $((before + 50)) || fail "no call ended without control"
lab_control
lab_ready 20 || fail "control does not find the data plane"
expect_equal "start of the data plane" "$boot" "$(lab_metric dialgate_dataplane_start_time_seconds)"
expect_above "dialogs after control's return" 20 "$(lab_dialogs)"
expect_above "rows of dialog list" 20 "$(lab_ctl dialog list | grep -c 10.20.0.1)"
test_calls_end 500 70
test_callees_saw 500
test_no_dialogs
test_done
