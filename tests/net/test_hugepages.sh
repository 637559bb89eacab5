#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# alone
# DPDK takes memory.mb of huge pages and never more, though there are more: what does not fit is refused at the start, in a line that says
# what to change; calls pass on huge pages; core list says at which memory node a worker's memory is.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

HUGE_PAGES=400
test_begin
lab_up
lab_hugepages $HUGE_PAGES
[ "$(cat "$LAB_DIR/hugepages" 2>/dev/null || echo 0)" = $HUGE_PAGES ] || skip "no $HUGE_PAGES huge pages are to be had"
test_set 'memory: {mb: 64, mbufs: 16384, large_mbufs: 64}'
test_set 'dialogs: {capacity: 2000, arena: 8MiB}'
test_set 'transactions: {capacity: 2000}'

expect 'the limit of DPDK alone' "$PLAIN/tests/unit/agent/test-agent-eal-memory"

# With packets of a larger MTU all need more than there is, and there are hundreds of megabytes of huge pages beside.
lab_in core ip link set outside0 mtu 3400
lab_control
expect_refusal 1 '64 large packets do not fit in 64 MB; raise memory\.mb or lower memory\.large_mbufs' \
    lab_in core "$(lab_program dialgate-dataplane)" --run-directory "$LAB_RUN" --state-directory "$LAB_STATE" --prefilter "$LAB_BUILD/ebpf/prefilter.bpf.o"
lab_in core ip link set outside0 mtu 1500

lab_dataplane
lab_ready 60 || fail 'the data plane does not start'
expect 'huge pages' grep -q 'event=eal_started memory_mb=64 pages=huge' "$LAB_DIR/dataplane.log"
test_callees uas
test_caller uac 100 40 -d 300
expect_equal 'times that DPDK wanted more' 0 "$(lab_metric dialgate_memory_refused_total)"
elsewhere=$(lab_ctl --json core list | python3 -c 'import json, sys
for core in json.load(sys.stdin)["cores"]:
    if core["node"] is None or core["node"] != core["memory_node"] or "remote-memory" in core["placement"]: print(core)')
expect_equal 'workers whose memory is elsewhere' '' "$elsewhere"
test_done
