#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 180 and 200 that leave the callee together reach the caller in this order: 20,000 calls, 500 a second, two workers.
# slow
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

# SIPp and both workers share the machine: the programs without sanitizers.
LAB_BUILD=$PLAIN
test_up
test_callees uas_back_to_back
# A caller that gets the 200 first has a failed call; one call must fail when the callee turns them round.
test_caller uac_in_order "${ORDER_CALLS:-20000}" 500 -d 100
test_callees_saw "${ORDER_CALLS:-20000}"
test_no_dialogs 60
expect_above "messages that changed the core" 1000 "$(lab_metric dialgate_steered_total 'owner="other"')"
for worker in 0 1; do
    expect_above "calls of worker $worker" 1000 "$(lab_metric dialgate_dialog_events_total "worker=\"$worker\"" 'event="confirmed"')"
done
test_outcomes
# The check itself: 200 before 180 is seen as a failure.
lab_stop sbc1 sbc2 || true
python3 - "$SIPP_SCENARIOS/uas_back_to_back.xml" >"$LAB_DIR/uas_reversed.xml" <<'PYTHON'
import re, sys
text = open(sys.argv[1]).read()
ringing, ok = re.findall(r"  <send.*?</send>\n", text, re.S)[:2]
print(text.replace(ringing + ok, ok + ringing), end="")
PYTHON
test_callees uas_reversed
sipp_caller caller uac_in_order -m 5 -r 5 -d 100 -timeout 20s
lab_wait 30 'the reversed calls end' lab_ended caller || fail "SIPp does not end"
expect_equal "reversed calls that failed" 5 "$(sipp_stat caller 'FailedCall(C)')"
test_done
