#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# dialgate-control killed, and stopped for some seconds, during calls: no call fails. Back again it finds the data plane and its
# dialogs, counters have not fallen, and each call has its record.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/control_deaths.sh
. "$NET/control_deaths.sh"

calls=420
deaths_begin
sipp_caller caller uac -m $calls -r 60 -d 1500 -l 15000 -timeout 60s -timeout_error
lab_wait 15 'calls are up' counted dialgate_dialogs 50 'state="confirmed"' || fail "$(lab_dialogs) dialogs"
control_dies calls_go_on 40 10
expect_above "dialogs after control's return" 20 "$(lab_dialogs)"
expect_above "rows of dialog list" 20 "$(lab_ctl dialog list | grep -c 10.20.0.1)"
control_stops calls_go_on 150 15
control_dies true
test_calls_end $calls 70
test_callees_saw $calls
test_no_dialogs
records_complete $calls
counters_rise
test_done
