#!/bin/busybox sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash
# First process of the guest: the root of the machine that runs it, read-only under a tmpfs, then what guest= names in
# the kernel's arguments.
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /host /over /newroot
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for module in virtio_pci 9pnet_virtio 9p overlay; do
    modprobe $module || echo "guest: no module $module"
done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 hostroot /host || echo "guest: no root"
mount -t tmpfs over /over
mkdir -p /over/upper /over/work
mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work root /newroot
mkdir -p /newroot/lib/modules
cp -a /lib/modules/* /newroot/lib/modules/
for directory in proc sys dev; do
    mkdir -p /newroot/$directory
    mount --move /$directory /newroot/$directory
done
program=$(sed -n 's/.*guest=\([^ ]*\).*/\1/p' /newroot/proc/cmdline)
cp "/host$program" /newroot/guest.sh
mount -t tmpfs run /newroot/run
chroot /newroot /bin/bash /guest.sh
echo o >/newroot/proc/sysrq-trigger
sleep 10
