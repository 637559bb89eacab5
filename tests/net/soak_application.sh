#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# How long an operation of an application takes, through libdialgate, control and data plane, with many dialogs at once: of
# CALLS (4000; up to 100000) one half is placed, the other taken, RATE (200) operations a second; all are held, each gets a
# re-INVITE, each is ended. SIPp is the far end. Prints milliseconds, and what control's memory grew by.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

# shellcheck disable=SC2034 # lab.sh
LAB_BUILD=$PLAIN
calls=${CALLS:-4000}
rate=${RATE:-200}
half=$((calls / 2))
test_begin
test_set 'dialogs: {capacity: 65536, arena: 256MiB}'
test_set 'transactions: {capacity: 131072}'
test_set 'applications: [{name: desk, listener: edge}]'
test_set 'routes:
  - {from: carrier-a, to: desk}
  - {from: desk, to: sbcs}'
test_up
test_callees uas_held

resident() # octets of control
{
    local pid
    pid=$(cut -d' ' -f1 "$LAB_DIR/control.pid")
    awk '/^Rss:/ { print $2 * 1024 }' "/proc/$pid/smaps_rollup"
}

rested()
{
    [ "$(lab_metric dialgate_resource_used 'resource="usages"')" = 0 ]
}

said() # PATTERN
{
    grep -q "$1" "$LAB_DIR/load.out"
}

mkfifo "$LAB_DIR/load.in"
before=$(resident)
"$PLAIN/tests/net/application-load" "$LAB_RUN/control.sock" desk $((calls - half)) "$half" "$rate" \
    <"$LAB_DIR/load.in" >"$LAB_DIR/load.out" &
load=$!
echo "$load $(lab_start_time $load || echo 0)" >"$LAB_DIR/load.pid" # ended with the lab
exec 5>"$LAB_DIR/load.in"
lab_wait 30 'the application is attached' said '^attached' || fail "it is not"
sipp_caller caller uac_held -m "$half" -r $((rate / 2)) -l "$half"
lab_wait $((calls / rate + 120)) "$calls calls are held" said '^held' || fail "$(tail -n 3 "$LAB_DIR/load.out")"
grep '^held' "$LAB_DIR/load.out"
echo "control: $((($(resident) - before) / calls)) octets a dialog"
# What the 64*T1 after the calls' 2xx need is gone.
lab_wait 60 'nothing is under way' rested || fail "dialogs do not rest"
texts=$(lab_metric dialgate_resource_used 'resource="arena_octets"')
echo "data plane: $((texts / calls)) octets of texts a dialog; load $(cut -d' ' -f1-2 /proc/loadavg)"
echo >&5
wait $load || {
    cat "$LAB_DIR/load.out"
    fail "see above"
}
grep -v '^held\|^attached' "$LAB_DIR/load.out"
test_no_dialogs 40
expect_equal "calls failed at the far ends" 0 \
    $(($(sipp_stat caller 'FailedCall(C)') + $(sipp_stat sbc1 'FailedCall(C)') + $(sipp_stat sbc2 'FailedCall(C)')))
test_done
