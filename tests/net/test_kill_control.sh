#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# dialgate-control killed, and stopped for some seconds, during calls: no call fails. Back again it finds the data plane and its
# dialogs, counters have not fallen, and each call has its record.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/control_deaths.sh
. "$NET/control_deaths.sh"

deaths_begin
sipp_caller caller uac -r 60 -d 1500 -l 15000
lab_wait 30 'calls are up' counted dialgate_dialogs 50 'state="confirmed"' || fail "$(lab_dialogs) dialogs"
control_dies calls_go_on 40 30
expect_above "dialogs after control's return" 20 "$(lab_dialogs)"
expect_above "rows of dialog list" 20 "$(lab_ctl dialog list | grep -c 10.20.0.1)"
control_stops calls_go_on 150 30
control_dies true
test_calls_stop
test_callees_saw "$CALLS"
test_no_dialogs
records_complete "$CALLS"
counters_rise
test_done
