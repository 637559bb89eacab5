#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Makes the guest of tests/nic in DIRECTORY, once: vmlinuz and initrd, of Debian's kernel, unpacked and not installed, with
# the modules that the guest needs. Exit status 77: it cannot be had, the last line says why.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
directory=$1
modules='virtio_pci 9pnet_virtio 9p overlay vfio-pci vfio_iommu_type1 tun 8021q
 e1000e virtio_net sch_ingress sch_multiq cls_flower act_mirred act_skbedit act_gact'

cannot()
{
    echo "$*"
    exit 77
}

[ "$(cat "$directory/ready" 2>/dev/null)" != "$modules" ] || exit 0
for program in qemu-system-x86_64 busybox cpio depmod; do
    command -v $program >/dev/null || cannot "no $program; config/packages.txt names the packages"
done
rm -rf "$directory/kernel" "$directory/initrd" "$directory/ready"
mkdir -p "$directory/kernel" "$directory/initrd/bin"
cd "$directory"
package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }')
[ -n "$package" ] || cannot "no package linux-image-amd64 is known; apt-get update"
apt-get download -q "$package" >download.log 2>&1 || cannot "$package cannot be downloaded: $(tail -n 1 download.log)"
dpkg-deb -x "$package"_*.deb kernel
rm -f "$package"_*.deb
release=$(basename kernel/lib/modules/*)
depmod -b kernel "$release"
for module in $modules; do
    # shellcheck disable=SC2086
    modprobe -d kernel -S "$release" --show-depends $module
done | awk '$1 == "insmod" { print $2 }' | sort -u >modules.list
while read -r file; do
    install -D "$file" "initrd/${file#*kernel/}"
done <modules.list
install -D -t "initrd/lib/modules/$release" "kernel/lib/modules/$release"/modules.*
install "$(command -v busybox)" initrd/bin/busybox
install "$HERE/guest-init.sh" initrd/init
(cd initrd && find . | cpio -o -H newc --quiet) | gzip >initrd.gz
cp "kernel/boot/vmlinuz-$release" vmlinuz
rm -rf kernel initrd
printf '%s' "$modules" >ready
