#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The same calls through AF_PACKET ports, which have no XDP program: while the data plane is away, control's duplicates of its
# sockets alone keep the kernel from answering for it.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_replace 's/attach: af_xdp/attach: af_packet/'
test_set "capture: {directory: $LAB_DIR/captures}"
test_up
expect "no XDP program on outside0" bash -c "! nsenter --net=/run/netns/$LAB_ID-core ip link show outside0 | grep -q xdp"
test_callees uas
# The workers' own filter holds a flood off, bans, and says so.
lab_start flood stranger python3 "$ROOT/config/lab/flood.py" --source 10.10.2.1 --target 10.10.0.10 --rate 1000 --seconds 2
test_caller uac 100 50 -d 300
test_callees_saw 100
lab_wait 60 'the flood ends' lab_ended flood || fail "flood.py does not end"
expect "no answer to the flood" grep -q 'answered=0' "$LAB_DIR/flood.log"
expect_counted dialgate_prefilter_packets_total 1000 'network="outside"' 'reason="stranger_invite_rate"'
expect_counted dialgate_packets_total 1000 'reason="filtered"'
expect_counted dialgate_prefilter_class_packets_total 1000 'peer="-"' 'result="invite_rate"'
expect_counted dialgate_prefilter_class_packets_total 300 'peer="carrier-a"' 'result="passed"'
expect_equal "what of the carrier was dropped" 0 "$(lab_metric dialgate_prefilter_class_packets_total 'peer="carrier-a"' 'result="rate"')"
expect "prefilter show says where" bash -c "'$(lab_program dialgatectl)' --run-directory '$LAB_RUN' prefilter show | grep -q 'outside: software'"
expect "capture of what is dropped" lab_ctl capture start --file banned --dropped --peer carrier-a
expect "ban" lab_ctl prefilter ban 10.10.1.1 --for 1h
banned_is_silent()
{
    LAB_ID=$LAB_ID python3 - <<'PYTHON'
import sys
from sip_peer import *

carrier = Peer("carrier", 5080)
carrier.send(carrier.request("OPTIONS", f"sip:{EDGE}"))
silent = carrier.receive(0.3) is None
passed()
sys.exit(not silent)
PYTHON
}
lab_wait 20 'the ban is in force' banned_is_silent || fail "a banned peer is answered"
expect_counted dialgate_prefilter_packets_total 1 'network="outside"' 'reason="banned"'
expect "the capture's end" lab_ctl capture stop 1
tshark -r "$LAB_DIR/captures/banned.pcapng" -o udp.check_checksum:TRUE -T fields -E separator='|' -e sip.Method -e ip.src -e udp.checksum.status \
    -e frame.comment >"$LAB_DIR/banned" 2>"$LAB_DIR/tshark.errors" || fail "$(cat "$LAB_DIR/tshark.errors")"
grep -q '^OPTIONS|10.10.1.1|1|peer="carrier-a".*outcome="dropped",reason="filtered"' "$LAB_DIR/banned" || fail "what was dropped: $(cat "$LAB_DIR/banned")"
expect "unban" lab_ctl prefilter unban 10.10.1.1
test_no_dialogs
test_outcomes
# However it goes, nobody at the far end is told that the port is unreachable; a port that is nobody's shows that it would be.
silent()
{
    test_peers <<'PYTHON'
from sip_peer import *

for port, refused in ((5060, False), (5999, True)):
    carrier = Peer("carrier", 5075)
    carrier.socket.connect((EDGE, port))
    told = False
    for _ in range(2 if not refused else 300):
        try:
            carrier.socket.send(carrier.request("OPTIONS", f"sip:{EDGE}").encode())
            carrier.expect_nothing(0.3 if not refused else 0.1)
        except ConnectionRefusedError:
            told = True
            break
    carrier.socket.close()
    check(told == refused, f"port {port}: unreachable was {'' if told else 'not '}told")
passed()
PYTHON
}
for signal in KILL TERM; do
    lab_kill dataplane $signal
    lab_wait 30 'the data plane is gone' lab_ended dataplane || fail "it lives after $signal"
    silent
    lab_dataplane
    lab_ready 60 || fail "the data plane does not start again"
done
test_caller uac 20 50 -d 300
test_no_dialogs
# Without control, too, nobody answers for it any more.
test_done
