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
test_callees uas
sipp_caller caller uac -m 30 -r 30 -l 100 -d 20000 -timeout 90s -timeout_error
lab_wait 15 'calls are up' count_is "$counted" || fail "$(lab_ctl --json dialog count)"
test_ends control
test_ends dataplane
expect_above "files that wait" 0 "$(files)"
test_replace 's/count: 2/count: 1/'
test_daemons
lab_wait 10 'all calls are there' count_is "$counted" || fail "$(lab_ctl --json dialog count)"
expect "status says so" bash -c "'$LAB_BUILD'/control/ctl/dialgatectl --run-directory '$LAB_RUN' status | grep -q 'taken over  30 dialogs of an earlier process, 0 damaged, 0 without room'"
expect_counted dialgate_dialogs_found_total 30 'result="taken_over"'
test_calls_end 30 90
test_no_dialogs
expect_equal "files of the process that ended" 1 "$(files)"
test_done
expect_equal "files after an end without calls" 0 "$(files)"
