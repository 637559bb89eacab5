#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# As a new operator: a Debian of nothing but its base, the packages by apt, the example's configuration, both daemons under
# their units, calls, and what one does with them; then an upgrade under calls, a removal and a purge.
#
# Needs root, a mirror (MIRROR=URL) and debootstrap. PLAIN is a build folder; PACKAGES=DIRECTORY takes packages that are there.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/../net/lab.sh"

HERE=$ROOT/tests/package
MIRROR=${MIRROR:-http://deb.debian.org/debian}
LAB_BUILD=$PLAIN
NEW='' # the root; on a disk, it is some hundred MB

at_end() # STATUS
{
    test_logs "$1"
    [ -n "$NEW" ] || return 0
    umount -l "$NEW/dev/shm" 2>/dev/null || true
    rm -rf --one-file-system "$NEW"
}

# The root's own processes, devices and directories for what runs: what a package script does stays there.
installing() # COMMAND...
{
    # shellcheck disable=SC2016 # for the shell inside
    unshare --mount --pid --uts --fork --kill-child sh -c '
        mount --make-rprivate / && mount -t proc proc "$0/proc" || exit 1
        exec chroot "$0" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"' "$NEW" "$@"
}

# A user in that root, beside the daemons.
as() # USER COMMAND...
{
    lab_in core chroot "$NEW" setpriv --reuid "$1" --regid "$1" --init-groups env HOME=/ TERM=dumb "${@:2}"
}

make_root()
{
    NEW=$(mktemp -d /var/tmp/dialgate-root.XXXXXX)
    chmod 755 "$NEW"
    # shellcheck disable=SC2034 # lab_end calls it
    LAB_AT_END=at_end
    expect "debootstrap" debootstrap --variant=minbase bookworm "$NEW" "$MIRROR"
    # Nothing starts there, as in any container.
    printf '#!/bin/sh\nexit 101\n' >"$NEW/usr/sbin/policy-rc.d"
    chmod 755 "$NEW/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf "$NEW/etc/"
    mount -t tmpfs -o mode=1777 tmpfs "$NEW/dev/shm"
}

install_packages() # DIRECTORY [APT OPTIONS...]
{
    rm -rf "$NEW/root/debs"
    mkdir "$NEW/root/debs"
    cp "$1"/dialgate_*.deb "$1"/libdialgate0_*.deb "$NEW/root/debs"
    expect "apt-get install" installing sh -c 'exec apt-get install -y --no-install-recommends "$@" /root/debs/*.deb' sh "${@:2}"
}

unit() # dataplane|control
{
    rm -f "$NEW/run/systemd/notify-$1"
    lab_start "manager-$1" core python3 "$NET/notify.py" "$NEW/run/systemd/notify-$1"
    lab_wait 10 "the manager of $1 listens" test -S "$NEW/run/systemd/notify-$1" || fail "no manager"
    lab_start "$1" core python3 "$HERE/unit.py" --root "$NEW" --notify "/run/systemd/notify-$1" --watchdog-us 2000000 \
        "/lib/systemd/system/dialgate-$1.service"
}

told() # NAME PATTERN
{
    grep -qE "$2" "$LAB_DIR/manager-$1.log"
}

says() # PATTERN COMMAND...: as the operator, within ten seconds
{
    lab_wait 10 "${*:2} says $1" said "$@" || fail "${*:2} does not say /$1/ but: $(cat "$LAB_DIR/said")"
}

said() # PATTERN COMMAND...
{
    as olga "${@:2}" >"$LAB_DIR/said" 2>&1
    grep -qE -- "$1" "$LAB_DIR/said"
}

start_as_units()
{
    expect "an empty Debian" test -z "$(find "$NEW"/* -xdev -name '*dialgate*' -not -path '*/root/debs*' -print -quit)"
    expect "apt-get update" installing apt-get update
    install_packages "$PACKAGES"
    expect "nothing is started" test ! -e "$NEW/run/dialgate"
    expect "users" grep -q '^dialgate:' "$NEW/etc/passwd"
    expect_equal "state directory" 'dialgate dialgate 700' "$(as root stat -c '%U %G %a' /dev/shm/dialgate)"
    # A machine's administrator names operators.
    expect "olga" installing useradd --groups dialgate,dialgate-operator olga
    expect "vera" installing useradd --groups dialgate vera
    expect "the example" cp "$NEW/usr/share/dialgate/examples/lab.yaml" "$NEW/etc/dialgate/dialgate.yaml"
    printf 'records: {file: /var/log/dialgate/calls.json, format: json}\n' >>"$NEW/etc/dialgate/dialgate.yaml"
    expect "check" as root dialgate-control -n -c /etc/dialgate/dialgate.yaml
    mkdir -p "$NEW/run/systemd"
    unit control
    unit dataplane
    lab_ready 60 || fail "Dialgate did not become ready"
    for name in control dataplane; do
        lab_wait 10 "$name tells" told $name WATCHDOG=1 || fail "$name tells its manager: $(cat "$LAB_DIR/manager-$name.log")"
        expect "$name is confined" grep -q 'event=confined.* calls=filtered' "$LAB_DIR/$name.log"
    done
}

operate()
{
    local id call
    test_callees uas
    lab_start follow core chroot "$NEW" setpriv --reuid vera --regid vera --init-groups dialgatectl events follow
    lab_wait 10 "following" grep -q following "$LAB_DIR/follow.log" || fail "$(cat "$LAB_DIR/follow.log")"
    says 'call.pcapng' dialgatectl capture start --peer carrier-a --file call.pcapng
    sipp_caller caller uac_hears_bye -m 30 -r 10 -l 100 -timeout 600s -timeout_error
    says ' 30 confirmed' dialgatectl dialog count
    says 'WORKER .*DIALOGS' dialgatectl top --once
    as vera dialgatectl drain on >"$LAB_DIR/vera" 2>&1 && fail "a viewer drains"
    expect "who may" grep -q 'dialgate-operator' "$LAB_DIR/vera"
    says 'draining' dialgatectl peer drain sbcs 10.20.0.11
    says '10.20.0.11:5060 .*draining .*olga' dialgatectl drain status
    as vera dialgatectl dialog list >"$LAB_DIR/list" || fail "dialog list"
    read -r id call < <(awk 'NR == 2 { print $1, $NF }' "$LAB_DIR/list")
    says "$call" dialgatectl dialog show "$id"
    says 'ended' dialgatectl dialog end "$call"
    lab_wait 10 "events of $id" grep -q "$id .*> terminated" "$LAB_DIR/follow.log" || fail "no end among: $(grep "$id" "$LAB_DIR/follow.log")"
    lab_wait 10 "its record" grep -qF "\"call_id\":\"$call\"" "$NEW/var/log/dialgate/calls.json" || fail "no record of $call"
    says 'capture 1 is over' dialgatectl capture stop 1
    if command -v tshark >/dev/null; then
        expect_equal "calls in the capture" 30 "$(tshark -n -r "$NEW/var/lib/dialgate/captures/call.pcapng" -T fields -e sip.Call-ID \
            -Y 'sip.Method == "INVITE"' 2>/dev/null | sort -u | wc -l)"
    fi
    expect "records are the daemon's" test "$(as root stat -c %U /var/log/dialgate/calls.json)" = dialgate
}

# A package of the same files and a higher version, with a line more in the configuration that it brings.
make_newer() # DIRECTORY
{
    local name file version work=$LAB_DIR/newer
    mkdir -p "$1"
    version=$(dpkg-deb --field "$(find "$PACKAGES" -name 'dialgate_*.deb')" Version)
    for name in dialgate libdialgate0; do
        file=$(find "$PACKAGES" -name "${name}_*.deb")
        rm -rf "$work"
        dpkg-deb --raw-extract "$file" "$work"
        sed -i "s/$version/$version.1/g" "$work/DEBIAN/control"
        [ $name != dialgate ] || echo '# Newer.' >>"$work/etc/dialgate/dialgate.yaml"
        expect "dpkg-deb" dpkg-deb --root-owner-group --build "$work" "$1/${name}_${version}.1_all.deb"
    done
}

upgrade()
{
    local edited
    edited=$(cat "$NEW/etc/dialgate/dialgate.yaml")
    make_newer "$LAB_DIR/packages"
    # Init's tool, which says what it is asked for.
    mkdir -p "$NEW/run/systemd/system"
    # shellcheck disable=SC2016 # for the shell inside
    printf '#!/bin/sh\necho "$@" >>/root/asked\n' >"$NEW/usr/bin/deb-systemd-invoke"
    # The same again: nothing is asked, as the package's own file is the same.
    install_packages "$PACKAGES" --reinstall
    expect_equal "an operator's file" "$edited" "$(cat "$NEW/etc/dialgate/dialgate.yaml")"
    install_packages "$LAB_DIR/packages" -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold
    expect_equal "an operator's file" "$edited" "$(cat "$NEW/etc/dialgate/dialgate.yaml")"
    expect "the new one beside it" grep -qx '# Newer.' "$NEW/etc/dialgate/dialgate.yaml.dpkg-dist"
    [ ! -e "$NEW/root/asked" ] || fail "the upgrade asks for: $(cat "$NEW/root/asked")"
    for name in control dataplane; do
        lab_running $name || fail "the upgrade ended $name"
    done
    # Calls that were there before it, with the old programs; then the new ones take them over.
    expect_above "dialogs" 20 "$(lab_dialogs)"
    for name in control dataplane; do
        test_ends $name
        lab_stop "manager-$name"
        unit $name
    done
    lab_ready 60 || fail "not ready after the upgrade"
    says ' 29 confirmed' dialgatectl dialog count
    says 'ended' dialgatectl dialog end --peer sbcs --all
    test_calls_end 30 60
    test_no_dialogs
}

removed()
{
    local left
    test_done
    expect "apt-get remove" installing apt-get remove -y dialgate libdialgate0
    expect_equal "what init is asked for" 'stop dialgate-dataplane.service dialgate-control.service' "$(cat "$NEW/root/asked")"
    [ -e "$NEW/etc/dialgate/dialgate.yaml" ] || fail "the removal took the configuration"
    expect "apt-get purge" installing apt-get purge -y dialgate libdialgate0
    left=$(cd "$NEW" && find . -name '*dialgate*' -not -path './root/*' -not -path './var/cache/*' -not -path './var/tmp/*' | sort | tr '\n' ' ')
    # The records are the operator's. Users stay, as files may be theirs.
    expect_equal "what is left" './var/log/dialgate ' "$left"
    expect "the records" test -s "$NEW/var/log/dialgate/calls.json"
    expect "users" grep -q '^dialgate:' "$NEW/etc/passwd"
}

command -v debootstrap >/dev/null || skip "no debootstrap"
test_begin
if [ -z "${PACKAGES:-}" ]; then
    PACKAGES=$LAB_DIR/debs
    expect "config/package" "$ROOT/config/package" --output "$PACKAGES"
fi
make_root
lab_up
start_as_units
operate
upgrade
removed
