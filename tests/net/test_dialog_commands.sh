#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# dialog list, show, count and end; the end of a dialog is a BYE to both sides.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_callees uas
sipp_caller caller uac_hears_bye -m 30 -r 100 -l 15000 -timeout 60s -timeout_error
lab_wait 30 'all calls are answered' counted dialgate_dialogs 30 'state="confirmed"' || fail "$(lab_dialogs) dialogs"
lab_ctl --json dialog list >"$LAB_DIR/list.json" || fail "dialog list"
lab_ctl dialog list >"$LAB_DIR/list" || fail "dialog list"
expect_equal "rows" 30 "$(grep -c '@10.10.1.1' "$LAB_DIR/list")"
expect_equal "rows with --limit" 7 "$(lab_ctl dialog list --limit 7 | grep -c '@10.10.1.1')"
expect_equal "rows of another peer's state" 0 "$(lab_ctl dialog list --state early | grep -c '@10.10.1.1')"
expect_equal "rows of a peer" 30 "$(lab_ctl dialog list --peer sbcs | grep -c '@10.10.1.1')"
expect_equal "rows older than an hour" 0 "$(lab_ctl dialog list --older 1h | grep -c '@10.10.1.1')"
expect "dialog count" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' dialog count | grep -qw '30 confirmed'"
id=$(awk 'NR == 2 { print $1 }' "$LAB_DIR/list")
call=$(awk 'NR == 2 { print $NF }' "$LAB_DIR/list")
expect "dialog show by short id" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' dialog show $id | grep -qF '$call'"
expect "dialog show by Call-ID" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' dialog show '$call' | grep -q confirmed"
expect_refusal 1 'no dialog' lab_ctl dialog show nothing
expect_refusal 1 'no dialog' lab_ctl dialog end nothing
expect_refusal 1 'nobody' lab_ctl dialog list --peer nobody
# One by Call-ID, the rest by short id. Each caller and each callee gets a BYE: SIPp would fail a call without.
expect "dialog end by Call-ID" lab_ctl dialog end "$call"
awk 'NR > 2 && $1 ~ /^[0-9a-f]+$/ && length($1) == 16 { print $1 }' "$LAB_DIR/list" | while read -r id; do
    lab_ctl dialog end "$id" >>"$LAB_DIR/end.out" 2>&1 || fail "dialog end $id: $(tail -n 1 "$LAB_DIR/end.out")"
done
test_calls_end 30 40
test_callees_saw 30
test_no_dialogs
expect_refusal 1 'no dialog' lab_ctl dialog end "$id"
test_done
