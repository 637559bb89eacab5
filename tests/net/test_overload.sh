#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Workers with few transactions fall behind: new calls get 503 with Retry-After, those that live go on and end, and when
# the transactions are gone new ones come through again. A peer that takes part in RFC 7339 is told the share, who follows events both changes.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'transactions: {capacity: 1024}'
test_set 'overload: {transactions: 10, turn: 1s, retry_after: 7s}'
test_set 'timers: {t1: 100ms}' # an answered INVITE stays for 6.4 s
test_replace 's/^  - name: carrier-a$/&\n    overload_control: true/'
lab_up
test_daemons
test_callees uas
lab_start events core "$(lab_program dialgatectl)" --run-directory "$LAB_RUN" --json events follow --kind health --since 0
# A worker is behind with more than 102 transactions, two a call: 250 at once are too many for two of them.
sed 's/486/503/; s/branch=\[branch\]/&;oc;oc-algo="loss"/' "$SIPP_SCENARIOS/uac_limited.xml" >"$LAB_DIR/uac_overload.xml"
sipp_caller caller uac_overload -m 250 -r 500 -d 2500 -l 15000 -timeout 60s -timeout_error -trace_msg \
    -message_file "$LAB_DIR/messages.log"
expect_counted dialgate_overloaded 1 'reason="transactions"'
expect_counted dialgate_overload_events_total 1 'event="refused"'
expect "status says so" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' status | grep -qE '^overload +[12] workers are behind'"
test_calls_end 250 40
refused=$(lab_metric dialgate_overload_events_total 'event="refused"')
expect_equal "answers 503" "$refused" "$(lab_metric dialgate_answers_total 'status="503"')"
expect "some were taken" [ "$refused" -lt 200 ]
expect_equal "Retry-After for who is told shares" 0 "$(grep -c '^Retry-After' "$LAB_DIR/messages.log" || true)"
expect "shares are told" grep -qE '^Via: .*;oc=[1-9][0-9]*;oc-validity=500;oc-seq=[0-9]+\.[0-9]{5};oc-algo="loss"' "$LAB_DIR/messages.log"
expect "the log says so" grep -qE 'event=overload worker=[01] reasons=transactions refused_percent=' "$LAB_DIR/dataplane.log"
test_no_dialogs
recovered()
{
    [ "$(lab_metric dialgate_overloaded 'reason="transactions"')" = 0 ]
}
lab_wait 30 "workers recover" recovered || fail "they are behind still"
test_caller uac 20 20
expect_equal "calls refused afterwards" "$refused" "$(lab_metric dialgate_overload_events_total 'event="refused"')"
expect "the log says that, too" grep -qE 'event=overload_over worker=[01] refused=' "$LAB_DIR/dataplane.log"
for event in '"name":"overload","worker":[01],"reasons":\["transactions"\],"refused_percent":[0-9]+' '"name":"overload_over","worker":[01],"refused":[0-9]+'; do
    lab_wait 30 "$event" grep -qE "$event" "$LAB_DIR/events.log" || fail "the events are: $(cat "$LAB_DIR/events.log")"
done
test_outcomes
test_done
