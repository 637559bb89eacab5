#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What happens in and around a program's calls, beside each other, called and calling: cancelled at each moment, crossed, forked,
# challenged, redirected, failed over, put on hold, refreshed, registered, out of order. Then the data plane is killed: the calls
# go on. Each call is in the records. Arguments are the names of the cases to run.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'applications:
  - {name: desk, listener: edge}'
test_set 'retry:
  - {name: quick, count: 2, first: 10ms, cap: 50ms}'
test_set "records: {file: $LAB_DIR/records.csv}"
test_set 'routes:
  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}
  - {from: carrier-a, uri_user: "900", to: desk}
  - {from: carrier-a, to: sbcs}
  - {from: sbcs, to: carrier-a}
  - {from: desk, to: sbcs}'
test_up
calls() # ARGUMENTS...
{
    LAB_ID=$LAB_ID timeout 120 python3 "$NET/application_calls.py" "$LAB_RUN" "$@" || fail "see above"
}
calls "$@"
test_no_dialogs
calls begin "$LAB_DIR/calls.json"
lab_kill dataplane KILL
lab_wait 30 'the data plane is gone' lab_ended dataplane || fail "the data plane lives on"
lab_dataplane
lab_ready 60 || fail "the data plane does not come back"
calls end "$LAB_DIR/calls.json"
test_no_dialogs
# Calls of both roles that were answered, by the peer at their other end.
recorded() # CALLS PATTERN
{
    [ "$(grep -cE "$2" "$LAB_DIR/records.csv")" -ge "$1" ]
}
for pattern in '"carrier-a","desk"' '"desk","sbcs"'; do
    lab_wait 30 "records of $pattern" recorded 30 "$pattern" || fail "$(wc -l <"$LAB_DIR/records.csv") records: $(tail -n 4 "$LAB_DIR/records.csv")"
done
test_done
