# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Control killed and stopped under calls, and what must be whole afterwards. Sourced after lab.sh; deaths_begin instead of test_up.

# A failing test prints what the data plane did that ends no call well.
deaths_logs() # STATUS
{
    test_logs "$1"
    [ "$1" -ne 0 ] && [ "$1" -ne 77 ] || return 0
    echo "--- counters:"
    lab_metrics | grep -E '^dialgate_(packets_total|answers_total|overload|limited|failovers|transaction_events).* [1-9]' || true
    awk '/^.?[0-9][0-9][0-9][0-9]-/ && !/Continuing call/ { sub(/^[^:]*:[^:]*:[^:]*: /, ""); print substr($0, 1, 60) }' "$LAB_DIR/caller.errors" | sort | uniq -c | sort -rn | head -n 8
}

deaths_begin() # [ARGUMENTS OF THE CALLEES' SIPP...]
{
    test_begin
    # shellcheck disable=SC2034 # lab_end calls it
    LAB_AT_END=deaths_logs
    records=$LAB_DIR/calls.json
    test_set "records: {file: $records, format: json}"
    test_up
    boot=$(lab_metric dialgate_dataplane_start_time_seconds)
    counters_rise
    test_callees uas "$@"
}

# Every counter of the data plane is what it was at the look before, or more.
counters_rise()
{
    lab_metrics | python3 "$NET/monotonic.py" "$LAB_DIR/counters.json" >"$LAB_DIR/fallen" ||
        fail "counters fell: $(head -n 5 "$LAB_DIR/fallen")"
}

caller_beyond() # CALLS
{
    [ "$(sipp_stat caller 'SuccessfulCall(C)')" -gt "$1" ]
}

# Control is back, and finds the same process of the data plane.
control_is_back()
{
    lab_ready 60 || fail "control does not find the data plane"
    expect_equal "start of the data plane" "$boot" "$(lab_metric dialgate_dataplane_start_time_seconds)"
    counters_rise
}

control_dies() # [COMMAND...]: which succeeds while it is dead
{
    lab_kill control KILL
    lab_wait 30 'control is gone' lab_ended control
    "$@"
    lab_control
    control_is_back
}

control_stops() # COMMAND...: which succeeds while it stands still
{
    lab_kill control STOP
    "$@"
    lab_kill control CONT
    control_is_back
}

calls_go_on() # CALLS SECONDS
{
    local before
    before=$(sipp_stat caller 'SuccessfulCall(C)')
    lab_wait "$2" 'calls go on without control' caller_beyond $((before + $1)) || fail "no $1 calls ended without control"
}

lines_reach() # COUNT
{
    [ "$(grep -c '^{' "$records")" -ge "$1" ]
}

# A line for each call. One that is there twice, since control was killed between the file and its note of that, says so.
records_complete() # CALLS
{
    lab_wait 30 "$1 records" lines_reach "$1" || fail "$(grep -c '^{' "$records") records of $1 calls"
    python3 - "$records" "$1" <<'PYTHON' || fail "see above"
import json, sys

whole, doubled, calls = 0, 0, set()
for line in open(sys.argv[1]):
    row = json.loads(line)
    if "repeated" in row.get("marks", ""):
        doubled += row["call_id"] in calls
    else:
        assert row["call_id"] not in calls, ("twice, and does not say so", row)
    calls.add(row["call_id"])
    whole += 1
    assert (row["status"], row["ended_by"]) == (200, "caller"), row
assert len(calls) == int(sys.argv[2]), (len(calls), sys.argv[2])
assert whole == len(calls) + doubled, (whole, len(calls), doubled)
print("%d records, %d of them twice and marked" % (whole, doubled))
PYTHON
    expect_equal "records lost" 0 "$(grep -c event=records_lost "$LAB_DIR/control.log")"
    expect_equal "records that workers lost" 0 "$(lab_metric dialgate_call_records_total 'event="lost"')"
}
