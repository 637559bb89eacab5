#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The Debian packages are built by config/package: what "meson install" puts down is in them and nothing else, what an operator
# edits is a conffile, what no program is linked with is among the dependencies, and lintian has nothing to say.
#
# PLAIN is a build folder. PACKAGES=DIRECTORY takes packages that are there.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$(dirname "$HERE")")
PLAIN=${PLAIN:-$ROOT/build}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/dialgate-contents.XXXXXX")
trap 'rm -rf "$WORK"' EXIT

fail()
{
    echo "FAILED: $*"
    exit 1
}

package() # NAME: its file
{
    find "$PACKAGES" -name "$1_*.deb"
}

# Paths as they are below /usr or /, whatever the prefix, the library folder and Debian's packing.
normal()
{
    sed -E 's#^\./##; s#^usr/local/##; s#^usr/##; s#^lib/x86_64-linux-gnu/#lib/#; s#^lib/[a-z0-9_]+-linux-gnu[a-z0-9]*/#lib/#; s#(/man[0-9]/.*)\.gz$#\1#' |
        sort
}

command -v dpkg-buildpackage >/dev/null || { echo "no dpkg-buildpackage"; exit 77; }
if [ -z "${PACKAGES:-}" ]; then
    PACKAGES=$WORK/packages
    "$ROOT/config/package" --output "$PACKAGES"
fi

meson install --no-rebuild --quiet --destdir "$WORK/installed" -C "$PLAIN"
(cd "$WORK/installed" && find . -type f -o -type l) | normal >"$WORK/wanted"
for name in dialgate libdialgate0 libdialgate-dev; do
    [ -f "$(package $name)" ] || fail "no package $name"
    dpkg-deb --fsys-tarfile "$(package $name)" | tar -tf - | grep -v '/$'
done | normal | grep -vE '^share/(doc/(dialgate|libdialgate0|libdialgate-dev)/(copyright|changelog\.Debian\.gz|.*\.md)|lintian/overrides/dialgate)$' >"$WORK/found"
diff "$WORK/wanted" "$WORK/found" || fail "< is installed by meson, > is in the packages"

dpkg-deb --control "$(package dialgate)" "$WORK/control"
printf '%s\n' /etc/default/dialgate /etc/dialgate/dialgate.yaml /etc/logrotate.d/dialgate | diff - "$WORK/control/conffiles" || fail "other conffiles"
for name in postinst postrm prerm; do
    sh -n "$WORK/control/$name" || fail "$name is no shell script"
done
grep -q 'deb-systemd-invoke stop dialgate-dataplane.service dialgate-control.service' "$WORK/control/prerm" || fail "prerm stops nothing"
grep -q 'deb-systemd-helper.*dialgate-dataplane.service' "$WORK/control/postinst" || fail "postinst does not know the units"
for name in librte-mempool-ring librte-net-af-xdp librte-net-af-packet; do
    dpkg-deb --field "$(package dialgate)" Depends | grep -qE "\b$name-?[0-9]+(,|\$)" || fail "no dependency on $name"
done

dpkg-deb --contents "$(package dialgate)" >"$WORK/listing"
for name in README.md config/README.md control/METRICS.md control/rpc/API.md; do
    grep -q "/usr/share/doc/dialgate/$name\$" "$WORK/listing" || fail "no $name to read"
done

# It is no upload to Debian that closes a bug there.
if command -v lintian >/dev/null; then
    lintian --allow-root --suppress-tags initial-upload-closes-no-bugs "$PACKAGES"/*.deb >"$WORK/lintian" 2>&1 || true
    ! grep -E '^[EW]:' "$WORK/lintian" || fail "lintian"
fi
echo "packages are whole: $(wc -l <"$WORK/found") files"
