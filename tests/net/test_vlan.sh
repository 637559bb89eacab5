#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# One interface as a trunk: the carrier in VLAN 100, the SBCs behind two tags (4000 outside, 200 inside), a VLAN of the kernel's beside
# them. Calls pass, over IPv4 and IPv6, and in fragments; what comes in another VLAN reaches nothing of ours and stays the kernel's.
# ATTACH=af_packet: by packet sockets.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

attach=${ATTACH:-af_xdp}
object=$PLAIN/tests/net/vlan.bpf.o

tc_program() # NAMESPACE INTERFACE SECTION
{
    lab_in "$1" tc qdisc add dev "$2" clsact
    lab_in "$1" tc filter add dev "$2" ingress bpf direct-action object-file "$object" section "$3"
}

port() # NAMESPACE INDEX PORT NAMESPACE INTERFACE: a port of the trunk there, and what it leads to
{
    ip link add name "$3" index "$2" netns "$LAB_ID-$1" type veth peer name "$5" netns "$LAB_ID-$4"
    lab_in "$1" ethtool -K "$3" tx off >/dev/null
    lab_in "$4" ethtool -K "$5" tx off >/dev/null
    lab_in "$1" ip link set "$3" up
    lab_in "$4" ip link set "$5" up
    tc_program "$1" "$3" port
}

# The far end is a switch in the namespace lan; VLAN interfaces upon trunk0 are made of the same parts, with its MAC.
make_trunk()
{
    local mac vlan index name address
    lab_in core ip link del outside0
    lab_in core ip link del inside0
    ip link add name trunk0 index 9999 netns "$LAB_ID-core" type veth peer name trunk index 9999 netns "$LAB_ID-lan"
    # Tags lie in the frames, as on a wire: XDP sees no others.
    for vlan in core:trunk0 lan:trunk; do
        lab_in "${vlan%:*}" ethtool -K "${vlan#*:}" tx off txvlan off tx-vlan-stag-hw-insert off >/dev/null
        lab_in "${vlan%:*}" ip link set "${vlan#*:}" up
        tc_program "${vlan%:*}" "${vlan#*:}" trunk
    done
    port lan 10100 out100 wan core0
    lab_address wan 10.10.0.1 core0
    port lan 20200 out200 lan core0
    lab_in lan ip link set core0 master bridge0
    port lan 10300 out300 stranger eth1
    lab_address stranger 10.30.0.1 eth1
    mac=$(lab_in core ip -brief link show trunk0 | awk '{ print $3 }')
    for vlan in 10100:trunk0.100:10.10.0.10 20200:trunk0.4000.200:10.20.0.10 10300:trunk0.300:10.30.0.10; do
        IFS=: read -r index name address <<<"$vlan"
        port core "$index" "kernel$index" core "$name"
        lab_in core ip link set "$name" address "$mac"
        lab_address core "$address" "$name"
    done
    # They know the interface that lab_up had made. Room for two tags, as an operator has to leave it.
    for name in sbc1 sbc2; do
        lab_in $name ip neigh flush dev eth0
        lab_in $name ip link set eth0 mtu 1492
    done
    lab_in core ip link set trunk0.4000.200 mtu 1492
    lab_route core 10.10.0.0/16 2001:db8:1000::/36 10.10.0.1
    lab_wait 30 'the trunk forwards' trunk_reaches || fail "no way over the trunk"
}

trunk_reaches()
{
    lab_reaches && lab_in stranger ping -q -c 1 -W 1 10.30.0.10
}

LAB_IPV6=yes
test_begin
[ -f "$object" ] || skip "$object is not built"
test_set "timers: {t1: 5s, t2: 5s}" # a loaded machine is late
test_set "networks:
  outside: {interface: trunk0, attach: $attach, vlan: 100}
  inside: {interface: trunk0, attach: $attach, vlan: 200, outer_vlan: 4000}"
test_set "listeners:
  - {name: edge, network: outside, address: 10.10.0.10, port: 5060}
  - {name: edge6, network: outside, address: \"$(lab_ipv6 10.10.0.10)\", port: 5060}
  - {name: core, network: inside, address: 10.20.0.10, port: 5060}
  - {name: core6, network: inside, address: \"$(lab_ipv6 10.20.0.10)\", port: 5060}"
test_set "peers:
  - {name: carrier-a, listener: edge, members: [{address: 10.10.1.1}]}
  - {name: carrier-b, listener: edge6, members: [{address: \"$(lab_ipv6 10.10.1.1)\"}]}
  - {name: sbcs, listener: core, members: [{address: 10.20.0.11}, {address: 10.20.0.12}]}
  - {name: sbcs-b, listener: core6, members: [{address: \"$(lab_ipv6 10.20.0.11)\"}, {address: \"$(lab_ipv6 10.20.0.12)\"}]}"
test_set "routes:
  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}
  - {from: carrier-a, to: sbcs}
  - {from: carrier-b, to: sbcs-b}"
lab_up
make_trunk
test_daemons
test_callees uas
test_caller uac 100 50 -d 300
test_callees_saw 100
# Both networks by one port; each with the routes and neighbours of its own interface.
expect_equal "warnings about VLAN interfaces" 0 "$(grep -c 'event=vlan_interface_missing' "$LAB_DIR/dataplane.log" || true)"
case $attach in
af_xdp)
    expect "prefilter show" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' prefilter show >'$LAB_DIR/show'"
    expect "the program is outside's" grep -q '^outside: xdp' "$LAB_DIR/show"
    expect "and inside shares it" grep -q '^inside: shared' "$LAB_DIR/show"
    expect_counted dialgate_prefilter_packets_total 300 'network="outside"' 'reason="redirected"'
    ;;
*) expect_counted dialgate_prefilter_packets_total 100 'network="inside"' 'reason="redirected"' ;;
esac
expect_counted dialgate_network_packets_received_total 300 'network="outside"'
before=$(lab_metric_sum dialgate_packets_total <<<"$(lab_metrics)")
# VLAN 300 is the kernel's, with our port there, too; our address in it is none of ours.
lab_in stranger ip route add 10.10.0.10/32 via 10.30.0.10 dev eth1
test_peers <<'PYTHON'
from sip_peer import *

far = Peer("stranger", 5090)
space = os.open(f"/run/netns/{os.environ['LAB_ID']}-core", os.O_RDONLY)
enter(space)
near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
near.bind(("10.30.0.10", 5060))
near.settimeout(PATIENCE)
enter(own_space)
far.socket.sendto(b"to the kernel", ("10.30.0.10", 5060))
check(near.recv(100) == b"to the kernel", "VLAN 300 is the kernel's")
for _ in range(5):
    far.send(far.request("OPTIONS", f"sip:{EDGE}"))
far.expect_nothing(0.5)
passed()
PYTHON
case $attach in
af_xdp) expect_equal "packets of VLAN 300 in the workers" "$before" "$(lab_metric_sum dialgate_packets_total <<<"$(lab_metrics)")" ;;
*) expect_counted dialgate_packets_total 6 'reason="vlan"' ;;
esac
expect "the kernel still answers" lab_in stranger ping -q -c 1 -W 5 10.30.0.10
test_caller uac 50 50 -d 300
lab_stop sbc1
lab_stop sbc2
# IPv6, and what an MTU does not hold: a piece has both tags, or one, before its fragment header (of IPv6) or offset.
test_peers <<'PYTHON'
from pieces import ORDERS, Raw
from sip_peer import *

BODY = "".join(f"{i:07}\r\n" for i in range(8000 // 9))


def call(peers, body="", order=None):
    carrier, sbcs = peers[0], peers[1:]
    invite = carrier.request("INVITE", body=body)
    if order is None:
        carrier.send(invite)
    else:
        check(Raw(carrier).send(invite, order) > 5, "not in pieces")
    callee, heard = receive_any(sbcs, "INVITE")
    check(heard.body == body, f"{len(heard.body)} of {len(body)} octets at {callee.here}, {order}")
    callee.answer(heard, 200, "OK", tag="t1", body=body)
    ok = carrier.expect(200)
    check(ok.body == body, f"{len(ok.body)} of {len(body)} octets at {carrier.here}, {order}")
    side = Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
    side.send("ACK", cseq=1)
    callee.expect("ACK")
    side.send("BYE")
    callee.answer(callee.expect("BYE"), 200, "OK")
    carrier.expect(200)


for ipv6 in (False, True):
    peers = [Peer(space, ipv6=ipv6) for space in ("carrier", "sbc1", "sbc2")]
    for peer in peers:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    for _ in range(3):
        call(peers)
    for order in ORDERS:
        call(peers, BODY, order)
passed()
PYTHON
test_no_dialogs
test_outcomes
test_done
