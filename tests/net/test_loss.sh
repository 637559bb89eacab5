#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Wires that lose, double and reorder datagrams: calls succeed as the timers of RFC 3261 section 17 allow, and none leaves a
# dialog. soak_loss.sh is the same with many calls and the timers as they are.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/relay.sh
. "$NET/relay.sh"

test_begin
test_set 'timers: {t1: 100ms}'
lab_up
relay_links
relay_start 0
test_daemons
relay_stop
# Loss in per cent, and how many calls may fail: in 200 none is expected to, for ten repeats would have to be lost.
for spoil in 1,0 5,0 10,1; do
    relay_start "$spoil" --loss "${spoil%,*}" --duplicate 10 --reorder 25 --hold-ms 50
    relay_calls 100 200 100 "${spoil#*,}"
    relay_stop
    expect_above "lost" 0 "$(relay_count lost)"
    expect_above "doubled" 100 "$(relay_count duplicated)"
    expect_above "reordered" 300 "$(relay_count held)"
    expect_above "calls whose 200 overtook the 180" 3 "$(relay_figure overtaken)"
done
relay_start 0
test_no_dialogs 45
test_outcomes
test_done
