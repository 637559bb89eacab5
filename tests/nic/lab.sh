# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the tests of NICs begin with: the lab of the net tests, where a QEMU guest stands in for the namespace `core`. It has
# two network devices, each bridged to a link of the lab:
#
#   outside  e1000e, one queue           inside  virtio-net, four queues with RSS
#
# and with GUEST_BOND a second e1000e on outside's link; GUEST_PARTNER (lacp, static) is a switch there that knows of both as a group
# (partner.py). With GUEST_SLOTS outside's first device and inside's lie behind PCI Express ports, 0000:01:00.0 and 0000:02:00.0, out of
# which guest_unplug takes them. With GUEST_TRUNK outside's device has both links, in VLAN 100 and behind the tags 4000 and 200, the kernel
# VLAN interfaces upon dg-trunk. With GUEST_KERNEL the guest's kernel keeps them, as outside0 and inside0, and
# DPDK has net_tap0 and net_tap1, which tc feeds from them. Else all are bound to vfio-pci behind an emulated IOMMU. All is emulated (TCG): what passes is shown, never how fast.
NIC=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/net/lab.sh
. "$(dirname "$NIC")/net/lab.sh"
# The guest is slow enough without sanitizers.
LAB_BUILD=$PLAIN
# shellcheck disable=SC2034 # lab_end calls it
LAB_AT_END=guest_logs

guest_logs() # STATUS
{
    test_logs "$1"
    [ "$1" -eq 0 ] || [ "$1" -eq 77 ] || [ ! -s "$LAB_DIR/guest.log" ] || {
        echo "--- the guest's console:"
        tail -n 40 "$LAB_DIR/guest.log"
        [ ! -s "$LAB_DIR/partner/partner.json" ] || cat "$LAB_DIR/partner/partner.json"
    }
}

# A second device on the first one's link.
guest_second() # TAP
{
    lab_in core ip tuntap add dev "$1" mode tap
    lab_in core ip link set "$1" master bridge-nic0
    lab_in core ip link set "$1" up
    second=(-netdev "tap,id=n2,ifname=$1,script=no,downscript=no"
        -device 'e1000e,netdev=n2,mac=52:54:00:12:34:58,addr=0x4,romfile=,id=second')
}

# Both devices end at a switch's group.
guest_partner() # lacp|static LINK TAP TAP
{
    local tap
    lab_in core ip address flush dev "$2"
    for tap in "${@:3}"; do
        lab_in core ip tuntap add dev "$tap" mode tap
        lab_in core ip link set "$tap" up
    done
    second=(-netdev "tap,id=n2,ifname=$4,script=no,downscript=no"
        -device 'e1000e,netdev=n2,mac=52:54:00:12:34:58,addr=0x4,romfile=,id=second')
    mkdir -p "$LAB_DIR/partner"
    lab_start partner core "$NIC/partner.py" "$1" "$LAB_DIR/partner" "${@:2}"
}

# Another program than the kernel's own has the link of namespace core from here: its end is bridged to a TAP interface.
guest_link() # LINK TAP
{
    local address=$1 tap=$2
    lab_in core ip address flush dev "$address"
    lab_in core ip tuntap add dev "$tap" mode tap "${@:3}"
    lab_in core ip link add "bridge-$tap" type bridge
    lab_in core ip link set "$address" master "bridge-$tap"
    lab_in core ip link set "$tap" master "bridge-$tap"
    lab_in core ip link set "$tap" up
    lab_in core ip link set "bridge-$tap" up
}

# What vlan.bpf.c has at the ingress of an interface, whose other end is bridged to another one.
guest_trunk_end() # INTERFACE INDEX OTHER SECTION
{
    local end
    lab_in core ip link add name "$1" index "$2" type veth peer name "$1-far"
    lab_in core ip link add "bridge-$1" type bridge
    for end in "$3" "$1-far"; do
        lab_in core ip address flush dev "$end"
        lab_in core ip link set "$end" master "bridge-$1"
    done
    for end in "$3" "$1-far" "bridge-$1" "$1"; do
        lab_in core ip link set "$end" up
    done
    lab_in core tc qdisc add dev "$1" clsact
    lab_in core tc filter add dev "$1" ingress bpf direct-action object-file "$PLAIN/tests/net/vlan.bpf.o" section "$4"
}

guest_trunk()
{
    lab_in core ip tuntap add dev nic0 mode tap
    guest_trunk_end trunk 9999 nic0 trunk
    guest_trunk_end out100 10100 outside0 port
    guest_trunk_end out200 20200 inside0 port
}

# What the guest runs as its only program: the configuration, and inside.sh.
guest_program()
{
    echo "#!/bin/bash"
    echo "LAB_BUILD=$LAB_BUILD LAB_CONFIG=/run/dialgate.yaml LAB_MTU=${GUEST_MTU:-1500} LAB_KERNEL=${GUEST_KERNEL:-} LAB_TRUNK=${GUEST_TRUNK:-}"
    echo "cat >/run/dialgate.yaml <<'CONFIGURATION'"
    cat "$LAB_DIR/dialgate.yaml"
    echo CONFIGURATION
    cat "$NIC/inside.sh"
}

# Of all of the lab's links, and of the guest's devices at their start.
guest_mtu() # OCTETS
{
    local end
    for end in 'carrier eth0' 'wan carrier0' 'wan core0' 'core outside0' 'core inside0' 'lan core0' 'lan sbc1' 'lan sbc2' 'sbc1 eth0' \
        'sbc2 eth0' 'core nic0' 'core nic1' ${second:+'core nic2'}; do
        lab_in "${end% *}" ip link set "${end#* }" mtu "$1"
    done
}

# The devices as QEMU wants them, without their places.
device_outside='e1000e,netdev=n0,mac=52:54:00:12:34:56,romfile=,id=outside'
device_inside='virtio-net-pci,netdev=n1,mq=on,vectors=10,rss=on,iommu_platform=on,disable-legacy=on,mac=52:54:00:12:34:57,romfile=,id=inside'

guest_start()
{
    local status=0 second=() ports=() places=(addr=0x2 addr=0x3)
    [ -z "${GUEST_SLOTS:-}" ] || {
        ports=(-device 'pcie-root-port,id=slot1,chassis=1,slot=1,addr=0x5' -device 'pcie-root-port,id=slot2,chassis=2,slot=2,addr=0x6')
        places=(bus=slot1 bus=slot2)
    }
    guest_program >"$LAB_DIR/guest.sh"
    "$NIC/prepare.sh" "$PLAIN/nic" >"$LAB_DIR/prepare.log" 2>&1 || status=$?
    [ $status != 77 ] || skip "$(tail -n 1 "$LAB_DIR/prepare.log")"
    [ $status = 0 ] || fail "no guest: $(tail -n 3 "$LAB_DIR/prepare.log")"
    if [ -n "${GUEST_PARTNER:-}" ]; then
        guest_partner "$GUEST_PARTNER" outside0 nic0 nic2
    elif [ -n "${GUEST_TRUNK:-}" ]; then
        guest_trunk
    else
        guest_link outside0 nic0
    fi
    [ -n "${GUEST_TRUNK:-}" ] || guest_link inside0 nic1 multi_queue
    [ -z "${GUEST_BOND:-}" ] || guest_second nic2
    [ -z "${GUEST_MTU:-}" ] || guest_mtu "$GUEST_MTU"
    lab_start guest core qemu-system-x86_64 -machine q35,accel=tcg,kernel-irqchip=off -cpu max -smp 2 -m 1024 \
        -nographic -no-reboot -nodefaults -serial stdio -kernel "$PLAIN/nic/vmlinuz" -initrd "$PLAIN/nic/initrd.gz" \
        -append "console=ttyS0 quiet panic=-1 intel_iommu=on iommu=nopt tsc=reliable no_timer_check mitigations=off guest=$LAB_DIR/guest.sh" \
        -device intel-iommu,intremap=on,device-iotlb=on,caching-mode=on \
        -fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
        -device virtio-9p-pci,fsdev=root,mount_tag=hostroot,addr=0x8 \
        -netdev tap,id=n0,ifname=nic0,script=no,downscript=no \
        "${ports[@]}" -device "$device_outside,${places[0]}" \
        -netdev tap,id=n1,ifname=nic1,script=no,downscript=no,queues=4,vhost=off \
        -device "$device_inside,${places[1]}" \
        "${second[@]}" \
        -monitor "unix:$LAB_DIR/monitor,server=on,wait=off"
}

guest_monitor() # COMMAND: of QEMU
{
    echo "$1" | timeout 10 socat -t 1 - "unix-connect:$LAB_DIR/monitor" >/dev/null
}

guest_unplug() # DEVICE
{
    guest_monitor "device_del $1"
}

# Back in its slot, and bound as an operator's rule for udev binds it.
guest_plug() # DEVICE SLOT PCI_ADDRESS ADDRESS NAMESPACE
{
    local name=device_$1
    guest_monitor "device_add ${!name},bus=$2"
    guest_do "[ ! -e /sys/bus/pci/devices/$3 ] || [ -e /sys/bus/pci/drivers/vfio-pci/$3 ] || dpdk-devbind.py -b vfio-pci $3" "$4" "$5"
}

guest_ready() # SECONDS
{
    lab_wait "$1" 'Dialgate in the guest is ready' guest_answers && lab_running guest
}

# Over the host path. A guest that has ended is not waited for.
guest_answers()
{
    lab_ended guest || lab_in carrier curl -fsS --max-time 5 http://10.10.0.10:9464/readyz
}

lab_metrics()
{
    lab_in carrier curl -fsS --max-time 30 http://10.10.0.10:9464/metrics
}

guest_do() # COMMAND [ADDRESS NAMESPACE]: in the guest, over TCP by the host path; prints what it says
{
    echo "$1" | lab_in "${3:-carrier}" timeout 60 socat -t 50 - "TCP:${2:-10.10.0.10}:7000"
}
