#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A busy callee: the 486 reaches the caller, its ACK ends here and ours goes on (RFC 3261 17.1.1.3).
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_patient uas_busy
test_callees uas_busy_patient
sed 's/STATUS/486/' "$SIPP_SCENARIOS/uac_refused.xml" >"$LAB_DIR/uac_486.xml"
test_caller uac_486 20 20
test_callees_saw 20
test_no_dialogs
expect_equal "dialogs refused" 20 "$(lab_metric dialgate_dialog_events_total 'event="refused"')"
expect_equal "retransmissions by callees" 0 $(($(sipp_stat sbc1 'Retransmissions(C)') + $(sipp_stat sbc2 'Retransmissions(C)')))
test_outcomes
test_done
