#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A hundred calls from a carrier to two SBCs: answered, both SBCs served, nothing left, every packet counted once.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_patient uac uas
test_callees uas_patient
test_caller uac_patient 100 50 -d 300
test_callees_saw 100
expect_above "calls at sbc1" 0 "$(sipp_stat sbc1 'IncomingCall(C)')"
expect_above "calls at sbc2" 0 "$(sipp_stat sbc2 'IncomingCall(C)')"
expect_equal "retransmissions by the caller" 0 "$(sipp_stat caller 'Retransmissions(C)')"
test_no_dialogs
expect_equal "dialogs that were confirmed" 100 "$(lab_metric dialgate_dialog_events_total 'event="confirmed"')"
test_outcomes
test_done
