#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Members by name: 503 until the name resolves, then its addresses by SRV; a changed answer moves new calls and fails
# none; the last addresses serve while DNS is away, over a restart of dialgate-control too.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

zone() # SBC ADDRESS...: what sbcs.example.net leads to, by SRV
{
    local sbc
    for sbc; do
        echo "_sip._udp.sbcs.example.net 5 SRV 10 1 5060 ${sbc%=*}.example.net"
        echo "${sbc%=*}.example.net 5 A ${sbc#*=}"
    done >"$LAB_DIR/zone.new"
    mv "$LAB_DIR/zone.new" "$LAB_DIR/zone"
}

name_server()
{
    lab_start names core python3 "$NET/name_server.py" 5353 "$LAB_DIR/zone"
    lab_wait 30 'the name server listens' sipp_listening core 5353 || fail "$(tail -n 3 "$LAB_DIR/names.log")"
}

control() # dialgate-control that asks the test's name server
{
    lab_start control core "$(lab_program dialgate-control)" -c "$LAB_DIR/dialgate.yaml" --run-directory "$LAB_RUN" \
        --state-directory "$LAB_STATE" --name-servers 127.0.0.1:5353
}

members() # the peer's members that came from the host, in order
{
    lab_ctl --json peer show sbcs | python3 -c '
import json, sys
print(*sorted(row["address"] for row in json.load(sys.stdin)["members"] if row["host"] == "sbcs.example.net"))'
}

members_are() # ADDRESSES
{
    [ "$(members)" = "$1" ]
}

calls_of() # SBC
{
    sipp_stat "$1" 'IncomingCall(C)'
}

more_at() # SBC CALLS
{
    [ "$(calls_of "$1")" -gt "$2" ]
}

test_begin
# What leaves DNS stays a source of its peer, so that its calls can end.
test_replace 's/^( *)members: \[\{address: 10.20.0.11.*/\1sources: [10.20.0.0\/24]\n\1members: [{host: sbcs.example.net}]/'
zone sbc1=10.20.0.11
expect "the file is good without DNS" "$(lab_program dialgate-control)" -n -c "$LAB_DIR/dialgate.yaml"
lab_up
lab_in core ip link set lo up
control
lab_dataplane
lab_ready 60 || fail "Dialgate did not become ready"
expect_equal "members without DNS" "" "$(members)"
sed 's/STATUS/503/' "$SIPP_SCENARIOS/uac_refused.xml" >"$LAB_DIR/uac_503.xml"
test_caller uac_503 3 3

test_callees uas
name_server
# A reload looks every host up at once.
expect "a reload" lab_ctl config reload
lab_wait 30 'the host resolves' members_are 10.20.0.11:5060 || fail "members: $(members)"
lab_ctl peer show sbcs | grep -qE '^host sbcs.example.net, resolved 20.*: 10.20.0.11:5060$' || fail "$(lab_ctl peer show sbcs)"
test_caller uac 20 20 -d 200
expect_equal "calls at sbc2 so far" 0 "$(calls_of sbc2)"

# Within the TTL, during calls that stay where they are.
sipp_caller caller uac -r 20 -d 500 -l 15000
lab_wait 30 'calls at sbc1' more_at sbc1 20 || fail "no calls"
zone sbc2=10.20.0.12
lab_wait 30 'the answer changes' members_are 10.20.0.12:5060 || fail "members: $(members)"
lab_wait 30 'calls at sbc2' more_at sbc2 0 || fail "no calls where the new answer leads"
test_calls_stop
made=$((20 + CALLS))
test_callees_saw $made

# Without DNS, and after a restart without it.
lab_stop names || true
lab_kill control KILL
lab_wait 30 'control is gone' lab_ended control
control
lab_ready 60 || fail "control does not find the data plane"
expect_equal "members after a restart" 10.20.0.12:5060 "$(members)"
before=$(calls_of sbc1)
test_caller uac 20 20 -d 200
test_callees_saw $((made + 20))
expect_equal "calls at sbc1 after the change" "$before" "$(calls_of sbc1)"
lab_wait 30 'the failed look-up is told' grep -q 'event=host_not_resolved' "$LAB_DIR/control.log" || fail "no failure is logged"
test_no_dialogs
test_done
