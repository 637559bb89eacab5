# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034 # LAB_SPACES is of config/lab/lab.sh
# The lab of the call generator: it is all callers and all callees, beside the proxy. Sourced after config/lab/lab.sh.
#
#   carrier: calls0 10.10.1.1 ... --- outside0 10.10.0.10 core inside0 10.20.0.10 --- calls1 10.20.1.1 ... (carrier again)
#
# With wires_direct_up the generator has a pair for itself, too, direct0 --- direct1: its own part of all times.
#
# The interfaces calls0 and calls1 have no addresses of the kernel's: the generator answers ARP itself. Names of namespaces
# are of those that config/lab sweeps.
LAB_SPACES='core carrier'
WIRES_BEFORE= # words before the generator
WIRES_CALLER=10.10.1.1
WIRES_CALLEE=10.20.1.1+1
WIRES_PROXY=10.10.0.10,10.20.0.10

wires_up() # after lab_begin
{
    local space
    for space in $LAB_SPACES; do
        ip netns add "$LAB_ID-$space"
        lab_in "$space" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
        lab_in "$space" ip link set lo up
    done
    lab_link core outside0 carrier calls0
    lab_link core inside0 carrier calls1
    lab_in core ip address add 10.10.0.10/16 dev outside0
    lab_in core ip address add 10.20.0.10/16 dev inside0
}

wires_direct_up()
{
    lab_link carrier direct0 carrier direct1
}

wires_mac() # INTERFACE of the generator's
{
    lab_in carrier ip -o link show dev "$1" | sed -nE 's#.*link/ether ([^ ]+).*#\1#p'
}

# The generator answers ARP in its turn: where it has more to do than it can, the kernel would lose it.
wires_neighbours()
{
    lab_in core ip neighbour replace 10.10.1.1 lladdr "$(wires_mac calls0)" dev outside0 nud permanent
    lab_in core ip neighbour replace 10.20.1.1 lladdr "$(wires_mac calls1)" dev inside0 nud permanent
    lab_in core ip neighbour replace 10.20.1.2 lladdr "$(wires_mac calls1)" dev inside0 nud permanent
}

# The generator between two of its interfaces. Its figures go to LAB_DIR/callgen.json.
wires_callgen() # CALLERS' CALLEES' [OPTIONS OF callgen...]
{
    local callers=$1 callees=$2
    shift 2
    # shellcheck disable=SC2086 # words before it, such as taskset's
    lab_in carrier $WIRES_BEFORE "$LAB_BUILD/perf/callgen/callgen" --json "$LAB_DIR/callgen.json" "$@" -- \
        --file-prefix "$LAB_ID-callgen" --no-huge --no-shconf --no-telemetry --no-pci -m 256 \
        --vdev "net_af_xdp0,iface=$callers" --vdev "net_af_xdp1,iface=$callees"
}

wires_calls() # [OPTIONS OF callgen...]: through the proxy
{
    wires_callgen calls0 calls1 --caller "$WIRES_CALLER" --callee "$WIRES_CALLEE" --proxy "$WIRES_PROXY" "$@"
}

wires_direct_calls() # [OPTIONS OF callgen...]: without one
{
    wires_callgen direct0 direct1 --direct --caller "${WIRES_CALLER%+*}" --callee "${WIRES_CALLEE%+*}" "$@"
}

# Dialgate between them, for DIALOGS calls at once on WORKERS workers, with rates that no generator exceeds. A call that was set up
# leaves transactions for 64 * T1; TRANSACTIONS are a worker's.
wires_dialgate() # WORKERS DIALOGS TRANSACTIONS ARENA_MIB
{
    cat >"$LAB_DIR/dialgate.yaml" <<YAML
networks:
  outside: {interface: outside0, attach: af_xdp}
  inside: {interface: inside0, attach: af_xdp}
listeners:
  - {name: edge, network: outside, address: 10.10.0.10, port: 5060}
  - {name: core, network: inside, address: 10.20.0.10, port: 5060}
peers:
  - name: carrier
    listener: edge
    sources: [10.10.1.0/24]
    members: [{address: 10.10.1.1}]
  - name: sbcs
    listener: core
    members: [{address: 10.20.1.1}, {address: 10.20.1.2}]
    balance: call-id
routes:
  - {from: carrier, to: sbcs}
  - {from: sbcs, to: carrier}
workers: {count: $1}
dialogs: {capacity: $2, arena: $4MiB}
transactions: {capacity: $3}
state: {dialogs: $LAB_STATE}
prefilter:
  peer: {rate: 10000000, burst: 10000000}
  peer_invite: {rate: 10000000, burst: 10000000}
YAML
}
