#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Metrics are clean Prometheus text, health and readiness say what is so, and both count the same as the calls.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
lab_up
lab_control
lab_wait 30 'control answers' lab_http /healthz || fail "no /healthz"
expect "not ready without a data plane" bash -c "! nsenter --net=/run/netns/$LAB_ID-core curl -fsS http://127.0.0.1:9464/readyz"
lab_dataplane
lab_ready 60 || fail "not ready"
test_patient uac uas
test_callees uas_patient
test_caller uac_patient 50 50 -d 300
test_no_dialogs
lab_metrics >"$LAB_DIR/metrics.txt"
expect "promtool check metrics" bash -c "promtool check metrics <'$LAB_DIR/metrics.txt'"
expect "dialgatectl metrics gives the same families" bash -c "diff <(grep '^# TYPE' '$LAB_DIR/metrics.txt') \
    <('$(lab_program dialgatectl)' --run-directory '$LAB_RUN' metrics | grep '^# TYPE')"
grep -o '^dialgate_[a-z0-9_]*' "$LAB_DIR/metrics.txt" | sed -E 's/_(bucket|sum|count)$//' | sort -u >"$LAB_DIR/families"
expect_above "families" 15 "$(wc -l <"$LAB_DIR/families")"
while read -r family; do
    grep -q "^# HELP $family" "$LAB_DIR/metrics.txt" || fail "$family has no HELP"
    grep -q "^# TYPE $family" "$LAB_DIR/metrics.txt" || fail "$family has no TYPE"
done <"$LAB_DIR/families"
expect_equal "INVITEs" 50 "$(lab_metric dialgate_messages_total 'kind="INVITE"')"
expect_equal "BYEs" 50 "$(lab_metric dialgate_messages_total 'kind="BYE"')"
expect_equal "calls from the carrier" 50 "$(lab_metric dialgate_peer_calls_total 'peer="carrier-a"' 'direction="in"')"
expect_equal "calls to members" 50 "$(lab_metric dialgate_member_calls_total 'peer="sbcs"')"
expect_equal "post-dial delays" 50 "$(lab_metric dialgate_post_dial_delay_seconds_count)"
expect_equal "answer times" 50 "$(lab_metric dialgate_answer_time_seconds_count)"
expect_equal "ended calls" 50 "$(lab_metric dialgate_call_duration_seconds_count)"
expect_above "forwarded messages" 299 "$(lab_metric dialgate_forwarding_latency_seconds_count)"
expect_above "turns" 49 "$(lab_metric dialgate_turn_seconds_count)"
expect_equal "INVITEs of the carrier" 50 "$(lab_metric dialgate_peer_requests_total 'peer="carrier-a"' 'method="INVITE"')"
expect_counted dialgate_mbufs_capacity 1
expect_counted dialgate_network_packets_received_total 100 'network="outside"'
expect_equal "taken reloads" 0 "$(lab_metric dialgate_configuration_reloads_total 'result="taken"')"
expect "reload" lab_ctl config reload
expect_equal "taken reloads" 1 "$(lab_metric dialgate_configuration_reloads_total 'result="taken"')"
expect "a broken file is refused" bash -c "! '$(lab_program dialgatectl)' --run-directory '$LAB_RUN' config reload /dev/null"
expect_equal "refused reloads" 1 "$(lab_metric dialgate_configuration_reloads_total 'result="refused"')"
expect_equal "the last reload failed" 0 "$(lab_metric dialgate_configuration_last_reload_successful)"

# The families are those of the reference, and no other; so are the names in dashboard and alert rules.
expect "families of /metrics are those of control/METRICS.md" bash -c "diff <(grep '^# TYPE' '$LAB_DIR/metrics.txt' | cut -d' ' -f3,4 | sort) \
    <(sed -nE 's/^\| \`(dialgate_[a-z0-9_]+)\` \| ([a-z]+) .*/\1 \2/p' '$ROOT/control/METRICS.md' | sort)"

# The same counters on DPDK's own socket.
telemetry() # COMMAND
{
    echo "$1" | dpdk-telemetry.py -f "dialgate$(realpath "$LAB_RUN" | tr / -)"
}
telemetry /dialgate/counters >"$LAB_DIR/telemetry" || fail "no telemetry: $(cat "$LAB_DIR/telemetry")"
for pair in message_invite:dialgate_messages_total:'kind="INVITE"' dialog_ended:dialgate_dialog_events_total:'event="ended"'; do
    IFS=: read -r name family label <<<"$pair"
    expect_equal "telemetry's $name" "$(lab_metric "$family" "$label")" \
        "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["/dialgate/counters"][sys.argv[2]])' "$LAB_DIR/telemetry" "$name")"
done
for command in workers counters,0 histograms histograms,turn peers,0 members,0 networks; do
    expect "/dialgate/$command tells something" grep -q '[0-9]' <(telemetry "/dialgate/$command")
done
expect "/dialgate/counters of no worker tells nothing" grep -q null <(telemetry /dialgate/counters,99)
for command in 'status' 'core list' 'peer list' 'peer show sbcs' 'dialog list' 'dialog count' 'config show' 'prefilter show' 'prefilter top' 'metrics'; do
    # shellcheck disable=SC2086
    lab_ctl --json $command >"$LAB_DIR/json" 2>"$LAB_DIR/json.err" || fail "dialgatectl --json $command: $(cat "$LAB_DIR/json.err")"
    expect "dialgatectl --json $command is JSON" python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$LAB_DIR/json"
    # shellcheck disable=SC2086
    expect "dialgatectl $command" lab_ctl $command
done
test_done
