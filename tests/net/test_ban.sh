#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A ban silences a source at once, runs out or is lifted, and a denied prefix is dropped.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
options() # answered, silent or over: what becomes of an OPTIONS from the carrier; over is asked again and again
{
    LAB_ID=$LAB_ID timeout 60 python3 - "$1" <<'PYTHON'
import sys
from sip_peer import *

carrier = Peer("carrier", 5080)
carrier.send(carrier.request("OPTIONS", f"sip:{EDGE}"))
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
