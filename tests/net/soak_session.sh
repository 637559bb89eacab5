#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Session timers of a program's calls, SIPp as the far end, called and calling, in their own time: we refresh, nobody refreshes, the
# refresh finds no dialog; and a call that rings until dialogs.early_lifetime. Four minutes.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'applications:
  - {name: desk, listener: edge}
  - {name: strict, listener: edge}'
test_set "peers:
  - {name: carrier-a, listener: edge, sources: [10.10.1.0/24], members: [{address: 10.10.1.1}]}
  - name: far
    listener: core
    members: [$(for port in {20000..20199}; do printf '{address: 10.20.0.11, port: %s}, ' "$port"; done)]"
test_set 'routes:
  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}
  - {from: any-peer, uri_user: "900", to: desk}
  - {from: desk, to: far}'
test_set 'timers: {t1: 5s, t2: 5s, c: 180s}'
test_set 'dialogs: {early_lifetime: 181s}'
test_up
export LAB_RUN LAB_ID
timeout 320 python3 "$NET/application_sipp.py" "$LAB_RUN" slow "$@" || fail "see above"
test_no_dialogs 60
test_done
