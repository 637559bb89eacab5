#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Many calls over bad wires with the timers as they are: at 1 % loss all of 3,000 succeed, at 5 % 99.99 % of 30,000, at 10 %
# 99.9 % of 3,000; with 10 % doubled and 25 % reordered throughout. Afterwards no dialog is left. LOSS_DIVIDE=N: an N-th of them;
# LOSS_RATE: calls a second (100).
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/relay.sh
. "$NET/relay.sh"

divide=${LOSS_DIVIDE:-1} rate=${LOSS_RATE:-100}
LAB_BUILD=$PLAIN
test_begin
# A call that fails for want of its BYE ends at its lifetime: the shortest that may be.
test_set 'dialogs: {early_lifetime: 182s, lifetime: 182s}'
lab_up
relay_links
relay_start 0
test_daemons
relay_stop
for spoil in 1,3000,0 5,30000,3 10,3000,3; do
    IFS=, read -r loss calls allowed <<<"$spoil"
    relay_start "soak-$spoil" --loss "$loss" --duplicate 10 --reorder 25
    relay_calls 500 $((calls / divide)) "$rate" "$allowed"
    relay_stop
    echo "loss $loss %: $(tr '\n' ' ' <"$LAB_DIR/calls.log"); relays: $(sed -n '/^seen/p' "$LAB_DIR"/relay-{wan,lan}.log | tr '\n' ' ')"
done
relay_start 0
test_no_dialogs 240
test_outcomes
test_done
