#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# alone
# Devices that are taken out of a QEMU guest and put back while Dialgate drives them: one of two that are one port (calls go on by the
# other), and the only one of a network (the other network goes on).
# shellcheck source=tests/nic/lab.sh
. "$(dirname "$0")/lab.sh"

GUEST_BOND=yes
GUEST_SLOTS=yes
CALLS=${NIC_CALLS:-100}

guest_says() # PATTERN
{
    grep -qE "$1" "$LAB_DIR/guest.log"
}

plugged() # PATTERN DEVICE SLOT PCI_ADDRESS ADDRESS NAMESPACE: again and again, until the guest says so
{
    guest_says "$1" || {
        guest_plug "${@:2}"
        sleep 1
        guest_says "$1"
    }
}

link_is() # DEVICE on|off PATTERN
{
    guest_monitor "set_link $1 $2"
    sleep 2 # QEMU's device negotiates anew with each command
    guest_says "$3"
}

test_begin
test_set 'networks:
  outside: {attach: pci, device: ["0000:01:00.0", "0000:00:04.0"], bond: active-backup}
  inside: {attach: pci, device: "0000:02:00.0"}'
test_set 'memory: {mb: 256, mbufs: 16384}'
test_set 'dialogs: {capacity: 20000, arena: 32MiB}'
test_set 'transactions: {capacity: 20000}'
test_set 'metrics: {listen: "0.0.0.0:9464"}'
lab_up
guest_start
guest_ready 180 || fail "the guest does not come up"
test_callees uas
test_caller uac 20 20

# The device in use goes, under calls.
sipp_caller caller uac -m "$CALLS" -r 10 -l 2000 -timeout 300s -timeout_error
guest_unplug outside
lab_wait 60 'the device leaves the bond' guest_says 'event=device_away network=outside device=0000:01:00.0' || fail 'nobody notices'
lab_wait 60 'the other one takes over' guest_says 'event=announced network=outside' || fail 'nothing is announced'
test_calls_end "$CALLS" 310
gone() # PCI_ADDRESS ADDRESS NAMESPACE: and nobody has it open
{
    [ "$(guest_do "[ -e /sys/bus/pci/devices/$1 ] || echo gone" "$2" "$3")" = gone ]
}
lab_wait 60 'the guest has it no more' gone 0000:01:00.0 10.20.0.10 sbc1 || fail 'the device does not go'
expect_equal 'devices with a link' 1 "$(lab_metric dialgate_network_devices_up 'network="outside"')"
expect_equal 'networks away' 0 "$(lab_metric dialgate_network_device_away 'network="outside"')"
lab_wait 90 'it is back' plugged 'event=device_back network=outside device=0000:01:00.0' outside slot1 0000:01:00.0 10.20.0.10 sbc1 ||
    fail 'the device does not come back'
lab_wait 60 'it has a link' guest_says 'event=device_link_up network=outside device=0000:01:00.0' || fail 'the device has no link'
lab_wait 60 'the other one loses its link' link_is second off 'event=device_link_down network=outside device=0000:00:04.0' || fail 'nobody notices'
test_caller uac 20 20
expect 'the kernel is reached by it' lab_in carrier ping -q -c 3 -i 0.2 -W 10 10.10.0.10
expect_equal 'resets' 1 "$(lab_metric dialgate_network_device_resets_total 'network="outside"')"

# The only one of a network goes.
guest_unplug inside
lab_wait 60 'the device goes' guest_says 'event=device_away network=inside device=0000:02:00.0 reason=removed' || fail 'nobody notices'
lab_wait 60 'the guest has it no more' gone 0000:02:00.0 10.10.0.10 carrier || fail 'the device does not go'
expect_equal 'networks away' 1 "$(lab_metric dialgate_network_device_away 'network="inside"')"
expect 'the other network answers' lab_in carrier "$NIC/options.py" 10.10.1.1 10.10.0.10 8
lab_wait 90 'it is back' plugged 'event=device_back network=inside device=0000:02:00.0' inside slot2 0000:02:00.0 10.10.0.10 carrier ||
    fail 'the device does not come back'
test_caller uac 20 20
test_callees_saw $((CALLS + 60))
test_no_dialogs

guest_do 'touch /run/end' >/dev/null
lab_wait 60 'the guest ends' lab_ended guest || fail 'the guest does not end'
guest_says 'the data plane ended with 0' || fail "$(tail -n 3 "$LAB_DIR/guest.log")"
