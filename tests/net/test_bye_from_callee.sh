#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The callee hangs up.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_callees uas_hangs_up -d 300
test_caller uac_hears_bye 20 20
test_callees_saw 20
test_no_dialogs
test_outcomes
test_done
