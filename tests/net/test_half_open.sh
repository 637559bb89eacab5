#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Floods of INVITEs that nobody answers, of 200s that nobody acknowledges and of CANCELs: no record stays, and memory does not grow.
# slow
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/holder/holder.sh
. "$NET/holder/holder.sh"

calls=${HALF_OPEN_CALLS:-5000}

flood() # MANNER
{
    holder flood "$1" "$calls" 2500
    lab_wait 60 "the $1 calls are begun" holder_begun || fail "$HOLDER_ANSWER"
    # Not all of them: the first ones are over when a loaded machine has begun the last.
    lab_metrics >"$LAB_DIR/metrics"
    expect_above "transactions during the $1 flood" $((calls / 10)) "$(lab_metric_sum dialgate_transactions <"$LAB_DIR/metrics")"
    [ "$1" = cancel ] || expect_above "dialogs during the $1 flood" $((calls / 10)) "$(lab_metric_sum dialgate_dialogs <"$LAB_DIR/metrics")"
}

nothing_stays()
{
    lab_metrics >"$LAB_DIR/metrics"
    [ "$(lab_metric_sum dialgate_transactions <"$LAB_DIR/metrics")" = 0 ] && [ "$(lab_metric_sum dialgate_dialogs <"$LAB_DIR/metrics")" = 0 ]
}

resident() # of the data plane, KiB
{
    awk '/^VmRSS:/ { print $2 }' "/proc/$(cut -d' ' -f1 "$LAB_DIR/dataplane.pid")/status"
}

flood_all()
{
    flood mute
    flood unacked
    flood cancel
    # 64 * T1 of either side until it gives up, the callee's being longer, and as long for what it then leaves.
    lab_wait 90 'no record stays' nothing_stays || fail "$(grep -E '^dialgate_(transactions|dialogs)\{' "$LAB_DIR/metrics")"
    holder_done 90
}

LAB_BUILD=$PLAIN
test_begin
holder_configure $((calls * 3))
# 64 * T1 is 6.4 s.
test_set "timers: {t1: 100ms}"
test_up
holder_start --capacity $((calls * 6)) --flights $((calls * 3 + 1000)) --t1 200
flood_all
before=$(resident)
flood_all
for count in timed_out unacked cancelled; do
    expect_equal "$count" $((2 * calls)) "$(holder_value $count)"
done
after=$(resident)
echo "resident: $before KiB after the first floods, $after KiB after the second"
expect_above "room below 2 % more memory" "$after" $((before * 51 / 50))
test_outcomes
holder hold 100 100
holder_done 30
expect_equal "calls after the floods" 100 "$(holder_value held)"
holder_stop
test_done
