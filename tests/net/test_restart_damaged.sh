#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Between kill and start an octet of one dialog changes in its file: that one is dropped and counted, the others go on.
# A file whose header has changed is left out whole, with a line in the log.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

damage() # "record" or "header": an octet of the first dialog of the first file that has one
{
    python3 - "$1" "$LAB_STATE"/dialogs.*.* <<'PYTHON'
import mmap
import sys

HEADER, JOURNAL, RECORD, CHECK = 4096, 128, 64, 20
for path in sys.argv[2:]:
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as octets:
        capacity = int.from_bytes(octets[56:60], "little")
        for record in range(HEADER + JOURNAL, HEADER + JOURNAL + capacity * RECORD, RECORD):
            if octets[record + CHECK : record + CHECK + 4] != b"\0\0\0\0":
                octets[16 if sys.argv[1] == "header" else record + 40] ^= 1
                sys.exit(0)
sys.exit("no file has a dialog")
PYTHON
}

count_is() # CONFIRMED
{
    [ "$(lab_ctl --json dialog count | sed 's/.*"confirmed":\([0-9]*\).*/\1/')" = "$1" ]
}

again() # DAMAGE
{
    lab_kill dataplane KILL
    lab_exit_status dataplane
    expect "damage" damage "$1"
    lab_dataplane
    lab_wait 30 'the data plane is new' counted dialgate_dataplane_up 1
    lab_ready 60 || fail "the data plane does not start again"
}

test_begin
# The files lie where the test looks for them.
test_set "state: {dialogs: $LAB_STATE}"
test_replace 's/count: 2/count: 1/'
test_up
test_callees uas
sipp_caller caller uac -m 10 -r 10 -l 100 -d 300000
lab_wait 30 'calls are up' count_is 10 || fail "$(lab_ctl dialog count)"
again record
lab_wait 30 'all calls but one are there' count_is 9 || fail "$(lab_ctl dialog count)"
expect_counted dialgate_dialogs_found_total 1 'result="damaged"'
expect "the log says so" grep -q 'level=warning event=dialogs_taken_over dialogs=9 damaged=1 no_room=0' "$LAB_DIR/dataplane.log"
again header
lab_wait 30 'no call is left' count_is 0 || fail "$(lab_ctl dialog count)"
expect "the log says so" grep -q 'level=error event=dialogs_refused file=.* reason="its header is damaged"' "$LAB_DIR/dataplane.log"
expect "the file is put aside" test -e "$LAB_STATE"/refused.dialogs.2.0
test_done
