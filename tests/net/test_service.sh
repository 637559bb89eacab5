#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# As systemd would: what "meson install" put down, under the units' rights, by a user who owns nothing. Ready, watched, confined,
# reloaded and restarted alone, with calls; what the data plane gave up is gone from every thread.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

USER_ID=64017 # nobody's
ROOT_DIR='' UNITS=''

install_tree()
{
    ROOT_DIR=$LAB_DIR/root UNITS=$ROOT_DIR/usr/local/lib/systemd/system
    expect "meson install" meson install --no-rebuild --quiet --destdir "$ROOT_DIR" -C "$LAB_BUILD"
    local file prefix=$ROOT_DIR/usr/local
    for file in sbin/dialgate-dataplane sbin/dialgate-control bin/dialgatectl lib/dialgate/prefilter.bpf.o share/dialgate/examples/lab.yaml \
        include/dialgate/ua.h etc/dialgate/dialgate.yaml etc/default/dialgate etc/logrotate.d/dialgate lib/sysusers.d/dialgate.conf \
        lib/tmpfiles.d/dialgate.conf; do
        [ -s "$prefix/$file" ] || fail "meson install makes no $file"
    done
    echo '# mine' >"$prefix/etc/dialgate/dialgate.yaml"
    expect "meson install again" meson install --no-rebuild --quiet --destdir "$ROOT_DIR" -C "$LAB_BUILD"
    expect_equal "an operator's file" '# mine' "$(cat "$prefix/etc/dialgate/dialgate.yaml")"
    # It looks for the programs and for units of others, which are not in that root.
    if command -v systemd-analyze >/dev/null; then
        systemd-analyze verify --man=no --root="$ROOT_DIR" "$UNITS"/dialgate-*.service >"$LAB_DIR/verify.out" 2>&1 || true
        ! grep -E 'Unknown|Failed to parse|Invalid|ignoring' "$LAB_DIR/verify.out" || fail "systemd-analyze verify"
    fi
    if command -v logrotate >/dev/null; then
        sed 's/su dialgate dialgate/su root root/' "$prefix/etc/logrotate.d/dialgate" >"$LAB_DIR/logrotate" # that user need not be here
        chmod 644 "$LAB_DIR/logrotate"
        expect "logrotate reads its file" logrotate --debug --state "$LAB_DIR/logrotate.state" "$LAB_DIR/logrotate"
        ! grep -i '^error' "$LAB_DIR/expect.out" || fail "logrotate"
    fi
}

# Starts a program as its unit does: that user, those capabilities, a manager that listens.
service() # dataplane|control ARGUMENTS...
{
    local name=$1 capabilities
    shift
    capabilities=$(sed -n 's/^AmbientCapabilities=CAP_//p' "$UNITS/dialgate-$name.service" | tr '[:upper:]' '[:lower:]' | sed 's/ cap_/,+/g; s/^/+/')
    # The unit says LimitMEMLOCK=infinity; who may not raise the limit gets the capability instead.
    [ -z "$capabilities" ] || [ "$(ulimit -Hl)" = unlimited ] || capabilities+=,+ipc_lock
    lab_start "$name" core env NOTIFY_SOCKET="$LAB_DIR/notify-$name" WATCHDOG_USEC=1000000 setpriv --reuid $USER_ID --regid $USER_ID --clear-groups \
        --inh-caps="-all${capabilities:+,$capabilities}" --ambient-caps="-all${capabilities:+,$capabilities}" \
        --bounding-set="-all${capabilities:+,$capabilities}" --no-new-privs \
        "$ROOT_DIR/usr/local/sbin/dialgate-$name" --run-directory "$LAB_RUN" --state-directory "$LAB_STATE" "$@"
}

dataplane()
{
    service dataplane --prefilter "$ROOT_DIR/usr/local/lib/dialgate/prefilter.bpf.o"
}

told() # NAME PATTERN
{
    grep -qE "$2" "$LAB_DIR/manager-$1.log"
}

expect_told() # NAME PATTERN
{
    lab_wait 30 "$1 tells $2" told "$1" "$2" || fail "$1 does not tell /$2/ but: $(cat "$LAB_DIR/manager-$1.log")"
}

confined() # NAME CAPABILITIES: every thread
{
    local pid start task
    read -r pid start <"$LAB_DIR/$1.pid"
    for task in "/proc/$pid/task"/*; do
        expect_equal "rights of $(cat "$task/comm")" "CapPrm:$2 CapEff:$2 NoNewPrivs:1 Seccomp:2" \
            "$(awk '/^(CapPrm|CapEff|NoNewPrivs|Seccomp):/ { printf "%s%s%s", separator, $1, $2; separator = " " }' "$task/status")"
    done
    : "$start"
}

test_begin
lab_up
install_tree
mkdir -p "$LAB_RUN" "$LAB_STATE"
chmod 711 "$LAB_HOME" "$LAB_DIR"
chown $USER_ID:$USER_ID "$LAB_RUN" "$LAB_STATE"
for name in dataplane control; do
    lab_start manager-$name core python3 "$NET/notify.py" "$LAB_DIR/notify-$name"
    lab_wait 10 "the manager of $name listens" test -S "$LAB_DIR/notify-$name" || fail "no manager"
done

dataplane
expect_told dataplane 'STATUS=waiting for dialgate-control'
! told dataplane READY=1 || fail "ready without a configuration"
service control -c "$LAB_DIR/dialgate.yaml"
expect_told control READY=1
expect_told dataplane 'READY=1 \| STATUS=serving: 2 workers, 2 networks, 2 listeners'
expect_told control 'STATUS=serving'
lab_ready 30 || fail "Dialgate did not become ready"
confined dataplane 0000000000001000 # CAP_NET_ADMIN
confined control 0000000000000000
expect_told dataplane WATCHDOG=1
expect_told control WATCHDOG=1

test_callees uas
test_caller uac 20 20 -d 300
test_callees_saw 20
# What needs the rights that were kept, and the maps.
expect "a ban" lab_ctl prefilter ban 198.51.100.7
expect "a reload" lab_kill control HUP
expect_told control 'RELOADING=1 \| MONOTONIC_USEC=[0-9]+'
lab_wait 20 "ready again" awk '/RELOADING=1/ { after = 1 } after && /READY=1/ { done = 1 } END { exit !done }' "$LAB_DIR/manager-control.log" ||
    fail "no READY=1 after the reload"

# Each alone.
lab_kill control KILL
lab_wait 10 "control is gone" lab_ended control || fail "control lives"
service control -c "$LAB_DIR/dialgate.yaml"
lab_ready 30 || fail "not ready with a new control"
test_ends dataplane
expect_told dataplane STOPPING=1
dataplane
lab_ready 30 || fail "not ready with a new data plane"
test_done
expect_told control STOPPING=1
