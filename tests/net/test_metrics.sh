#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Metrics are clean Prometheus text, health and readiness say what is so, and both count the same as the calls.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
lab_up
lab_control
lab_wait 10 'control answers' lab_http /healthz || fail "no /healthz"
expect "not ready without a data plane" bash -c "! nsenter --net=/run/netns/$LAB_ID-core curl -fsS http://127.0.0.1:9464/readyz"
lab_dataplane
lab_ready 30 || fail "not ready"
test_callees uas
test_caller uac 50 50 -d 300
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
for command in 'status' 'core list' 'peer list' 'peer show sbcs' 'dialog list' 'dialog count' 'config show' 'prefilter show' 'prefilter top' 'metrics'; do
    # shellcheck disable=SC2086
    lab_ctl --json $command >"$LAB_DIR/json" 2>"$LAB_DIR/json.err" || fail "dialgatectl --json $command: $(cat "$LAB_DIR/json.err")"
    expect "dialgatectl --json $command is JSON" python3 -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' "$LAB_DIR/json"
    # shellcheck disable=SC2086
    expect "dialgatectl $command" lab_ctl $command
done
test_done
