#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Four queues of one interface, two workers: whatever queue a call's messages come by, one worker owns them all, in order;
# fragments too. All by one queue: both workers have as much to do. An inbox that is full loses what it counts and nothing else.
# slow
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

spoke()
{
    grep -qE '^(passed|failed)' "$LAB_DIR/queues.log"
}

# Times are printed: the programs without sanitizers.
LAB_BUILD=$PLAIN
test_begin
[ -c /dev/net/tun ] || skip "no /dev/net/tun"
cat >"$LAB_DIR/dialgate.yaml" <<'YAML'
networks:
  near: {interface: queues0, attach: af_xdp, queues: 4}
listeners:
  - {name: edge, network: near, address: 10.10.0.10, port: 5060}
peers:
  - {name: carrier-a, listener: edge, sources: [10.10.1.0/24], members: [{address: 10.10.1.1}]}
  - {name: sbcs, listener: edge, members: [{address: 10.10.2.1}]}
routes:
  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}
  - {from: carrier-a, to: sbcs}
workers: {count: 2}
# Nothing may be repeated, or refused for want of time, by a machine that is slow.
timers: {t1: 5s, t2: 5s}
overload: {turn: 1s}
YAML
# The far end has the descriptors of a TAP in the namespace core, so that it says itself which queue a frame comes by.
ip netns add "$LAB_ID-core"
lab_in core ip link set lo up
lab_start queues core python3 "$NET/queues.py" queues0 "$(lab_program dialgatectl)" "$LAB_RUN" "$LAB_DIR"
lab_wait 30 'the far end has the interface' grep -q attached "$LAB_DIR/queues.log" || fail "$(cat "$LAB_DIR/queues.log")"
lab_in core ip address add 10.10.0.10/16 dev queues0
lab_in core ip link set queues0 up txqueuelen 16384 # of each queue: what the far end has not read yet
for address in 10.10.1.1 10.10.2.1; do
    lab_in core ip neighbour add "$address" lladdr 02:00:00:00:d1:a1 dev queues0 nud permanent
done
test_daemons
touch "$LAB_DIR/go"
lab_wait 600 'the far end is done' spoke || fail "queues.py hangs: $(cat "$LAB_DIR/queues.log")"
cat "$LAB_DIR/queues.log"
grep -q '^passed' "$LAB_DIR/queues.log" || fail "see above"
lab_ctl core list
expect_counted dialgate_steered_fragments_total 60
expect_equal "datagrams put together" 60 "$(lab_metric dialgate_reassembly_total 'result="whole"')"
expect_equal "messages that left in fragments" 60 "$(lab_metric dialgate_packets_sent_total 'result="fragmented"')"
expect_equal "fragments but the last of each" 120 "$(lab_metric dialgate_packets_total 'outcome="fragment"')"
for worker in 0 1; do
    expect_above "datagrams that worker $worker put together" 10 "$(lab_metric dialgate_reassembly_total "worker=\"$worker\"" 'result="whole"')"
done
expect_equal "refused as of no dialog" 0 "$(lab_metric dialgate_answers_total 'status="481"')"
expect "the CPUs of workers in status" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' status | grep -q '^placement   worker 0, 1: '"
test_no_dialogs 40
test_outcomes
test_done
