#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# As systemd would: what "meson install" put down, under the units' rights, by a user who owns nothing. Ready, watched, confined,
# reloaded and restarted alone, with calls, its log at a syslog daemon that is restarted; what the data plane gave up is gone from every thread; a thread that stands still
# leaves the watchdog hungry.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

USER_ID=64017 # nobody's
WATCHDOG_S=2
ROOT_DIR='' UNITS=''

install_tree()
{
    ROOT_DIR=$LAB_DIR/root UNITS=$ROOT_DIR/usr/local/lib/systemd/system
    expect "meson install" meson install --no-rebuild --quiet --destdir "$ROOT_DIR" -C "$LAB_BUILD"
    local file prefix=$ROOT_DIR/usr/local
    for file in sbin/dialgate-dataplane sbin/dialgate-control bin/dialgatectl lib/dialgate/prefilter.bpf.o share/dialgate/examples/lab.yaml \
        include/dialgate/ua.h include/dialgate/ua_event.h etc/dialgate/dialgate.yaml etc/default/dialgate etc/logrotate.d/dialgate lib/sysusers.d/dialgate.conf \
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
    capabilities=${capabilities/,+${WITHOUT:-nothing}/}
    lab_start "$name" core env NOTIFY_SOCKET="$LAB_DIR/notify-$name" WATCHDOG_USEC=${WATCHDOG_S}000000 setpriv --reuid $USER_ID --regid $USER_ID --clear-groups \
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

confined_again()
{
    [ "$(grep -c event=confined "$LAB_DIR/dataplane.log")" -ge 2 ]
}

confined() # NAME CAPABILITIES: every thread
{
    local pid start task rights
    read -r pid start <"$LAB_DIR/$1.pid"
    for task in "/proc/$pid/task"/*; do
        rights=$(awk '/^(CapPrm|CapEff|NoNewPrivs|Seccomp):/ { printf "%s%s%s", separator, $1, $2; separator = " " }' "$task/status") ||
            continue # one that has ended
        expect_equal "rights of $(cat "$task/comm")" "CapPrm:$2 CapEff:$2 NoNewPrivs:1 Seccomp:2" "$rights"
    done
    : "$start"
}

stop_thread() # NAME PATTERN
{
    local pid start
    read -r pid start <"$LAB_DIR/$1.pid"
    lab_start "stopper-$1" core python3 "$NET/stop_thread.py" "$pid" "$2"
    lab_wait 30 "$2 is stopped" grep -q stopped "$LAB_DIR/stopper-$1.log" || fail "$2 is not stopped: $(cat "$LAB_DIR/stopper-$1.log")"
    : "$start"
}

# Its socket is made anew, as when it is restarted.
syslog_daemon()
{
    rm -f "$LAB_DIR/syslog"
    lab_start manager-syslog core python3 "$NET/notify.py" "$LAB_DIR/syslog"
    lab_wait 30 "syslog listens" test -S "$LAB_DIR/syslog" || fail "no syslog"
}

still() # how often the agent has said so of worker 0
{
    grep -c 'event=worker_stands_still worker=0 ' "$LAB_DIR/dataplane.log" || true
}

still_above() # COUNT
{
    [ "$(still)" -gt "$1" ]
}

last_told() # NAME WHAT, statuses apart
{
    [ "$(grep -v '^STATUS=' "$LAB_DIR/manager-$1.log" | tail -n 1)" = "$2" ]
}

test_begin
lab_up
install_tree
mkdir -p "$LAB_RUN" "$LAB_STATE"
chmod 711 "$LAB_HOME" "$LAB_DIR"
chown $USER_ID:$USER_ID "$LAB_RUN" "$LAB_STATE"
for name in dataplane control; do
    lab_start manager-$name core python3 "$NET/notify.py" "$LAB_DIR/notify-$name" $WATCHDOG_S
    lab_wait 30 "the manager of $name listens" test -S "$LAB_DIR/notify-$name" || fail "no manager"
done

dataplane
expect_told dataplane 'STATUS=waiting for dialgate-control'
! told dataplane READY=1 || fail "ready without a configuration"
service control -c "$LAB_DIR/dialgate.yaml"
expect_told control READY=1
expect_told dataplane 'READY=1 \| STATUS=serving: 2 workers, 2 networks, 2 listeners'
expect_told control 'STATUS=serving'
lab_ready 60 || fail "Dialgate did not become ready"
confined dataplane 0000000000001000 # CAP_NET_ADMIN
confined control 0000000000000000
! grep -q 'event=prefilter_slower' "$LAB_DIR/dataplane.log" || fail "its unit gives it less than the prefilter wants"
expect_told dataplane WATCHDOG=1
expect_told control WATCHDOG=1

test_callees uas
test_caller uac 20 20 -d 300
test_callees_saw 20
# What needs the rights that were kept, and the maps.
expect "a ban" lab_ctl prefilter ban 198.51.100.7
expect "a reload" lab_kill control HUP
expect_told control 'RELOADING=1 \| MONOTONIC_USEC=[0-9]+'
lab_wait 30 "ready again" awk '/RELOADING=1/ { after = 1 } after && /READY=1/ { done = 1 } END { exit !done }' "$LAB_DIR/manager-control.log" ||
    fail "no READY=1 after the reload"

# Control's only thread stands still, and goes on.
stop_thread control 'dialgate-*'
lab_wait 30 "control's watchdog expires" last_told control 'watchdog expired' || fail "control's manager: $(cat "$LAB_DIR/manager-control.log")"
lab_stop stopper-control
lab_wait 30 "control goes on" last_told control WATCHDOG=1 || fail "control's manager: $(cat "$LAB_DIR/manager-control.log")"

# Each alone. One worker stands still, the agent says so and feeds nobody: the manager ends and starts it.
lab_kill control KILL
lab_wait 30 "control is gone" lab_ended control || fail "control lives"
syslog_daemon
service control -c "$LAB_DIR/dialgate.yaml" --log "syslog:$LAB_DIR/syslog"
expect_told syslog '^<30>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} dialgate-control\[[0-9]+\]: level=info event=confined .*calls=filtered'
lab_stop manager-syslog
syslog_daemon
lab_ready 60 || fail "not ready with a new control"
expect "a ban lifted" lab_ctl prefilter unban 198.51.100.7
expect_told syslog ': level=info event=audit .*method=prefilter.unban'
before=$(still)
stop_thread dataplane '*worker-1'
lab_wait 30 "the agent says so" still_above "$before" || fail "no worker stands still"
lab_wait 30 "the data plane's watchdog expires" last_told dataplane 'watchdog expired' ||
    fail "the data plane's manager: $(cat "$LAB_DIR/manager-dataplane.log")"
lab_kill dataplane ABRT
lab_wait 30 "the data plane is gone" lab_ended dataplane || fail "the data plane lives"
WITHOUT=perfmon dataplane # which an operator may take away
lab_wait 60 "what is lost without CAP_PERFMON is told" grep -q 'event=prefilter_slower missing=CAP_PERFMON' "$LAB_DIR/dataplane.log" || fail "it is not told"
lab_wait 60 "it gives up its rights as the first one did" confined_again || fail "it does not run"
lab_ready 60 || fail "not ready with a new data plane"
confined dataplane 0000000000001000
test_done
expect_told control STOPPING=1
expect_told dataplane STOPPING=1
