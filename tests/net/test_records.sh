#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A line for each call, while the disk is full and control is killed in between.
# None is missing and none is there twice.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

lines() # of calls in the file
{
    if [ -e "$records" ]; then
        grep -c '^{' "$records" || true
    else
        echo 0
    fi
}

has_lines() # COUNT
{
    [ "$(lines)" -ge "$1" ]
}

at_end() # STATUS
{
    umount -l "$LAB_DIR/disk"
    test_logs "$1"
}

failing()
{
    [ "$(lab_metric dialgate_records_write_failures_total)" -gt 0 ]
}

test_begin
mkdir "$LAB_DIR/disk"
# Two pages: what a hundred calls write is more.
mount -t tmpfs -o size=8k tmpfs "$LAB_DIR/disk"
# shellcheck disable=SC2034 # lab_end calls it
LAB_AT_END=at_end
records=$LAB_DIR/disk/calls.json
test_set "records: {file: $records, format: json, sync: always}"
lab_up
test_daemons
test_callees uas
test_caller uac 10 20
lab_wait 30 'ten records' has_lines 10 || fail "$(lines) records"
# The disk is full soon: the data plane keeps the rest, over a kill of control.
sipp_caller caller uac -m 200 -r 100 -d 1000 -l 15000 -timeout 60s -timeout_error
lab_wait 30 'the disk is full' failing || fail "the disk is not full: $(df "$LAB_DIR/disk")"
lab_kill control KILL
lab_wait 30 'control is gone' lab_ended control
test_calls_end 200 60
lab_control
lab_ready 60 || fail "control does not come back"
mount -o remount,size=1m "$LAB_DIR/disk"
lab_wait 30 'all records' has_lines 210 || fail "$(lines) records"
python3 - "$records" 210 <<'PYTHON' || fail "see above"
import datetime, json, sys

rows = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
calls = {row["call_id"] for row in rows}
assert len(rows) == len(calls) == int(sys.argv[2]), (len(rows), len(calls))
assert len({row["record"] for row in rows}) == len(rows)
for row in rows:
    assert (row["status"], row["ended_by"], row["reason"]) == (200, "caller", "bye"), row
    assert (row["caller_peer"], row["callee_peer"]) == ("carrier-a", "sbcs"), row
    assert row["member"] in ("10.20.0.11:5060", "10.20.0.12:5060"), row
    assert row["from"].startswith("sip:") and row["to"].startswith("sip:"), row
    times = [datetime.datetime.strptime(row[k], "%Y-%m-%dT%H:%M:%S.%fZ") for k in ("start", "ring", "answer", "end")]
    assert times == sorted(times), row
    assert abs((times[3] - times[2]).total_seconds() * 1000 - row["duration_ms"]) <= 1, row
    assert "marks" not in row or row["marks"] == "repeated", row
PYTHON
expect_equal "records lost" 0 "$(lab_metric dialgate_records_lost_total)"
expect_equal "records that workers lost" 0 "$(lab_metric dialgate_call_records_total 'event="lost"')"
test_no_dialogs
test_done
