#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# alone
# Two PCI devices as one by LACP, in a QEMU guest, with a switch of Python at the other end: a group is agreed on, both devices carry
# calls, a device whose partner is silent or whose link is gone is left out, and taken in again. BOND=balance-xor: the same with a group
# that nobody agrees on.
# shellcheck source=tests/nic/lab.sh
. "$(dirname "$0")/lab.sh"

BOND=${BOND:-lacp}
GUEST_PARTNER=$([ "$BOND" = lacp ] && echo lacp || echo static)
CALLS=${NIC_CALLS:-100}

guest_says() # PATTERN [TIMES]
{
    [ "$(grep -cE "$1" "$LAB_DIR/guest.log")" -ge "${2:-1}" ]
}

partner() # PORT FIELD
{
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]][sys.argv[3]])' "$LAB_DIR/partner/partner.json" "$1" "$2"
}

group_is() # nic0 nic2: True or False each
{
    [ "$(partner nic0 group) $(partner nic2 group)" = "$1 $2" ]
}

# Answers to 64 ports go by both devices (layer 3 and 4), and so do requests.
both_carry()
{
    local sent=() port
    for port in nic0 nic2; do
        sent+=("$(partner $port received)")
    done
    expect 'OPTIONS from 64 ports' lab_in carrier "$NIC/options.py" 10.10.1.1 10.10.0.10 64
    sleep 2 # until the partner has said so
    for port in nic0 nic2; do
        expect_above "frames by $port" $((sent[0] + 5)) "$(partner $port received)"
        sent=("${sent[@]:1}")
    done
}

link_is() # on|off PATTERN TIMES
{
    guest_monitor "set_link second $1"
    sleep 2 # QEMU's device negotiates anew with each command
    guest_says "$2" "$3"
}

test_begin
test_set "networks:
  outside: {attach: pci, device: ['0000:00:02.0', '0000:00:04.0'], bond: $BOND}
  inside: {attach: pci, device: '0000:00:03.0'}"
test_set 'memory: {mb: 256, mbufs: 16384}'
test_set 'dialogs: {capacity: 20000, arena: 32MiB}'
test_set 'transactions: {capacity: 20000}'
test_set 'metrics: {listen: "0.0.0.0:9464"}'
lab_up
guest_start
guest_ready 180 || fail "the guest does not come up"
lab_wait 60 'both devices are in the group' group_is True True || fail "$(cat "$LAB_DIR/partner/partner.json")"
test_callees uas
test_caller uac "$CALLS" 20
both_carry
[ "$BOND" != lacp ] || {
    # The workers sleep when nothing comes: the driver's machine runs all the same. Our partner wants one a second.
    sleep 10
    expect_equal 'LACPDUs come in time' True "$(python3 -c 'import sys; print(max(float(gap) for gap in sys.argv[1:]) < 3)' "$(partner nic0 gap)" "$(partner nic2 gap)")"
    expect_equal 'its devices are in sync, collect and distribute' '0x3c 0x3c' \
        "$(printf '%#x %#x' $(($(partner nic0 state) & 0x3c)) $(($(partner nic2 state) & 0x3c)))"
}

# Calls, while the second device loses its link, and gets it back.
sipp_caller caller uac -m "$CALLS" -r 10 -l 2000 -timeout 300s -timeout_error
touch "$LAB_DIR/partner/nic2"
lab_wait 60 'the second device loses its link' link_is off 'event=device_link_down network=outside device=0000:00:04.0' 1 || fail 'nobody notices'
lab_wait 30 'the group is the first device' group_is True False || fail "$(cat "$LAB_DIR/partner/partner.json")"
expect 'the kernel is reached' lab_in carrier ping -q -c 3 -i 0.2 -W 10 10.10.0.10
expect 'what came of it is told' guest_says 'event=announced network=outside'
test_calls_end "$CALLS" 310
rm "$LAB_DIR/partner/nic2"
lab_wait 60 'the second device gets it back' link_is on 'event=device_link_up network=outside device=0000:00:04.0' 2 || fail 'nobody notices that it is back'
lab_wait 60 'both devices are in the group' group_is True True || fail "$(cat "$LAB_DIR/partner/partner.json")"
both_carry
test_caller uac 50 20
test_callees_saw $((2 * CALLS + 50))
test_no_dialogs
guest_do 'touch /run/end' 10.20.0.10 sbc1 >/dev/null
lab_wait 60 'the guest ends' lab_ended guest || fail 'the guest does not end'
guest_says 'the data plane ended with 0' || fail "$(tail -n 3 "$LAB_DIR/guest.log")"
lab_kill partner TERM
