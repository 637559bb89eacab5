#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The files of dialogs damaged after a death, 1,000 bits and some ends cut off: what is whole comes back, what is not is counted.
# slow
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/holder/holder.sh
. "$NET/holder/holder.sh"
# shellcheck source=tests/net/holder/restart.sh
. "$NET/holder/restart.sh"

seed=${RESTART_SEED:-$$}
calls=3000

confirmed()
{
    lab_metric dialgate_dialogs 'state="confirmed"'
}

found() # RESULT
{
    lab_metric dialgate_dialogs_found_total "result=\"$1\""
}

# Those that are lost are called anew, so that every round has as much to damage.
refill()
{
    holder hold $((calls - $(confirmed))) 1000
    holder_done 60
}

damage_and_restart() # HOW COUNT
{
    lab_kill dataplane KILL
    lab_exit_status dataplane
    seed=$((seed + 1))
    expect "damage" python3 "$NET/holder/damage.py" "$1" "$seed" "$2" "$LAB_STATE"/dialogs.[0-9]*.[0-9]*
    lab_dataplane
    lab_ready 60 || fail "the data plane does not start after damage.py $1 $seed $2"
}

# Whatever was there is there again, or is counted, or its file was refused.
accounted() # WHAT BEFORE
{
    local taken damaged refused
    taken=$(found taken_over) damaged=$(found damaged)
    refused=$(grep -c event=dialogs_refused "$LAB_DIR/dataplane.log") || true
    echo "$1: $2 dialogs, $taken taken over, $damaged damaged, $((refused - refused_before)) files refused"
    expect_above "$1: dialogs that came back" 0 "$(confirmed)"
    [ "$refused" -gt "$refused_before" ] || expect_above "$1: dialogs taken over or counted" $(($2 - 1)) $((taken + damaged))
    refused_before=$refused
    lost=$((lost + $2 - taken))
}

round() # HOW COUNT
{
    local before
    refill
    before=$(confirmed)
    damage_and_restart "$@"
    accounted "$*" "$before"
}

echo "RESTART_SEED=$seed"
test_begin
holder_configure "$calls"
test_set "dialogs: {capacity: 8192, arena: 32MiB}"
test_up
holder_start --capacity 100000
refused_before=0 lost=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
    round flip 100
done
expect_equal "files refused for bits behind their heads" 0 "$refused_before"
expect_above "dialogs lost to 1,000 bits" 100 "$lost"
round head 1
expect_equal "files refused for a bit in a head" 1 "$refused_before"
# The last one ends within the records, the one before within the texts.
round cut 1
round cut 90
round cut 99
expect_equal "files refused that end within their records" 2 "$refused_before"
# Each call outside goes on, with a dialog or without: its Route has our cookie.
holder end all 2000
holder_done 60
restart_counts 0
holder_stop
test_done
