#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# alone
# Dialgate on PCI devices by DPDK's own drivers, in a QEMU guest: calls, while ping and TCP go to the kernel by the host path;
# four queues by RSS; checksums that the devices make and check; a link that goes and comes back; another MTU. With NIC_SHORT=1 only
# 100 calls, ping and TCP.
# shellcheck source=tests/nic/lab.sh
. "$(dirname "$0")/lab.sh"

CALLS=${NIC_CALLS:-${NIC_SHORT:+100}}
CALLS=${CALLS:-500}

# Which has N octets, through the guest's kernel and back.
echoes() # OCTETS [NAMESPACE ADDRESS]
{
    head -c "$1" /dev/urandom >"$LAB_DIR/sent"
    lab_in "${2:-carrier}" timeout 60 socat -t 30 - "TCP:${3:-10.10.0.10}:7" <"$LAB_DIR/sent" >"$LAB_DIR/echoed" && cmp -s "$LAB_DIR/sent" "$LAB_DIR/echoed"
}

queues_used() # NETWORK QUEUES: so many have received something
{
    local queue
    lab_metrics >"$LAB_DIR/metrics"
    for ((queue = 0; queue < $2; queue++)); do
        [ "$(lab_metric_sum dialgate_queue_packets_received_total "network=\"$1\"" "queue=\"$queue\"" <"$LAB_DIR/metrics")" -gt 0 ] || return 1
    done
}

# Said again each time: QEMU takes a command when it comes to it.
carrier_follows() # on|off CARRIER
{
    guest_monitor "set_link outside $1"
    [ "$(guest_do 'cat /sys/class/net/dg-outside/carrier' 10.20.0.10 sbc1)" = "$2" ]
}

guest_says() # PATTERN
{
    grep -qE "$1" "$LAB_DIR/guest.log"
}

guest_ends()
{
    guest_do 'touch /run/end' >/dev/null
    lab_wait 60 'the guest ends' lab_ended guest || fail 'the guest does not end'
    guest_says 'the data plane ended with 0' || fail "$(tail -n 3 "$LAB_DIR/guest.log")"
}

test_begin
test_set 'networks:
  outside: {attach: pci, device: "0000:00:02.0"}
  inside: {attach: pci, device: "0000:00:03.0", queues: 4}'
test_set 'memory: {mb: 256, mbufs: 32768}'
test_set 'dialogs: {capacity: 20000, arena: 32MiB}'
test_set 'transactions: {capacity: 20000}'
test_set 'metrics: {listen: "0.0.0.0:9464"}'
lab_up
guest_start
guest_ready 180 || fail "the guest does not come up"

# Calls on the devices, beside them ping and TCP of the guest's kernel.
test_callees uas
sipp_caller caller uac -m "$CALLS" -r 40 -l 2000 -timeout 200s -timeout_error
lab_in carrier ping -q -c 20 -i 0.2 -W 10 10.10.0.10 >"$LAB_DIR/ping" 2>&1 || fail "ping: $(tail -n 3 "$LAB_DIR/ping")"
expect "1 MB echoed by TCP" echoes 1000000
test_calls_end "$CALLS" 210
test_callees_saw "$CALLS"
test_no_dialogs
test_outcomes
expect_above 'frames passed on to the kernel' 100 "$(lab_metric dialgate_packets_total 'outcome="host"')"
expect_equal 'frames that the kernel did not get' 0 "$(lab_metric dialgate_packets_total 'reason="host_rate"')"

expect 'e1000e checks and makes all checksums' guest_says 'event=device_started network=outside .* checksums="rx=ip,udp tx=ip,udp"'
expect 'virtio-net those of UDP' guest_says 'event=device_started network=inside .* checksums="rx=udp tx=udp"'
[ -z "${NIC_SHORT:-}" ] || {
    guest_ends
    exit 0
}

# A wrong checksum ends at the device or at ours, and nothing else came so.
expect_equal 'datagrams with a wrong checksum' 0 "$(lab_metric dialgate_packets_total 'reason="udp_header"')"
expect 'none is answered' lab_in carrier "$NIC/damaged.py" 10.10.0.10 50
expect_equal 'datagrams with a wrong checksum' 50 "$(lab_metric dialgate_packets_total 'reason="udp_header"')"

# Packets of the same machine, whose sums nobody has made: virtio-net says so, to us and to the guest's kernel.
for at in 'sbc1 eth0' 'sbc2 eth0' 'lan core0'; do
    # shellcheck disable=SC2086
    lab_in ${at% *} ethtool -K ${at#* } tx on >/dev/null
done
test_caller uac 50 20
expect '1 MB echoed by TCP without sums' echoes 1000000 sbc1 10.20.0.10
expect_equal 'datagrams with a wrong checksum' 50 "$(lab_metric dialgate_packets_total 'reason="udp_header"')"

# RSS: sources of 64 ports come by all four queues of virtio-net.
expect 'OPTIONS from 64 ports' lab_in sbc1 "$NIC/options.py" 10.20.0.11 10.20.0.10 64
lab_wait 30 'all queues are used' queues_used inside 4 || fail "RSS does not spread: $(grep queue_packets "$LAB_DIR/metrics")"
guest_do "$LAB_BUILD/control/ctl/dialgatectl core list"

# The kernel's interface shows the link of the device, and its MTU is the device's.
lab_wait 60 'the carrier goes' carrier_follows off 0 || fail 'the interface of the host path keeps its carrier'
lab_wait 60 'the carrier comes' carrier_follows on 1 || fail 'the interface of the host path gets no carrier back'
expect 'the log says so' guest_says 'event=link_down network=outside device=0000:00:02.0'
guest_do 'ip link set dg-outside mtu 1400' 10.20.0.10 sbc1
lab_wait 60 'the device follows' guest_says 'event=mtu_changed network=outside .*mtu=1400' || fail 'the device keeps its MTU'
guest_do 'ip link set dg-outside mtu 9000' 10.20.0.10 sbc1
lab_wait 60 'too large a one is taken back' guest_says 'event=mtu_refused network=outside .*wanted=9000 mtu=1400' || fail 'an MTU of 9000 is taken'
expect_equal 'the MTU afterwards' 1400 "$(guest_do 'cat /sys/class/net/dg-outside/mtu' 10.20.0.10 sbc1)"
test_caller uac 50 20

guest_ends
