#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A flood from a stranger is dropped in XDP while calls go on; ping to the box works; nonsense is dropped too.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_callees uas
lab_start flood stranger python3 "$ROOT/config/lab/flood.py" --source 10.10.2.1 --target 10.10.0.10 --rate 3000 --seconds 5
test_caller uac 200 50 -d 500
expect "ping from the carrier" lab_in carrier ping -q -c 3 -i 0.2 -W 1 10.10.0.10
expect "ping from the flooder" lab_in stranger ping -q -c 3 -i 0.2 -W 1 10.10.0.10
lab_wait 30 'the flood ends' lab_ended flood || fail "flood.py does not end"
sent=$(sed -n 's/.*sent=\([0-9]*\).*/\1/p' "$LAB_DIR/flood.log")
expect_above "INVITEs of the flood" 5000 "$sent"
expect "no answer to the flood" grep -q 'answered=0' "$LAB_DIR/flood.log"
dropped=$(($(lab_metric dialgate_prefilter_packets_total 'reason="stranger_invite_rate"') +
    $(lab_metric dialgate_prefilter_packets_total 'reason="stranger_rate"') +
    $(lab_metric dialgate_prefilter_packets_total 'reason="strangers_rate"')))
expect_above "drops in XDP, of $sent" $((sent * 9 / 10)) "$dropped"
expect "prefilter top names the flooder" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' prefilter top | grep -q 10.10.2.1"
test_callees_saw 200
test_peers <<'PYTHON'
from sip_peer import *

stranger = Peer("stranger", 5090)
for octets in (b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n", os.urandom(64)):
    stranger.send(octets)
stranger.expect_nothing(0.3)
passed()
PYTHON
expect_counted dialgate_prefilter_packets_total 2 'reason="not_sip"'
# TCP and other ports are the kernel's.
expect "the kernel answers on another port" bash -c "! nsenter --net=/run/netns/$LAB_ID-carrier curl -s --max-time 3 http://10.10.0.10:81/ && [ \$? -ne 28 ]"
test_no_dialogs
test_done
