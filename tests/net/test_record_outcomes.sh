#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Each record says what became of its call, of whatever end, over logrotate, kill -9 of control and a restart of the data
# plane: one line a call, in the file of that time.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

asked() # STEP
{
    [ -e "$LAB_DIR/at.$1" ] || lab_ended calls
}

step() # STEP
{
    lab_wait 60 "the calls are at $1" asked "$1" || fail "the calls never come to $1"
    [ -e "$LAB_DIR/at.$1" ] || fail "$(tail -n 40 "$LAB_DIR/calls.log")"
}

lines() # of calls in all files
{
    cat "$LAB_DIR"/log/calls.csv* | grep -c '"call-' || true
}

has_lines() # COUNT
{
    [ "$(lines)" -ge "$1" ]
}

type logrotate >/dev/null 2>&1 || skip "no logrotate here"
test_begin
mkdir "$LAB_DIR/log"
test_set 'timers: {t1: 100ms, b: 3s}'
test_replace '/from: sbcs, to: carrier-a/d'
test_up
# Two rings of 4 MiB, from when they are wanted.
expect_above "a bound of the KiB without records" "$(du -k "$LAB_STATE/calls" | cut -f 1)" 64
test_set "records: {file: $LAB_DIR/log/calls.csv, sync: never}"
expect "reload" lab_ctl config reload
expect_above "KiB that wait for records" 8191 "$(du -k "$LAB_STATE/calls" | cut -f 1)"
lab_start calls core env PYTHONPATH="$NET" LAB_ID="$LAB_ID" timeout 100 python3 "$NET/record_calls.py" "$(lab_program dialgatectl)" "$LAB_RUN" "$LAB_DIR"
# The project's own rules with other paths, and without systemd to carry the signal.
step turned
lab_wait 30 'records until here' has_lines 10 || fail "$(lines) records"
sed -E "s|^/var/log/dialgate.*\{|$LAB_DIR/log/*.csv {|; s|su dialgate dialgate|su root root|; /delaycompress/d
    s|systemctl kill.*|kill -USR1 ${LAB_PIDS[control]}|" "$ROOT/config/logrotate" >"$LAB_DIR/logrotate"
chmod 644 "$LAB_DIR/logrotate"
chmod 755 "$LAB_DIR/log"
expect "logrotate" logrotate --force --state "$LAB_DIR/logrotate.state" "$LAB_DIR/logrotate"
expect "what was turned is compressed" test -s "$LAB_DIR/log/calls.csv.1.gz"
gunzip "$LAB_DIR/log/calls.csv.1.gz"
touch "$LAB_DIR/done.turned"
step control-killed
lab_wait 30 'one record more' has_lines 11 || fail "$(lines) records"
lab_kill control KILL
lab_wait 30 'control is gone' lab_ended control
touch "$LAB_DIR/done.control-killed"
step dataplane-restarted
expect_equal "records without control" 11 "$(lines)"
lab_control
lab_ready 60 || fail "control does not come back"
lab_wait 30 'the record from meanwhile' has_lines 12 || fail "$(lines) records"
lab_kill dataplane TERM
lab_wait 30 'the data plane is gone' lab_ended dataplane
lab_dataplane
lab_ready 60 || fail "the data plane does not come back"
touch "$LAB_DIR/done.dataplane-restarted"
lab_wait 30 'all calls are over' lab_ended calls || fail "calls go on"
lab_wait 30 'all records' has_lines 13 || fail "$(lines) records"
python3 - "$LAB_DIR" <<'PYTHON' || fail "see above"
import csv, datetime, glob, json, sys

wanted = json.load(open(sys.argv[1] + "/wanted.json"))
files = {name: list(csv.DictReader(open(name, newline=""))) for name in glob.glob(sys.argv[1] + "/log/calls.csv*")}
assert sorted(len(rows) for rows in files.values()) == [3, 10], {name: len(rows) for name, rows in files.items()}
rows = {row["call_id"]: row for rows in files.values() for row in rows}
assert rows.keys() == wanted.keys() and len({row["record"] for row in rows.values()}) == 13, rows.keys() ^ wanted.keys()
for call_id, row in rows.items():
    want = {"caller_peer": "carrier-a", "callee_peer": "sbcs", "cause": "", "marks": "", **wanted[call_id]}
    times = want.pop("times")
    found = {name: row[name] for name in ("start", "ring", "answer", "end") if row[name]}
    assert list(found) == times, (row, times)
    moments = [datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ") for text in found.values()]
    assert moments == sorted(moments), row
    span = lambda a, b: str(round((datetime.datetime.strptime(found[b], "%Y-%m-%dT%H:%M:%S.%fZ") - datetime.datetime.strptime(found[a], "%Y-%m-%dT%H:%M:%S.%fZ")).total_seconds() * 1000)) if a in found and b in found else ""
    assert row["post_dial_delay_ms"] == (span("start", "ring") or span("start", "answer")), row
    assert (row["answer_ms"], row["duration_ms"]) == (span("start", "answer"), span("answer", "end")), row
    for name, value in want.items():
        assert row[name] == str(value), (name, value, row)
PYTHON
expect_equal "records lost" 0 "$(lab_metric dialgate_records_lost_total)"
test_no_dialogs
test_done
