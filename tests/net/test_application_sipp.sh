#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# SIPp as the far end of a program's calls, called and calling, cases beside each other: answered, refused, cancelled, changed, crossed,
# challenged, redirected, forked, reliably progressed, refreshed, transferred, replaced; then with short timers: lost and never answered.
# Arguments are the names of the cases to run.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'applications:
  - {name: desk, listener: edge, refer: accept, refer_targets: [target, nowhere], replaces_from: any-peer}
  - {name: absent, listener: edge}
  - {name: strict, listener: edge, reliable: required}'
test_set "peers:
  - {name: carrier-a, listener: edge, sources: [10.10.1.0/24], members: [{address: 10.10.1.1}]}
  - name: far
    listener: core
    members: [$(for port in {20000..20199}; do printf '{address: 10.20.0.11, port: %s}, ' "$port"; done)]
  - {name: nowhere, listener: edge, members: [{address: 10.10.2.1, port: 5999}]}
  - {name: target, listener: core, members: [{address: 10.20.0.12}]}"
test_set 'routes:
  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}
  - {from: any-peer, uri_user: "900", to: desk}
  - {from: any-peer, uri_user: "901", to: absent}
  - {from: desk, uri_user: target, to: target}
  - {from: desk, uri_user: nowhere, to: nowhere}
  - {from: desk, to: far}
  - {from: strict, to: far}'
# Nothing is repeated because a loaded machine is late.
test_set 'timers: {t1: 5s, t2: 5s}'
test_set 'retry:
  - {name: never, count: 0}'
test_up
export LAB_RUN LAB_ID
calls() # ARGUMENTS...
{
    timeout 150 python3 "$NET/application_sipp.py" "$LAB_RUN" "$@" || fail "see above"
}
calls usual "$@"
test_no_dialogs
test_set 'timers: {t1: 100ms, t2: 500ms, b: 6400ms}'
expect 'reload' lab_ctl config reload
calls quick "$@"
test_no_dialogs
test_outcomes
test_done
