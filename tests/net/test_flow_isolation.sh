#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Flow isolation that cannot be had: `on` refuses the start, with the driver's own words or with what is wrong with the interface; `auto`
# takes the host path, which the log and status tell. What a driver that can do it does: tests/nic/test_flow.sh.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
lab_up

outside() # REST OF THE NETWORK
{
    test_set "networks:
  outside: {attach: pci, $1}
  inside: {interface: inside0, attach: af_packet}"
}

plane()
{
    lab_start dataplane core "$(lab_program dialgate-dataplane)" --run-directory "$LAB_RUN" --state-directory "$LAB_STATE" \
        --prefilter "$LAB_BUILD/ebpf/prefilter.bpf.o" -- --vdev net_null0,no-rx=1
}

refused() # PATTERN NETWORK
{
    outside "$2"
    lab_control
    plane
    lab_wait 60 'the start is refused' lab_ended dataplane || fail "the start is not refused: $2"
    lab_exit_status dataplane
    expect_equal "exit status of $2" 1 "$LAB_STATUS"
    expect "why: $1" grep -qE "^dialgate-dataplane: .*$1" "$LAB_DIR/dataplane.log"
    test_ends control
}

refused 'network outside: device net_null0: its driver refuses flow isolation: .+; set networks.outside.flow_isolation: off' \
    'device: net_null0, interface: outside0, flow_isolation: on'
refused 'network outside: no interface nowhere0, by which the kernel has what is not ours' \
    'device: net_null0, interface: nowhere0, flow_isolation: on'
refused 'network outside: there is no device net_null7; make it with an EAL argument' 'device: net_null7'

outside 'device: net_null0'
lab_control
plane
lab_ready 60 || fail "no host path instead"
expect 'the log says so' grep -q 'event=host_path network=outside device=net_null0 interface=dg-outside reason=' "$LAB_DIR/dataplane.log"
status_says()
{
    lab_ctl status | tee "$LAB_DIR/status" | grep -q "$1"
}
expect 'status, too' lab_wait 10 'status says it' status_says 'network     outside by dg-outside: .*NIC does .*, kernel.s share: host path$'
expect 'and of packet sockets' status_says 'network     inside by inside0: link up, MTU .*kernel.s share: has it anyway$'
expect_equal 'rules' 0 "$(lab_metric dialgate_network_flow_rules 'network="outside"')"
test_done
