#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A caller gives up while the callee rings: 200 to the CANCEL from us, CANCEL to the callee, 487 to the caller.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_callees uas_cancelled
test_caller uac_cancel 20 20
test_callees_saw 20
test_no_dialogs
test_outcomes
test_done
