#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Limits of a peer hold over two workers, what is beyond gets the reply that the configuration names, and a route by the
# number's beginning answers by itself; counts are zero when the calls have ended. Events tell that it is reached, and over.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_replace 's/^  - name: carrier-a$/&\n    limits: {concurrent_calls: 20, reply: 486, retry_after: 7s}/'
test_replace 's/^routes:/&\n  - {from: carrier-a, uri_user: "0190", answer: 403}/'
lab_up
test_daemons
test_callees uas
lab_start events core "$(lab_program dialgatectl)" --run-directory "$LAB_RUN" --json events follow --kind limit --kind ban --since 0
told() # PATTERN
{
    lab_wait 30 "$1" grep -qE "$1" "$LAB_DIR/events.log" || fail "the events are: $(cat "$LAB_DIR/events.log")"
}
# Limits are looked at when bans are, once a second: what was refused before the first look is not told of.
expect "ban for a second" lab_ctl prefilter ban 10.10.9.9 --for 1s
told '"kind":"ban","name":"expired"'
# Thirty calls at once that last: twenty have a place.
sipp_caller caller uac_limited -m 30 -r 300 -d 5000 -l 15000 -timeout 60s -timeout_error
lab_wait 30 'twenty calls are up' counted dialgate_dialogs 20 'state="confirmed"' || fail "$(lab_dialogs) dialogs"
expect_counted dialgate_limited_calls_total 10 'limit="peer_in"'
test_calls_end 30 40
expect_equal "calls beyond the limit" 10 "$(lab_metric dialgate_limited_calls_total 'limit="peer_in"')"
expect_equal "of the carrier" 10 "$(lab_metric dialgate_peer_calls_refused_total 'peer="carrier-a"' 'direction="in"')"
expect_equal "its limit" 20 "$(lab_metric dialgate_peer_calls_limit 'peer="carrier-a"' 'direction="in"')"
expect "peer list has both" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' peer list | grep -qE '^carrier-a .* [0-9]+/20 .* 10\$'"
test_no_dialogs
# A number that the second route answers by itself.
sed 's/STATUS/403/' "$SIPP_SCENARIOS/uac_refused.xml" >"$LAB_DIR/uac_403.xml"
test_caller uac_403 5 20 -s 0190555
expect_equal "answers by route" 5 "$(lab_metric dialgate_answers_total 'status="403"')"
test_outcomes
told '"name":"reached","limit":"peer_in","peer":"carrier-a","refused_per_second":[0-9]+,"calls":[0-9]+,"calls_per_second":[0-9]+'
told '"name":"over","limit":"peer_in","peer":"carrier-a","refused":[1-9][0-9]*,"seconds":[0-9]+'
test_done
