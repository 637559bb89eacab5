#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Both daemons are ended and started again, with one worker instead of two: calls that are up go on, are counted and end.
# A clean end without calls leaves no file.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

count_is() # JSON
{
    [ "$(lab_ctl --json dialog count)" = "$1" ]
}

files() # of the dialogs, whatever they are called
{
    find "$LAB_STATE" /dev/hugepages/"dialgate-lab-$LAB_ID" -name '*dialogs.*.*' 2>/dev/null | wc -l
}

counted='{"total":30,"states":{"none":0,"early":0,"confirmed":30,"terminating":0},"peers":[{"name":"carrier-a","in":30,"out":0},{"name":"sbcs","in":0,"out":30}]}'
test_up
# The calls last until the file is there.
cat >"$LAB_DIR/peers.py" <<'PYTHON'
import pathlib
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
calls = [Call(carrier, sbcs) for _ in range(30)]
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.1)
for call in calls:
    call.hang_up()
passed()
PYTHON
lab_start peers core env LAB_ID="$LAB_ID" timeout 200 python3 "$LAB_DIR/peers.py" "$LAB_DIR/restarted"
lab_wait 30 'calls are up' count_is "$counted" || fail "$(lab_ctl --json dialog count)"
test_ends control
test_ends dataplane
expect_above "files that wait" 0 "$(files)"
test_replace 's/count: 2/count: 1/'
test_daemons
lab_wait 30 'all calls are there' count_is "$counted" || fail "$(lab_ctl --json dialog count)"
expect "status says so" bash -c "'$LAB_BUILD'/control/ctl/dialgatectl --run-directory '$LAB_RUN' status | grep -q 'taken over  30 dialogs of an earlier process, 0 damaged, 0 without room'"
expect_counted dialgate_dialogs_found_total 30 'result="taken_over"'
touch "$LAB_DIR/restarted"
lab_wait 60 'the calls end' lab_ended peers || fail "they do not end"
lab_exit_status peers
[ "$LAB_STATUS" = 0 ] || fail "$(cat "$LAB_DIR/peers.log")"
test_no_dialogs
expect_equal "files of the process that ended" 1 "$(files)"
test_done
expect_equal "files after an end without calls" 0 "$(files)"
