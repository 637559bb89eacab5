#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The call generator of perf/ through Dialgate: every call of every kind goes as it has to, by each message that it checks, and
# Dialgate counts the same calls. Alone it finds nothing either.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=perf/peers/wires.sh
. "$ROOT/perf/peers/wires.sh"

value() # NAME: of the figures
{
    python3 -c 'import json, sys; figures = json.load(open(sys.argv[1])); print(eval(sys.argv[2], figures))' "$LAB_DIR/callgen.json" "$1"
}

test_begin
test_callgen=$LAB_BUILD/perf/callgen/callgen
[ -x "$test_callgen" ] || fail "$test_callgen is not built"
expect 'calls without a proxy' "$test_callgen" --direct --rate 500 --calls 500 --hold 200 --options 10 --callee-bye 20 --t1 10000 --json "$LAB_DIR/callgen.json" -- \
    --file-prefix "$LAB_ID-direct" --no-huge --no-shconf --no-telemetry --no-pci -m 128 --vdev net_ring0
expect_equal 'calls completed without a proxy' 500 "$(value completed)"

wires_up
wires_dialgate 2 4096 16384 64
test_set 'overload: {turn: 1s}'
test_daemons
# Nothing is repeated on a slow machine: the first wait is ten seconds.
expect 'calls through Dialgate' wires_calls --rate 200 --calls 1000 --hold 500 --ring 50 --changed 20 --cancelled 10 --refused 10 --options 10 --callee-bye 10 --t1 10000
expect_equal 'calls completed' 1000 "$(value completed)"
expect_equal 'findings' 0 "$(value 'sum(findings.values())')"
expect_equal 'messages out of order' 0 "$(value reordered)"
expect_equal 'kinds of calls' 6 "$(value 'sum(count > 0 for count in kinds.values())')"
expect_equal 'dialogs that Dialgate confirmed' "$(value 'kinds["plain"] + kinds["changed"] + kinds["hung_up"]')" \
    "$(lab_metric dialgate_dialog_events_total 'event="confirmed"')"
test_outcomes
test_no_dialogs
test_done
