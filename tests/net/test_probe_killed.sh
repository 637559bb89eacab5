#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An SBC whose process is gone: its host's ICMP errors send each call to the other one at once, without a timer and without
# probes. With probes it is down, and why is told. ICMP that quotes nothing of ours changes nothing.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

down()
{
    lab_metrics >"$LAB_DIR/metrics" && grep -q '^dialgate_member_up{.*member="10.20.0.11:5060"} 0$' "$LAB_DIR/metrics"
}

not_ready()
{
    ! lab_http /readyz
}

since() # Unix time, of sbc1 that is down
{
    lab_ctl --json peer show sbcs | python3 -c 'import json, sys
member = json.load(sys.stdin)["members"][0]
assert member["address"] == "10.20.0.11:5060" and member["health"] == "down" and member["reason"] == "unreachable", member
print(member["since"])'
}

test_up
# The host answers each datagram, not six and then one a second.
lab_in sbc1 sysctl -qw net.ipv4.icmp_ratelimit=0
sipp_callee sbc2 sbc2 uas_probed
# Nothing but timer B, 32 s, would end these calls otherwise; SIPp's own patience is shorter.
test_caller uac 40 20 -recv_timeout 5000
expect_counted dialgate_icmp_errors_total 5 'result="failed"'
expect_counted dialgate_failovers_total 5 'reason="unreachable"'
test_no_dialogs
failed=$(lab_metric dialgate_icmp_errors_total 'result="failed"')
# Somebody else's quotation: well-formed, of a branch that was never made.
lab_in sbc1 python3 - <<'PYTHON' || fail "see above"
import socket, struct

def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

def quote(payload):
    udp = struct.pack("!HHHH", 5060, 5060, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                     socket.inet_aton("10.20.0.10"), socket.inet_aton("10.20.0.11"))
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + udp

raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
for branch in ("z9hG4bKdg" + "a" * 32, "z9hG4bKdg" + "b" * 20, "z9hG4bK1"):
    text = f"OPTIONS sip:10.20.0.11 SIP/2.0\r\nVia: SIP/2.0/UDP 10.20.0.10:5060;branch={branch}\r\n\r\n"
    for code in (3, 4):
        body = quote(text.encode() + b" " * (len(text) % 2))
        message = struct.pack("!BBHI", 3, code, 0, 0) + body
        raw.sendto(message[:2] + struct.pack("!H", checksum(message)) + message[4:], ("10.20.0.10", 0))
PYTHON
expect_counted dialgate_icmp_errors_total 1 'result="stray"'
# Nobody answers for a datagram that was too long with a branch alone: those narrow the way to a peer, and fail nothing.
expect_counted dialgate_icmp_errors_total 2 'result="ignored"'
expect_counted dialgate_icmp_errors_total 3 'result="narrowed"'
expect_equal "requests that failed by it" "$failed" "$(lab_metric dialgate_icmp_errors_total 'result="failed"')"
# With probes: it is down before the timeout of a probe could tell.
test_replace 's/^    balance: call-id$/&\n    probe: {interval: 1s, timeout: 1s, down_after: 2}/'
expect "reload" lab_ctl config reload
lab_wait 30 'sbc1 is down' down || fail "$(lab_ctl peer show sbcs)"
lab_ctl peer show sbcs >"$LAB_DIR/show"
expect "peer show says why" grep -qE '^10\.20\.0\.11:5060 +down +.*unreachable' "$LAB_DIR/show"
expect "log" grep -q 'member_down peer=sbcs member=10.20.0.11:5060 reason="unreachable"' "$LAB_DIR/dataplane.log"
before=$(lab_metric dialgate_failovers_total)
test_caller uac 20 20
expect_equal "fail-overs while it is down" "$before" "$(lab_metric dialgate_failovers_total)"
test_no_dialogs
test_outcomes
# A restart forgets neither that it is down nor since when (control counts that back from the monotonic clock).
before=$(since)
lab_kill dataplane KILL
lab_wait 30 'the data plane is gone' lab_ended dataplane
lab_wait 30 'control notices' not_ready || fail "control says that all is well"
lab_dataplane
lab_ready 60 || fail "the data plane does not start again"
expect "log" grep -q 'health_restored members=2' "$LAB_DIR/dataplane.log"
after=$(since)
delta=$((after - before))
[ "${delta#-}" -le 1 ] || fail "down since $before, after the restart since $after"
test_done
