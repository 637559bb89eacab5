#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A ban silences a source at once, runs out or is lifted, and a denied prefix is dropped.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
options() # PATTERN: what becomes of an OPTIONS from the carrier: answered or silent
{
    LAB_ID=$LAB_ID timeout 20 python3 - "$1" <<'PYTHON'
import sys
from sip_peer import *

carrier = Peer("carrier", 5080)
carrier.send(carrier.request("OPTIONS", f"sip:{EDGE}"))
answer = carrier.receive(1.0)
passed()
sys.exit((answer is not None) != (sys.argv[1] == "answered"))
PYTHON
}
expect "answered before" options answered
expect "ban" lab_ctl prefilter ban 10.10.1.1 --for 1h
expect "silent when banned" options silent
expect "prefilter show lists the ban" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' prefilter show | grep -q '10.10.1.1'"
expect_counted dialgate_prefilter_packets_total 1 'reason="banned"'
expect "unban" lab_ctl prefilter unban 10.10.1.1
expect "answered when lifted" options answered
expect_refusal 1 'not banned' lab_ctl prefilter unban 10.10.1.1
expect "ban for a second" lab_ctl prefilter ban 10.10.1.1 --for 1s
lab_wait 6 'the ban runs out' options answered || fail "still banned"
expect_refusal 1 'IPv4' lab_ctl prefilter ban 10.10.1.300
test_set 'prefilter: {deny: [10.10.1.1/32]}'
expect "reload" lab_ctl config reload
expect "silent when denied" options silent
expect_counted dialgate_prefilter_packets_total 1 'reason="denied"'
test_done
