#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# In the guest: all devices bound to vfio-pci, Dialgate on them, and a door for commands (TCP 7000) and an echo (TCP 7), until the file
# /run/end is there. Before it stand LAB_BUILD and the configuration (guest_program).
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run
mkdir -p /dev/hugepages /dev/shm /run/dialgate
mount -t hugetlbfs none /dev/hugepages
mount -t tmpfs shm /dev/shm
echo 160 >/proc/sys/vm/nr_hugepages
ip link set lo up
sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
for module in vfio-pci vfio_iommu_type1 tun; do
    modprobe $module || echo "guest: no module $module"
done
for device in 0000:00:02.0 0000:00:03.0 0000:00:04.0; do
    [ -e /sys/bus/pci/devices/$device ] || continue
    dpdk-devbind.py -b vfio-pci $device || echo "guest: $device is not bound"
done
# As an operator has them, by systemd-networkd or so: they are there before Dialgate.
for interface in dg-outside dg-inside; do
    ip tuntap add dev $interface mode tap
    ip link set $interface mtu "$LAB_MTU" up
done
ip address add 10.10.0.10/24 dev dg-outside
ip address add 10.20.0.10/24 dev dg-inside
ip route add 10.10.0.0/16 via 10.10.0.1
"$LAB_BUILD/control/dialgate-control" -c "$LAB_CONFIG" --state-directory /run/state 2>&1 &
"$LAB_BUILD/dataplane/dialgate-dataplane" --prefilter "$LAB_BUILD/ebpf/prefilter.bpf.o" 2>&1 &
dataplane=$!
socat -t 60 TCP-LISTEN:7000,reuseaddr,fork EXEC:/bin/bash,stderr &
socat -t 60 TCP-LISTEN:7,reuseaddr,fork EXEC:/bin/cat & # PIPE would wait for itself: it writes more than a pipe may have room for
echo "guest: up"
while [ ! -e /run/end ]; do
    sleep 0.5
    kill -0 $dataplane 2>/dev/null || break
done
kill -TERM $dataplane %1 2>/dev/null
wait $dataplane
echo "guest: the data plane ended with $?"
