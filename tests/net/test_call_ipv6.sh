#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Calls over IPv6 on both sides, and of IPv6 on one side with IPv4 on the other, by neighbours that the kernel finds (ND). ATTACH=af_packet: by packet sockets.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

LAB_IPV6=yes
test_begin
cat >"$LAB_DIR/dialgate.yaml" <<YAML
networks:
  outside: {interface: outside0, attach: ${ATTACH:-af_xdp}}
  inside: {interface: inside0, attach: ${ATTACH:-af_xdp}}
listeners:
  - {name: edge, network: outside, address: 10.10.0.10, port: 5060}
  - {name: edge6, network: outside, address: "$(lab_ipv6 10.10.0.10)", port: 5060}
  - {name: core, network: inside, address: 10.20.0.10, port: 5060}
  - {name: core6, network: inside, address: "$(lab_ipv6 10.20.0.10)", port: 5060}
peers:
  - name: carrier-a
    listener: edge
    members: [{address: 10.10.1.1}]
  - name: carrier-b
    listener: edge6
    sources: ["2001:db8:1001::/64"]
    members: [{address: "$(lab_ipv6 10.10.1.1)"}]
  - name: sbc-a
    listener: core
    members: [{address: 10.20.0.11}]
  - name: sbc-b
    listener: core6
    members: [{address: "$(lab_ipv6 10.20.0.12)"}]
routes:
  - {from: carrier-a, to: sbc-b}
  - {from: carrier-b, uri_user: "4", to: sbc-a}
  - {from: carrier-b, to: sbc-b}
workers: {count: 2}
overload: {turn: 1s}
YAML
test_up
SIPP_IPV6='sbc2'
sipp_callee sbc1 sbc1 uas || fail "SIPp on sbc1"
sipp_callee sbc2 sbc2 uas || fail "SIPp on sbc2"
test_caller uac 50 50 -d 300 # IPv4 to IPv6
SIPP_IPV6='carrier sbc2'
test_caller uac 50 50 -d 300 # IPv6 to IPv6
test_caller uac 50 50 -d 300 -s 4 # IPv6 to IPv4
# SIPp writes its figures once a second.
has_calls() # SBC N
{
    [ "$(sipp_stat "$1" 'IncomingCall(C)')" = "$2" ]
}
lab_wait 30 "50 calls at sbc1" has_calls sbc1 50 || fail "calls at sbc1: $(sipp_stat sbc1 'IncomingCall(C)')"
lab_wait 30 "100 calls at sbc2" has_calls sbc2 100 || fail "calls at sbc2: $(sipp_stat sbc2 'IncomingCall(C)')"
test_no_dialogs
test_outcomes
test_done
