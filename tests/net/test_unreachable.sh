#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ICMPv6 of an SBC whose process is gone sends each call to the other one at once. Forged errors of both families, as fast as a stranger
# can send them, fail no call, take no member away and bring two probes a second at most (RFC 3261 18.4). While the data plane is away
# nobody is told that a port is unreachable, in either family. ATTACH=af_packet: by packet sockets.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

LAB_IPV6=yes
FLOOD=5 # seconds
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
  - {name: carrier-a, listener: edge, members: [{address: 10.10.1.1}]}
  - {name: carrier-b, listener: edge6, members: [{address: "$(lab_ipv6 10.10.1.1)"}]}
  - name: sbc-a
    listener: core
    members: [{address: 10.20.0.12}]
    probe: {interval: 20s}
  - name: sbcs-b
    listener: core6
    members: [{address: "$(lab_ipv6 10.20.0.11)"}, {address: "$(lab_ipv6 10.20.0.12)"}]
routes:
  - {from: carrier-a, to: sbc-a}
  - {from: carrier-b, to: sbcs-b}
workers: {count: 2}
overload: {turn: 1s}
YAML
test_up
# The host answers each datagram, not one and then another a second later.
lab_in sbc1 sysctl -qw net.ipv6.icmp.ratelimit=0
# shellcheck disable=SC2034 # sipp.sh
SIPP_IPV6='carrier sbc2'
sipp_callee sbc2 sbc2 uas_probed || fail "SIPp on sbc2"
# Nothing but timer B, 32 s, would end these calls otherwise; SIPp's own patience is shorter.
test_caller uac 40 20 -recv_timeout 5000
expect_counted dialgate_icmp_errors_total 5 'result="failed"'
expect_counted dialgate_failovers_total 5 'reason="unreachable"'
# The one that lives, probed every 20 s but when somebody says that it is gone.
test_replace 's/^    members: .\{address: "[^"]*"\}, (\{address: "[^"]*"\}).$/    members: [\1]\n    probe: {interval: 20s}/'
expect "reload" lab_ctl config reload
SIPP_IPV6=''
sipp_start sbc2-ipv4 sbc2 uas_probed -p 5060
lab_wait 30 'SIPp listens twice' bash -c "[ \$(nsenter --net=/run/netns/$LAB_ID-sbc2 ss -Hlnu 'sport = :5060' | wc -l) = 2 ]" || fail "SIPp on sbc2"
all_up()
{
    lab_metrics >"$LAB_DIR/metrics" && [ "$(grep -c '^dialgate_member_up{.*10.20.0.12.* 1$\|^dialgate_member_up{.*2001:db8:2000::12.* 1$' "$LAB_DIR/metrics")" = 2 ]
}
lab_wait 60 'both are up' all_up || fail "$(lab_ctl peer show sbc-a; lab_ctl peer show sbcs-b)"
failed=$(lab_metric dialgate_icmp_errors_total 'result="failed"')
stray=$(lab_metric dialgate_icmp_errors_total 'result="stray"')
ignored=$(lab_metric dialgate_icmp_errors_total 'result="ignored"')
early=$(lab_metric dialgate_probes_early_total)
# shellcheck disable=SC2034 # sipp.sh
SIPP_IPV6='carrier sbc2'
lab_start lies stranger python3 "$NET/unreachable.py" 10.20.0.10 10.20.0.12 $FLOOD 10.10.0.10
lab_start lies6 stranger python3 "$NET/unreachable.py" "$(lab_ipv6 10.20.0.10)" "$(lab_ipv6 10.20.0.12)" $FLOOD "$(lab_ipv6 10.10.0.10)"
begin=$SECONDS
test_caller uac $((FLOOD * 20)) 20
lab_wait 60 'the lies end' lab_ended lies || fail "unreachable.py does not end"
lab_wait 60 'the lies end' lab_ended lies6 || fail "unreachable.py does not end"
took=$((SECONDS - begin + 1))
expect_above "forged errors sent" 1000 "$(cat "$LAB_DIR/lies.log")"
expect_above "forged errors of ICMPv6 sent" 1000 "$(cat "$LAB_DIR/lies6.log")"
expect_above "forged errors that were looked at" 100 $(($(lab_metric dialgate_icmp_errors_total 'result="stray"') - stray))
expect_above "forged errors without a branch" 100 $(($(lab_metric dialgate_icmp_errors_total 'result="ignored"') - ignored))
expect_equal "requests that failed by them" "$failed" "$(lab_metric dialgate_icmp_errors_total 'result="failed"')"
probes=$(($(lab_metric dialgate_probes_early_total) - early))
echo "forged errors: $(cat "$LAB_DIR/lies.log") and $(cat "$LAB_DIR/lies6.log") in $FLOOD s, $probes probes of two members in $took s"
expect_above "probes that somebody's word brought" 1 $probes
expect_above "room for two probes a second and member" $probes $((2 * 2 * took + 2))
expect "both are up" all_up
test_no_dialogs
test_outcomes
lab_stop sbc2 sbc2-ipv4 || true # SIPp without calls ends at once
# A port that is nobody's shows that it would be told.
lab_kill dataplane KILL
lab_wait 30 'the data plane is gone' lab_ended dataplane || fail "it lives"
test_peers <<'PYTHON'
from sip_peer import *

for ipv6 in (False, True):
    for port, refused in ((5060, False), (5999, True)):
        carrier = Peer("carrier", 5075, ipv6=ipv6)
        carrier.socket.connect((EDGE_IPV6 if ipv6 else EDGE, port))
        told = False
        for _ in range(300 if refused else 3):
            try:
                carrier.socket.send(carrier.request("OPTIONS").encode())
                carrier.expect_nothing(0.1 if refused else 0.3)
            except ConnectionRefusedError:
                told = True
                break
        carrier.socket.close()
        check(told == refused, f"port {port}, ipv6 {ipv6}: unreachable was {'' if told else 'not '}told")
passed()
PYTHON
lab_dataplane
lab_ready 60 || fail "the data plane does not start again"
test_done
