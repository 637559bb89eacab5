#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# With dry-run the prefilter counts what it would drop and drops nothing.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'prefilter: {mode: dry-run, stranger_invite: {rate: 2, burst: 5}}'
test_up
lab_start flood stranger python3 "$ROOT/config/lab/flood.py" --source 10.10.2.1 --target 10.10.0.10 --rate 500 --seconds 2
lab_wait 30 'the flood ends' lab_ended flood || fail "flood.py does not end"
expect_counted dialgate_prefilter_packets_total 500 'reason="dry_run_stranger_invite_rate"'
for reason in stranger_invite_rate stranger_rate strangers_rate; do
    expect_equal "drops by $reason" 0 "$(lab_metric dialgate_prefilter_packets_total "reason=\"$reason\"")"
done
# They went to the workers, which refuse strangers themselves.
expect_counted dialgate_packets_total 900 'reason="unknown_source"'
# Enforced by a reload: the same flood is dropped.
test_set 'prefilter: {mode: enforce, stranger_invite: {rate: 2, burst: 5}}'
expect "reload" lab_ctl config reload
lab_start flood2 stranger python3 "$ROOT/config/lab/flood.py" --source 10.10.2.1 --target 10.10.0.10 --rate 500 --seconds 2
lab_wait 30 'the flood ends' lab_ended flood2 || fail "flood.py does not end"
expect_counted dialgate_prefilter_packets_total 900 'reason="stranger_invite_rate"'
test_done
