#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 180 and 200 that leave the callee together reach the caller in this order: 20,000 calls, 500 a second, two workers.
# slow alone
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

calls=${ORDER_CALLS:-20000}

watch() # NAME SOURCE
{
    lab_start "$1" carrier python3 "$NET/order_watch.py" eth0 "$2"
    lab_wait 30 'the watcher watches' grep -q watching "$LAB_DIR/$1.log" || fail "order_watch.py does not start"
}

watched() # NAME WHAT
{
    sed -n "s/.*$2=\([0-9]*\).*/\1/p" "$LAB_DIR/$1.log"
}

# SIPp and both workers share the machine: the programs without sanitizers.
LAB_BUILD=$PLAIN
test_up
watch watch 10.10.0.10
test_callees uas_back_to_back
test_caller uac_in_order "$calls" 500 -d 100
lab_stop watch || fail "order_watch.py does not end"
cat "$LAB_DIR/watch.log"
expect_equal "packets that the watcher lost" 0 "$(watched watch unseen)"
expect_equal "calls whose 200 came first" 0 "$(watched watch overtaken)"
expect_above "calls that were seen to ring" $((calls * 99 / 100)) "$(watched watch ringing)"
test_no_dialogs 60
expect_above "messages that changed the core" "$calls" "$(lab_metric dialgate_steered_total 'owner="other"')"
for worker in 0 1; do
    expect_above "calls of worker $worker" $((calls / 4)) "$(lab_metric dialgate_dialog_events_total "worker=\"$worker\"" 'event="confirmed"')"
done
test_outcomes
# The check itself: a 180 behind its 200 is seen. Dialgate would not send one on, so this comes from elsewhere.
watch watch_reversed 10.10.2.1
test_peers <<'PYTHON'
from sip_peer import *

stranger = Peer("stranger")
for call in range(5):
    for status in (200, 180) if call < 3 else (180, 200, 180):
        stranger.send(f"SIP/2.0 {status} X\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\n\r\n", (ADDRESSES["carrier"], 5999))
passed()
PYTHON
lab_stop watch_reversed || fail "order_watch.py does not end"
expect_equal "reversed calls that were seen" 3 "$(watched watch_reversed overtaken)"
test_done
