#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Members are probed. One that stands still in the midst of calls is down after two probes and gets no more of them until it
# answers again; no call is lost. All down: 503, as the configuration wants it.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

MEMBERS='10\.20\.0\.1[12]:5060'

up() # SBC VALUE
{
    lab_metrics >"$LAB_DIR/metrics" # a member of whom nothing is known has no sample
    grep -q "^dialgate_member_up{.*member=\"$(sipp_address "$1"):5060\"} $2\$" "$LAB_DIR/metrics"
}

# Calls are the clock: a second of them.
fifty_more()
{
    local made
    made=$(lab_metric dialgate_messages_total 'kind="INVITE"')
    lab_wait 30 'more calls' counted dialgate_messages_total $((made + 50)) 'kind="INVITE"' || fail "no calls"
}

test_begin
LAB_BUILD=$PLAIN
test_replace 's/^    balance: call-id$/&\n    fail_open: false\n    failover: {after: 500ms}/'
test_replace 's/^    balance: call-id$/&\n    probe: {interval: 1s, timeout: 1s, down_after: 2, up_after: 2}/'
lab_up
test_callees uas_probed # the first probe finds them
test_daemons
lab_start follow core "$(lab_program dialgatectl)" --run-directory "$LAB_RUN" events follow --peer sbcs --since 0
for sbc in sbc1 sbc2; do
    lab_wait 30 "$sbc is up" up $sbc 1 || fail "$(lab_ctl peer show sbcs)"
done
sipp_caller caller uac -r 50 -l 15000
lab_wait 30 'calls are made' counted dialgate_messages_total 50 'kind="INVITE"' || fail "no calls"
lab_kill sbc1 STOP
lab_wait 30 'sbc1 is down' up sbc1 0 || fail "$(lab_ctl peer show sbcs)"
lab_ctl peer show sbcs >"$LAB_DIR/show"
expect "peer show says why" grep -qE '^10\.20\.0\.11:5060 +down +.*no answer' "$LAB_DIR/show"
for _ in 1 2; do
    fifty_more # what was sent to it before is given up after half a second
done
stays=$(lab_metric dialgate_failovers_total)
fifty_more
expect_equal "fail-overs while sbc1 is down" "$stays" "$(lab_metric dialgate_failovers_total)"
lab_kill sbc1 CONT
lab_wait 30 'sbc1 is up again' up sbc1 1 || fail "$(lab_ctl peer show sbcs)"
test_calls_stop
test_no_dialogs 40
expect_counted dialgate_member_probes_failed_total 2 'member="10.20.0.11:5060"'
# Both stand still.
lab_kill sbc1 STOP
lab_kill sbc2 STOP
for sbc in sbc1 sbc2; do
    lab_wait 30 "$sbc is down" up $sbc 0 || fail "$(lab_ctl peer show sbcs)"
done
sed 's/STATUS/503/' "$SIPP_SCENARIOS/uac_refused.xml" >"$LAB_DIR/uac_503.xml"
test_caller uac_503 10 20
lab_kill sbc1 CONT
lab_kill sbc2 CONT
# Each change was told, in the log and to who follows.
for change in "member_down peer=sbcs member=$MEMBERS reason=\"no answer\"" "member_up peer=sbcs member=$MEMBERS"; do
    expect "log: $change" grep -qE "$change" "$LAB_DIR/dataplane.log"
done
expect "event of the first one" grep -qE 'member +up +peer=sbcs member=10\.20\.0\.11:5060 from=unknown reason=- in_row=1 ' "$LAB_DIR/follow.log"
expect "event down" grep -qE 'member +down +peer=sbcs member=10\.20\.0\.11:5060 from=up reason="no answer" in_row=2 ' "$LAB_DIR/follow.log"
expect "event up" grep -qE 'member +up +peer=sbcs member=10\.20\.0\.11:5060 from=down reason=- in_row=2 ' "$LAB_DIR/follow.log"
test_outcomes
test_done
