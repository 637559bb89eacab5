#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# dialog end --all with 100,000 calls held: BYE to both ends of each, and nothing is left.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/holder/holder.sh
. "$NET/holder/holder.sh"

LAB_BUILD=$PLAIN
calls=${END_CALLS:-100000}

hung_up() # CALLS
{
    holder report
    [ "$(holder_value hung_up)" = "$1" ]
}

test_begin
holder_configure "$calls"
test_up
holder_start --capacity $((calls + 10000))
holder hold "$calls" 2000
holder_done $((calls / 1000 + 60))
expect_equal "calls held" "$calls" "$(holder_value held)"
holder let-end
lab_ctl dialog end --all --rate 1000 >"$LAB_DIR/end" || fail "dialog end: $(cat "$LAB_DIR/end")"
expect_equal "what dialog end says" "$calls" "$(sed -nE 's/^ended ([0-9,]+) dialogs.*/\1/p' "$LAB_DIR/end" | tr -d ,)"
lab_wait 40 'both ends of each call got BYE' hung_up "$calls" || fail "$(holder_value hung_up) of $calls calls"
holder_clean
test_no_dialogs
holder_stop
test_done
