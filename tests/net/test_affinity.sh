#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An INVITE that repeats one which an SBC answered 407 goes to that SBC, though the balance goes by turns: each callee is asked
# for credentials that it wants itself, and would challenge a stranger's anew.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_replace 's/balance: call-id/balance: weighted/'
lab_up
test_daemons
test_callees uas_challenges
test_caller uac_challenged 200 50
test_callees_saw 200
expect_equal "INVITEs that came back to their SBC" 200 "$(lab_metric dialgate_affinity_total 'event="kept"')"
expect_equal "notes that were lost" 0 "$(lab_metric dialgate_affinity_total 'event="forgotten"')"
test_no_dialogs
test_outcomes
test_done
