#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# In the guest: all devices bound to vfio-pci, or left with the kernel, Dialgate on them, and a door for commands (TCP 7000) and an echo (TCP 7), until the file
# /run/end is there. Before it stand LAB_BUILD and the configuration (guest_program).
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run
mkdir -p /dev/hugepages /dev/shm /run/dialgate
mount -t hugetlbfs none /dev/hugepages
mount -t tmpfs shm /dev/shm
echo 160 >/proc/sys/vm/nr_hugepages
ip link set lo up
sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0

load() # MODULE...
{
    local module
    for module in "$@"; do
        modprobe "$module" || echo "guest: no module $module"
    done
}

bind_devices()
{
    local device interface
    load vfio-pci vfio_iommu_type1 tun
    for device in 0000:00:02.0 0000:00:03.0 0000:00:04.0 0000:01:00.0 0000:02:00.0; do
        [ -e /sys/bus/pci/devices/$device ] || continue
        dpdk-devbind.py -b vfio-pci $device || echo "guest: $device is not bound"
    done
    # As an operator has them, by systemd-networkd or so: they are there before Dialgate.
    eal=()
    [ -z "$LAB_TRUNK" ] || {
        trunk_interfaces
        return
    }
    for interface in dg-outside dg-inside; do
        ip tuntap add dev $interface mode tap
    done
    outside=dg-outside inside=dg-inside
}

trunk_interfaces()
{
    load 8021q
    outside=dg-trunk.100 inside=dg-4000.200
    ip tuntap add dev dg-trunk mode tap
    ip link set dg-trunk up
    ip link add link dg-trunk name $outside type vlan id 100
    ip link add link dg-trunk name dg-trunk.4000 type vlan proto 802.1ad id 4000
    ip link set dg-trunk.4000 up
    ip link add link dg-trunk.4000 name $inside type vlan id 200
}

# Interfaces of the kernel's own drivers, and DPDK's devices that take from them what rules say.
keep_devices()
{
    load e1000e virtio_net tun sch_ingress sch_multiq cls_flower act_mirred act_skbedit act_gact
    outside=outside0 inside=inside0
    ip link set "$(ls /sys/bus/pci/devices/0000:00:02.0/net)" name $outside
    ip link set "$(ls /sys/bus/pci/devices/0000:00:03.0/virtio*/net)" name $inside
    ethtool -K $outside gro off lro off 2>/dev/null
    ethtool -K $inside gro off lro off 2>/dev/null
    eal=(-- --vdev "net_tap0,iface=tap-outside,remote=$outside" --vdev "net_tap1,iface=tap-inside,remote=$inside")
}

if [ -n "$LAB_KERNEL" ]; then
    keep_devices
else
    bind_devices
fi
ip link set $outside mtu "$LAB_MTU" up
ip link set $inside mtu "$LAB_MTU" up
ip address add 10.10.0.10/24 dev $outside
ip address add 10.20.0.10/24 dev $inside
[ "$outside" != dg-outside ] || ip address add 2001:db8:1000::10/64 dev dg-outside nodad
ip route add 10.10.0.0/16 via 10.10.0.1
"$LAB_BUILD/control/dialgate-control" -c "$LAB_CONFIG" --state-directory /run/state 2>&1 &
"$LAB_BUILD/dataplane/dialgate-dataplane" --prefilter "$LAB_BUILD/ebpf/prefilter.bpf.o" "${eal[@]}" 2>&1 &
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
