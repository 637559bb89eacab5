# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# A bad wire between Dialgate and its far ends: relay.py on both links of the lab, after lab_up. Sourced after lab.sh.

# The link to Dialgate ends at the relay, and a pair behind it takes its place.
relay_splice() # NAMESPACE INTERFACE: what stood on INTERFACE stands on relay1 afterwards
{
    lab_in "$1" ip link add relay0 type veth peer name relay1
    lab_in "$1" ethtool -K relay0 tx off >/dev/null
    lab_in "$1" ethtool -K relay1 tx off >/dev/null
    # The kernel must leave what the relay reads: it would answer ARP for any address that it has.
    lab_in "$1" ip link set "$2" arp off
    lab_in "$1" ip link set relay0 arp off up
    lab_in "$1" ip link set relay1 up
}

relay_links()
{
    relay_splice wan core0
    lab_in wan ip address del 10.10.0.1/24 dev core0
    lab_in wan ip address add 10.10.0.1/24 dev relay1
    relay_splice lan core0
    lab_in lan ip link set core0 nomaster
    lab_in lan ip link set relay1 master bridge0
}

relay_ready() # LOG
{
    grep -q '^ready$' "$1"
}

# Both wires with these options; each has a seed of its own. What wires did before is forgotten.
relay_start() # SEED [OPTIONS OF relay.py...]
{
    local seed=$1 space
    shift
    for space in wan lan; do
        rm -f "$LAB_DIR/relay-$space.log"
        lab_start "relay-$space" $space python3 "$NET/relay.py" core0 relay0 --seed "$seed-$space" "$@"
        lab_wait 30 "the relay in $space begins" relay_ready "$LAB_DIR/relay-$space.log" || fail "$(cat "$LAB_DIR/relay-$space.log")"
    done
    lab_wait 30 'the relayed lab forwards' lab_reaches || fail "nothing passes the relays"
}

relay_stop()
{
    lab_stop relay-wan relay-lan || fail "a relay does not end"
    expect_equal "datagrams that a relay could not take" 0 "$(($(relay_count overrun)))"
}

relay_count() # seen, lost, duplicated, held, overrun: of both wires, after relay_stop
{
    sed -nE "s/.*\b$1=([0-9]+).*/\1/p" "$LAB_DIR"/relay-{wan,lan}.log | awk '{ sum += $1 } END { print sum + 0 }'
}

relay_figure() # NAME: of the last relay_calls
{
    sed -nE "s/.*\b$1=([0-9]+).*/\1/p" "$LAB_DIR/calls.log"
}

# Calls with far ends of our own (lossy_calls.py); at most ALLOWED of them fail, and what the relays did must show.
relay_calls() # T1_MS CALLS RATE ALLOWED
{
    LAB_ID=$LAB_ID python3 "$NET/lossy_calls.py" "$2" "$3" "$1" 500 >"$LAB_DIR/calls.log" 2>&1 || fail "$(tail -n 3 "$LAB_DIR/calls.log")"
    expect_equal "calls" "$2" "$(relay_figure calls)"
    expect_equal "calls whose INVITE came with two branches" 0 "$(relay_figure merged)"
    [ "$(relay_figure failed)" -le "$4" ] || fail "more than $4 calls failed: $(cat "$LAB_DIR/calls.log")"
}
