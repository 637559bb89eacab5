#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An hour of calls at 100 a second, with reloads and restarts of control between them: no call fails and memory stays level.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

seconds=${SOAK_SECONDS:-3600}

resident() # of the data plane, KiB
{
    awk '/^VmRSS:/ { print $2 }' "/proc/$(cut -d' ' -f1 "$LAB_DIR/dataplane.pid")/status"
}

LAB_BUILD=$PLAIN
test_up
test_callees uas
sipp_caller caller uac -m $((seconds * 100)) -r 100 -d 3000 -l 15000 -timeout $((seconds + 120))s -timeout_error
lab_wait 60 'calls are up' counted dialgate_dialogs 200 || fail "no calls"
# Two minutes fill what lives for 32 s and longer.
deadline=$((SECONDS + seconds)) early=0
while [ "$SECONDS" -lt "$deadline" ] && lab_running caller; do
    # One look every ten seconds is this loop's purpose.
    lab_wait 10 'the caller ends' lab_ended caller 2>/dev/null || true
    lab_ctl config reload >/dev/null || fail "reload"
    if [ $((SECONDS % 120)) -lt 10 ]; then
        lab_kill control KILL
        lab_wait 5 'control is gone' lab_ended control
        lab_control
        lab_ready 20 || fail "control does not come back"
        [ "$early" != 0 ] || early=$(resident)
    fi
done
test_calls_end $((seconds * 100)) 200
test_no_dialogs 60
echo "resident: $early KiB after two minutes, $(resident) KiB at the end"
expect_above "room left below a tenth more memory" "$(resident)" $((early * 11 / 10))
test_outcomes
test_done
