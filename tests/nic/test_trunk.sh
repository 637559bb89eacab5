#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# alone
# One PCI device as a trunk, in a QEMU guest: the carrier in VLAN 100, the SBCs behind two tags (4000 outside, 200 inside). Calls pass, and
# the kernel is reached by its VLAN interfaces.
# shellcheck source=tests/nic/lab.sh
. "$(dirname "$0")/lab.sh"

# shellcheck disable=SC2034 # lab.sh reads it
GUEST_TRUNK=yes
CALLS=${NIC_CALLS:-200}

[ -f "$PLAIN/tests/net/vlan.bpf.o" ] || skip "$PLAIN/tests/net/vlan.bpf.o is not built"
test_begin
test_set 'networks:
  outside: {attach: pci, device: "0000:00:02.0", interface: dg-trunk, vlan: 100}
  inside: {attach: pci, device: "0000:00:02.0", interface: dg-trunk, vlan: 200, outer_vlan: 4000}'
test_set 'memory: {mb: 256, mbufs: 16384}'
test_set 'dialogs: {capacity: 20000, arena: 32MiB}'
test_set 'transactions: {capacity: 20000}'
test_set 'metrics: {listen: "0.0.0.0:9464"}'
lab_up
guest_start
guest_ready 180 || fail "the guest does not come up"
test_callees uas
test_caller uac "$CALLS" 20
test_callees_saw "$CALLS"
expect 'the kernel is reached in the VLAN' lab_in carrier ping -q -c 3 -i 0.2 -W 10 10.10.0.10
expect 'and behind two tags' lab_in sbc1 ping -q -c 3 -i 0.2 -W 10 10.20.0.10
expect 'OPTIONS from 64 ports' lab_in carrier "$NIC/options.py" 10.10.1.1 10.10.0.10 64
# The device is the first network's.
expect_above 'packets of both networks' $((CALLS * 5)) "$(lab_metric dialgate_network_packets_received_total 'network="outside"')"
test_no_dialogs
guest_do 'touch /run/end' 10.20.0.10 sbc1 >/dev/null
lab_wait 60 'the guest ends' lab_ended guest || fail 'the guest does not end'
grep -q 'the data plane ended with 0' "$LAB_DIR/guest.log" || fail "$(tail -n 3 "$LAB_DIR/guest.log")"
