#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Long sessions through Dialgate: early media in a reliable 183 with its PRACK, early UPDATE, refreshes by re-INVITE and UPDATE, INFO,
# a refused re-INVITE; late offers, with a description near the MTU, whose answer comes in the ACK.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_callees uas_session
test_caller uac_session 20 20
test_callees_saw 20
test_no_dialogs
lab_stop sbc1 sbc2 || true
test_callees uas_late_offer
test_caller uac_late_offer 20 20 -d 100
test_callees_saw 20
test_no_dialogs
expect_equal "dialogs that were confirmed" 40 "$(lab_metric dialgate_dialog_events_total 'event="confirmed"')"
test_outcomes
test_done
