#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Real users and groups at the control socket: strangers stay outside, roles follow groups (supplementary ones too), changes are
# in the audit file, which turns over by SIGHUP. The examples of config/examples are the clients.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

EXAMPLES=$ROOT/config/examples

rpc() # GROUPS METHOD [NAME=VALUE...]
{
    local -a groups=(--clear-groups)
    [ -z "$1" ] || groups=(--groups="$1")
    shift
    setpriv --reuid=65534 --regid=65534 "${groups[@]}" /usr/bin/python3 "$LAB_DIR/rpc.py" --socket "$LAB_RUN/control.sock" "$@"
}

audited() # PATTERN
{
    grep -qE "$1" "$LAB_DIR/audit" || fail "the audit file has no /$1/: $(cat "$LAB_DIR/audit")"
}

reloaded() # TIMES
{
    [ "$(grep -c 'event=reloaded' "$LAB_DIR/control.log")" = "$1" ]
}

test_begin
# Groups that every system has: one is the door, two give roles.
door=$(getent group games | cut -d: -f3)
operator=$(getent group news | cut -d: -f3)
admin=$(getent group adm | cut -d: -f3)
test_set "control: {group: games, operator_group: news, admin_group: adm, audit: $LAB_DIR/audit}"
test_up
cp "$EXAMPLES/rpc.py" "$LAB_DIR"
chgrp games "$LAB_RUN"
chmod 0750 "$LAB_RUN"
test_callees uas
sipp_caller caller uac_hears_bye -m 20 -r 100 -l 15000 -timeout 60s -timeout_error
lab_wait 30 'all calls are answered' counted dialgate_dialogs 20 'state="confirmed"' || fail "$(lab_dialogs) dialogs"

expect_refusal 1 'Permission denied' rpc '' system.status
expect_refusal 1 'Permission denied' rpc "$admin" system.status # a role is no key to the door
expect "a viewer looks" rpc "$door" system.status
expect_refusal 1 'needs the role operator, you have viewer; join group news' rpc "$door" drain.on
expect_refusal 1 'needs the role admin, you have operator; join group adm' rpc "$door,$operator" config.reload
expect "an operator drains" rpc "$door,$operator" drain.on
expect "and takes it back" rpc "$door,$operator" drain.off
expect "an admin reloads" rpc "$door,$admin" config.reload
expect_equal "dialogs of all pages" 20 "$(rpc "$door" dialog.list stream=true | python3 -c 'import json, sys
print(len({row["id"] for page in sys.stdin for row in json.loads(page)["dialogs"]}))')"
expect "several calls in one line, in Python" python3 - "$EXAMPLES" "$LAB_RUN/control.sock" <<'EOF'
import sys
sys.path.insert(0, sys.argv[1])
import rpc
with rpc.Dialgate(sys.argv[2]) as dialgate:
    status, nothing = dialgate.batch([("system.status", {}), ("nothing", {})])
    assert status["result"]["ready"] and nothing["error"]["code"] == -32601
    assert len(list(dialgate.dialogs(state="confirmed"))) == 20
EOF

audited '"user":"nobody","uid":65534,"pid":[0-9]+,"role":"viewer","method":"drain.on","params":\{\},"result":"refused"'
audited '"role":"operator","method":"drain.on","params":\{\},"result":"done"'
audited '"role":"admin","method":"config.reload","params":\{\},"result":"done"'
expect_above "refusals counted" 1 "$(lab_metric dialgate_control_refused_total 'reason="role"')"
mv "$LAB_DIR/audit" "$LAB_DIR/audit.1"
lab_kill control HUP
lab_wait 30 'the reload is done' reloaded 2 || fail "no reload"

# A peer is drained, its calls end, the command runs, the peer is back.
(
    PATH=$(dirname "$(lab_program dialgatectl)"):$PATH RUN=$LAB_RUN SECONDS_MAX=20 "$EXAMPLES/rpc.sh" sbcs touch "$LAB_DIR/ran" \
        >"$LAB_DIR/example.out" 2>&1
) &
example=$!
lab_wait 30 'the peer is drained' grep -q '"method":"peer.drain"' "$LAB_DIR/audit" || fail "not drained: $(cat "$LAB_DIR/example.out")"
[ ! -e "$LAB_DIR/ran" ] || fail "it did not wait for the calls"
expect "dialogs are ended" rpc "$door,$operator" dialog.end_many all=true rate=1000
wait $example || fail "rpc.sh: $(cat "$LAB_DIR/example.out")"
[ -e "$LAB_DIR/ran" ] || fail "the command did not run"
audited '"method":"peer.enable"'
test_calls_end 20 30
test_done
