#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A ban silences a source at once, of IPv4 or a prefix of IPv6, runs out or is lifted, and a denied prefix is dropped.
# ATTACH=af_packet: by the workers' filter.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

LAB_IPV6=yes
test_begin
[ -z "${ATTACH:-}" ] || test_replace "s/attach: af_xdp/attach: $ATTACH/"
test_replace "s/^peers:/  - {name: edge6, network: outside, address: \"$(lab_ipv6 10.10.0.10)\", port: 5060}\\npeers:/"
test_replace "s/^routes:/  - {name: carrier-b, listener: edge6, members: [{address: \"$(lab_ipv6 10.10.1.1)\"}]}\\nroutes:/"
test_up
options() # answered, silent or over: what becomes of an OPTIONS from the carrier; over is asked again and again. [ipv6]
{
    LAB_ID=$LAB_ID timeout 60 python3 - "$@" <<'PYTHON'
import sys
from sip_peer import *

carrier = Peer("carrier", 5080, ipv6="ipv6" in sys.argv)
carrier.send(carrier.request("OPTIONS", f"sip:{bracketed(carrier.target[0])}"))
# Silence is proven for a while only.
answer = carrier.receive(PATIENCE if sys.argv[1] == "answered" else 1.0)
passed()
sys.exit((answer is not None) != (sys.argv[1] != "silent"))
PYTHON
}
expect "answered before" options answered
expect "ban" lab_ctl prefilter ban 10.10.1.1 --for 1h
expect "silent when banned" options silent
expect "prefilter bans lists it" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' prefilter bans | grep -q '10.10.1.1.*operator'"
expect_counted dialgate_prefilter_packets_total 1 'reason="banned"'
expect "unban" lab_ctl prefilter unban 10.10.1.1
expect "answered when lifted" options answered
expect_refusal 1 'not banned' lab_ctl prefilter unban 10.10.1.1
expect "ban for a second" lab_ctl prefilter ban 10.10.1.1 --for 1s
lab_wait 30 'the ban runs out' options over || fail "still banned"
banned() # packets that bans stopped
{
    lab_metric dialgate_prefilter_packets_total 'reason="banned"' 'network="outside"'
}
has_hits() # PREFIX HITS: prefilter bans says that it stopped as many
{
    lab_ctl --json prefilter bans | grep -E "\"address\": ?\"$1\"[^}]*\"hits\": ?$2\\b"
}
expect "answered over IPv6" options answered ipv6
expect "another prefix is banned" lab_ctl prefilter ban 2001:db8:1002::/64
expect "still answered over IPv6" options answered ipv6
expect "a ban of the carrier's prefix" lab_ctl prefilter ban 2001:db8:1001::/64 --for 1h
before=$(banned)
expect "silent over IPv6" options silent ipv6
expect_equal "packets that bans stopped" $((before + 1)) "$(banned)"
lab_wait 30 'its ban has the hit' has_hits 2001:db8:1001::/64 1 || fail "prefilter bans: $(lab_ctl --json prefilter bans)"
expect "IPv4 is not meant" options answered
expect "its address lifts it" lab_ctl prefilter unban 2001:db8:1001::1
expect "answered when it is lifted" options answered ipv6
expect "unban" lab_ctl prefilter unban 2001:db8:1002::/64
expect_refusal 1 'IPv4 or IPv6' lab_ctl prefilter ban 10.10.1.300
expect_refusal 1 'prefilter.deny' lab_ctl prefilter ban 10.10.1.0/24
expect_refusal 1 'nobody sends' lab_ctl prefilter ban ::1
expect "a prefix that is one source" lab_ctl prefilter ban 2001:db8:5::/64
test_set 'prefilter: {source_prefix: 56}'
expect "reload" lab_ctl config reload
expect "the ban keeps its prefix" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' prefilter bans | grep -q '2001:db8:5::/64.*operator'"
expect "unban" lab_ctl prefilter unban 2001:db8:5::9
test_set 'prefilter: {deny: [10.10.1.1/32]}'
expect "reload" lab_ctl config reload
expect "silent when denied" options silent
expect_counted dialgate_prefilter_packets_total 1 'reason="denied"'
test_done
