#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A re-INVITE by the callee reaches the caller.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_callees uas_reinvite -d 200
test_caller uac_hears_reinvite 20 20 -d 200
test_callees_saw 20
test_no_dialogs
expect_equal "re-INVITEs" 20 "$(lab_metric dialgate_messages_total 'kind="re-INVITE"')"
test_outcomes
test_done
