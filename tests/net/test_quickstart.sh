#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The quickstart, twice in a row: all calls succeed and nothing is left. Ctrl-C in the middle leaves nothing either.
# slow alone
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
NAME=dgq$$
export QUICKSTART_LAB=$NAME

left() # nothing of it is left
{
    ! ip netns | grep -q "^$NAME-" && [ ! -e "$LAB_HOME/$NAME" ] && [ ! -e "/dev/shm/dialgate-lab-$NAME" ] &&
        ! pgrep -f "$LAB_HOME/$NAME/" >/dev/null && [ "$(cat /proc/sys/vm/nr_hugepages)" -le "$pages" ] &&
        ! grep -q "$NAME" /proc/self/mounts
}

pages=$(cat /proc/sys/vm/nr_hugepages)
for run in 1 2; do
    timeout 150 "$ROOT/config/quickstart" --no-install --build "$PLAIN" --calls 300 >"$LAB_DIR/quickstart$run.log" 2>&1 || {
        cat "$LAB_DIR/quickstart$run.log"
        fail "run $run of the quickstart"
    }
    expect "report of run $run" grep -q '450 made, 0 failed' "$LAB_DIR/quickstart$run.log"
    lab_wait 30 'nothing is left' left || fail "run $run left something: $(ip netns | grep "^$NAME-" || true) $(pgrep -af "$LAB_HOME/$NAME/" || true)"
done
# Ctrl-C goes to the whole process group of a terminal. A background job would ignore SIGINT without env.
setsid env --default-signal=INT "$ROOT/config/quickstart" --no-install --build "$PLAIN" --calls 4000 >"$LAB_DIR/quickstart3.log" 2>&1 &
quickstart=$!
lab_wait 60 'calls run' test -s "$LAB_HOME/$NAME/first.csv" || fail "no calls: $(tail -n 3 "$LAB_DIR/quickstart3.log")"
kill -INT -- "-$quickstart"
status=0
wait $quickstart || status=$?
expect_equal "status after Ctrl-C" 130 "$status"
lab_wait 30 'nothing is left after Ctrl-C' left || fail "Ctrl-C left something: $(ip netns | grep "^$NAME-" || true) $(pgrep -af "$LAB_HOME/$NAME/" || true)"
# kill -9 cannot be caught: the next start of any lab sweeps what it left.
setsid "$ROOT/config/quickstart" --no-install --build "$PLAIN" --calls 4000 >"$LAB_DIR/quickstart4.log" 2>&1 &
quickstart=$!
lab_wait 60 'calls run' test -s "$LAB_HOME/$NAME/first.csv" || fail "no calls: $(tail -n 3 "$LAB_DIR/quickstart4.log")"
kill -KILL $quickstart
wait $quickstart || true
lab_sweep
lab_wait 30 'the sweep takes all' left || fail "the sweep left something"
