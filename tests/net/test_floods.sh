#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Floods at ten times the limits, IPv4 and IPv6 (random sources that are all different, one source, another peer's forged address,
# malformed SIP, fragments that never become whole), cost the calls of a peer nothing and neither the process nor the kernel's maps
# memory; each packet of them is counted. ATTACH=af_packet: the workers' filter. CALLS, CALL_RATE, WARM_CALLS, FLOOD_RATE
# (packets a second of each kind) and KINDS (one flood a word, of kinds with commas between them) are for soak_floods.sh.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

calls=${CALLS:-200} rate=${CALL_RATE:-50} flood=${FLOOD_RATE:-2000} warm=${WARM_CALLS:-50}
kinds=${KINDS:-sources,single,peer,malformed,fragments}
LAB_BUILD=$PLAIN # memory is what it is without a sanitizer
LAB_IPV6=yes

measure() # FILE
{
    lab_metrics >"$LAB_DIR/metrics" &&
        python3 "$NET/floods.py" measure "${LAB_PIDS[dataplane]}" "$LAB_ID-stranger" "$LAB_ID-wan" "$LAB_ID-core" <"$LAB_DIR/metrics" >"$LAB_DIR/$1"
}

# What was sent last is counted some milliseconds later: until nothing changes any more.
settled()
{
    local before=${seen:-}
    seen=$(lab_metric dialgate_prefilter_packets_total 'network="outside"')
    [ "$seen" = "$before" ]
}

flood_start() # KIND...
{
    rm -f "$LAB_DIR/flooder.log"
    lab_start flooder stranger "$PLAIN/tests/net/flooder" --source 10.10.2.1 --peer 10.77.0.9 --target 10.10.0.10 \
        --source6 2001:db8:1002::1 --peer6 2001:db8:1077::9 --target6 "$(lab_ipv6 10.10.0.10)" --rate "$flood" "$@"
}

under() # KINDS CALLS: calls while this flood goes on, and what it did
{
    local wanted
    IFS=, read -ra wanted <<<"$1"
    seen=
    lab_wait 30 'counters rest' settled || fail "somebody sends"
    measure before || fail "cannot measure"
    flood_start "${wanted[@]}"
    test_caller uac "$2" "$rate" -d 300
    lab_stop flooder || fail "the flooder does not end"
    seen=
    lab_wait 30 'counters rest' settled || fail "somebody sends"
    measure after || fail "cannot measure"
    echo "floods: $2 calls of carrier-a under ${wanted[*]}, $flood a second of each:"
    python3 "$NET/floods.py" judge "$LAB_DIR/before" "$LAB_DIR/after" "$LAB_DIR/flooder.log" || fail "see above"
    done_calls=$((done_calls + $2))
}

test_begin
cat >"$LAB_DIR/dialgate.yaml" <<YAML
networks:
  outside: {interface: outside0, attach: ${ATTACH:-af_xdp}}
  inside: {interface: inside0, attach: ${ATTACH:-af_xdp}}
listeners:
  - {name: edge, network: outside, address: 10.10.0.10, port: 5060}
  - {name: edge6, network: outside, address: "$(lab_ipv6 10.10.0.10)", port: 5060}
  - {name: core, network: inside, address: 10.20.0.10, port: 5060}
peers:
  - name: carrier-a
    listener: edge
    sources: [10.10.1.0/24]
    members: [{address: 10.10.1.1}]
  - name: carrier-b
    listener: [edge, edge6]
    sources: [10.77.0.0/24, "2001:db8:1077::/64"]
    prefilter: {rate: $((flood / 5)), invite_rate: $((flood / 10)), fragment_rate: $((flood / 20))}
  - name: sbcs
    listener: core
    members: [{address: 10.20.0.11}, {address: 10.20.0.12}]
    balance: call-id
routes:
  - {from: carrier-a, to: sbcs}
  - {from: sbcs, to: carrier-a}
prefilter:
  strangers: {rate: $((flood / 10)), burst: $((flood / 10))}
  strangers_fragment: {rate: $((flood / 20)), burst: $((flood / 20))}
workers: {count: 2}
overload: {turn: 1s}
YAML
test_up
test_callees uas
# Pools, caches and tables are filled, as far as these calls and floods fill them: transactions stay for half a minute.
done_calls=0
IFS=', ' read -ra all <<<"$kinds"
flood_start "${all[@]}"
test_caller uac "$warm" "$rate" -d 300
lab_stop flooder || fail "the flooder does not end"
done_calls=$warm
for kind in $kinds; do
    under "$kind" "$calls"
done
test_callees_saw "$done_calls"
# It was dropped for what it was.
for reason in strangers_rate stranger_invite_rate not_sip peer_invite_rate peer_fragment_rate strangers_fragment_rate; do
    expect_above "drops by $reason" 100 "$(lab_metric dialgate_prefilter_packets_total 'network="outside"' "reason=\"$reason\"")"
done
test_no_dialogs
test_outcomes
test_done
