#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# alone
# Flow isolation in a QEMU guest: the guest's kernel keeps its NICs, and rules (rte_flow, here of DPDK's net_tap, which makes them tc
# filters of the NIC) bring the listeners' packets to Dialgate. Calls, while ping, TCP and other UDP go to the kernel; listeners that a
# reload brings and takes.
# shellcheck source=tests/nic/lab.sh
. "$(dirname "$0")/lab.sh"

GUEST_KERNEL=yes
CALLS=${NIC_CALLS:-200}

guest_says() # PATTERN
{
    grep -qE "$1" "$LAB_DIR/guest.log"
}

# Which has N octets, through the guest's kernel and back.
echoes() # OCTETS [NAMESPACE ADDRESS]
{
    head -c "$1" /dev/urandom >"$LAB_DIR/sent"
    lab_in "${2:-carrier}" timeout 60 socat -t 30 - "TCP:${3:-10.10.0.10}:7" <"$LAB_DIR/sent" >"$LAB_DIR/echoed" && cmp -s "$LAB_DIR/sent" "$LAB_DIR/echoed"
}

rules_are() # COUNT: of outside's
{
    [ "$(lab_metric dialgate_network_flow_rules 'network="outside"')" = "$1" ]
}

filters() # PORTS: that the NIC's rules have
{
    guest_do 'tc filter show dev outside0 ingress' >"$LAB_DIR/filters"
    [ "$(grep -o 'dst_port [0-9]*' "$LAB_DIR/filters" | sort | tr -d '\n')" = "$1" ]
}

# A change of the guest's configuration, and its reload.
reload() # SED_EXPRESSION
{
    guest_do "sed -i '$1' /run/dialgate.yaml && $LAB_BUILD/control/ctl/dialgatectl config reload && echo reloaded" | grep -q reloaded
}

test_begin
test_set 'networks:
  outside: {attach: pci, device: net_tap0, interface: outside0, flow_isolation: on}
  inside: {attach: pci, device: net_tap1, interface: inside0, flow_isolation: on}'
test_set 'memory: {mb: 256, mbufs: 32768}'
test_set 'dialogs: {capacity: 20000, arena: 32MiB}'
test_set 'transactions: {capacity: 20000}'
test_set 'metrics: {listen: "0.0.0.0:9464"}'
lab_up
guest_start
guest_ready 400 || fail "the guest does not come up"
expect 'rules are there' guest_says 'event=flow_isolation network=outside device=net_tap0 interface=outside0 rules=1 fragments=kernel'
expect 'what is lost is said' guest_says 'event=flow_fragments network=outside .*reason="[^"]+"'

# Calls by the rules, beside them ping and TCP of the guest's kernel.
test_callees uas
sipp_caller caller uac -m "$CALLS" -r 20 -l 2000 -timeout 200s -timeout_error
lab_in carrier ping -q -c 20 -i 0.2 -W 10 10.10.0.10 >"$LAB_DIR/ping" 2>&1 || fail "ping: $(tail -n 3 "$LAB_DIR/ping")"
expect '1 MB echoed by TCP' echoes 1000000
test_calls_end "$CALLS" 210
test_callees_saw "$CALLS"
test_no_dialogs
test_outcomes
expect_equal 'frames that we passed on to the kernel' 0 "$(lab_metric dialgate_packets_total 'outcome="host"')"
expect 'one rule' rules_are 1
guest_do "$LAB_BUILD/control/ctl/dialgatectl status" >"$LAB_DIR/status"
expect 'status says how the kernel has the rest' grep -q 'network     outside by outside0: link up, MTU 1,\?500, NIC does .*, kernel.s share: isolated flows' "$LAB_DIR/status"
expect 'the NIC has the rule' filters 'dst_port 5060'

# Rules come and go with listeners; the one that stays is not touched.
expect 'a listener comes' reload '/name: core, network/a\  - {name: later, network: outside, address: 10.10.0.10, port: 5070}'
lab_wait 30 'it has a rule' rules_are 2 || fail 'the new listener has no rule'
expect 'so has the NIC' filters 'dst_port 5060dst_port 5070'
expect 'the listener goes' reload '/name: later/d'
lab_wait 30 'its rule goes' rules_are 1 || fail 'its rule stays'
expect 'from the NIC, too' filters 'dst_port 5060'
test_caller uac 20 20

guest_do 'touch /run/end' >/dev/null
lab_wait 60 'the guest ends' lab_ended guest || fail 'the guest does not end'
guest_says 'the data plane ended with 0' || fail "$(tail -n 3 "$LAB_DIR/guest.log")"
