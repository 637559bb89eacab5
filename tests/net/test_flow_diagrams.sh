#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The sequence diagrams of control/ua/FLOWS.md are what passes: each flow is played, captured and drawn, and compared with the
# file party by party. FLOWS_WRITE=1 writes the file.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'timers: {t1: 5s, t2: 5s}' # what waits for an answer here is not repeated meanwhile
test_set "capture: {directory: $LAB_DIR/captures}"
test_set 'applications: [{name: desk, listener: edge, refer: accept, refer_targets: ["+49@*"], replaces: ask}]'
test_set 'routes:
  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}
  - {from: carrier-a, uri_user: "900", to: desk}
  - {from: carrier-a, to: sbcs}
  - {from: sbcs, to: carrier-a}
  - {from: desk, to: sbcs}'
test_up
drawn=$LAB_DIR/flows.md
PYTHONPATH=$NET LAB_ID=$LAB_ID timeout 120 python3 "$NET/flows.py" "$(lab_program dialgatectl)" "$LAB_RUN" \
    "$LAB_DIR/captures" "$drawn" || fail "see above"
committed=$ROOT/control/ua/FLOWS.md
[ "${FLOWS_WRITE:-0}" = 0 ] || cp "$drawn" "$committed"
python3 "$NET/flow_diagram.py" "$committed" "$drawn" || fail "the diagrams of control/ua/FLOWS.md are not what passes"
test_done
