#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The same as test_kill_control.sh for ten minutes: kill -9 of control every five seconds under 200 calls a second, and a stop of a minute.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/control_deaths.sh
. "$NET/control_deaths.sh"

seconds=${SOAK_SECONDS:-600} stop=${SOAK_STOP:-60} rate=200
calls=$((rate * (seconds + stop + 15)))
# shellcheck disable=SC2034 # lab.sh
LAB_BUILD=$PLAIN
deaths_begin -buff_size 4194304
# SIPp that has to wait for a processor loses what its socket has no room for. A lost 180 is never repeated: no call hangs on one.
sed 's/<recv response="180"/& optional="true"/' "$SIPP_HOME/uac.xml" >"$LAB_DIR/uac_patient.xml"
sipp_caller caller uac_patient -m $calls -r $rate -d 3000 -l 15000 -buff_size 4194304 -timeout $((seconds + stop + 240))s -timeout_error
lab_wait 30 'calls are up' counted dialgate_dialogs $((rate * 2)) 'state="confirmed"' || fail "$(lab_dialogs) dialogs"
deaths=0 deadline=$((SECONDS + seconds))
while [ "$SECONDS" -lt "$deadline" ]; do
    # Five seconds from one death to the next are this loop's purpose.
    next=$((SECONDS + 5))
    control_dies true
    deaths=$((deaths + 1))
    lab_wait $((next > SECONDS ? next - SECONDS : 0)) 'the caller ends' lab_ended caller 2>/dev/null || true
done
before=$(sipp_stat caller 'SuccessfulCall(C)')
stands() # for so long: calls are the clock, and their rate is known
{
    lab_wait $((stop * 3)) 'a minute of calls' caller_beyond $((before + rate * stop)) || fail "calls do not go on"
}
control_stops stands
test_calls_end $calls 300
test_callees_saw $calls
test_no_dialogs 60
records_complete $calls
counters_rise
echo "control was killed $deaths times and stopped for $stop s; none of $calls calls failed"
test_outcomes
test_done
