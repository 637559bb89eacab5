#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# alone
# Two PCI devices as one (active-backup) in a QEMU guest: calls go on when the one in use loses its link, and when it comes back; ping
# goes to the kernel by the same port. Before that jumbo frames, in both directions.
# shellcheck source=tests/nic/lab.sh
. "$(dirname "$0")/lab.sh"

GUEST_BOND=yes
GUEST_MTU=9000
CALLS=${NIC_CALLS:-200}

guest_says() # PATTERN
{
    grep -qE "$1" "$LAB_DIR/guest.log"
}

# Said again each time: QEMU takes a command when it comes to it.
link_is() # DEVICE on|off PATTERN [TIMES]: until the guest has said so, for that time
{
    guest_monitor "set_link $1 $2"
    sleep 2 # QEMU's device negotiates anew with each command
    [ "$(grep -cE "$3" "$LAB_DIR/guest.log")" -ge "${4:-1}" ]
}

test_begin
test_set 'networks:
  outside: {attach: pci, device: ["0000:00:02.0", "0000:00:04.0"], bond: active-backup}
  inside: {attach: pci, device: "0000:00:03.0"}'
test_set 'memory: {mb: 256, mbufs: 16384}' # of 9 kB each
test_set 'dialogs: {capacity: 20000, arena: 32MiB}'
test_set 'transactions: {capacity: 20000}'
test_set 'metrics: {listen: "0.0.0.0:9464"}'
lab_up
guest_start
guest_ready 180 || fail "the guest does not come up"
expect 'one port of two devices' guest_says 'event=device_started network=outside .* checksums="rx=ip,udp tx=ip,udp"'

# Messages of 8 kB in one frame each.
test_peers <<'PYTHON'
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
body = "".join(f"{i:07}\r\n" for i in range(900))
for _ in range(5):
    carrier.send(carrier.request("INVITE", body=body))
    callee, invite = receive_any(sbcs, "INVITE")
    check(invite.body == body, f"{len(invite.body)} octets of the INVITE's body came")
    carrier.expect(100)
    callee.answer(invite, 200, "OK", tag="t1", body=body)
    ok = carrier.expect(200)
    check(ok.body == body, f"{len(ok.body)} octets of the 200's body came")
    side = Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
    side.send("ACK", cseq=1)
    callee.expect("ACK")
    side.send("BYE")
    callee.answer(callee.expect("BYE"), 200, "OK")
    carrier.expect(200)
PYTHON
expect_equal 'datagrams that came in fragments' 0 "$(lab_metric dialgate_packets_total 'outcome="fragment"')"
expect_equal 'messages that left in fragments' 0 "$(lab_metric dialgate_packets_sent_total 'result="fragmented"')"
lab_in carrier ping -q -c 3 -s 8900 -M "do" -W 10 10.10.0.10 >"$LAB_DIR/ping" 2>&1 || fail "large pings: $(tail -n 3 "$LAB_DIR/ping")"
test_callees uas
test_caller uac 50 20

# Calls, and in the middle of them the device in use has no link any more; then it has one again, and the other one has none.
lab_start hears core "$NIC/announced.py" nic2 52:54:00:12:34:56 10.10.0.10 2001:db8:1000::10 3
lab_wait 30 'somebody hears' grep -q hears "$LAB_DIR/hears.log"
sipp_caller caller uac -m "$CALLS" -r 10 -l 2000 -timeout 300s -timeout_error
lab_wait 60 'the first device loses its link' link_is outside off 'event=device_link_down network=outside device=0000:00:02.0' ||
    fail 'nobody notices'
# The switch, our bridge, has been told the way (by frames of its host, too: the kernel here sends nothing that nobody asked for).
lab_wait 90 'the announcements are over' lab_ended hears || fail 'nothing is announced'
lab_exit_status hears
[ "$LAB_STATUS" = 0 ] || fail "announcements: $(cat "$LAB_DIR/hears.log")"
expect 'the log says so' guest_says 'event=announced network=outside interface=dg-outside addresses=3'
expect 'the kernel is reached by the second one' lab_in carrier ping -q -c 3 -i 0.2 -W 10 10.10.0.10
expect 'there is no word of a link down' bash -c "! grep -q 'event=link_down network=outside' '$LAB_DIR/guest.log'"
lab_wait 60 'the first device gets it back' link_is outside on 'event=device_link_up network=outside device=0000:00:02.0' 2 ||
    fail 'nobody notices that it is back'
lab_wait 60 'the second device loses its link' link_is second off 'event=device_link_down network=outside device=0000:00:04.0' ||
    fail 'nobody notices that the second has none'
expect 'the kernel is reached by the first one' lab_in carrier ping -q -c 3 -i 0.2 -W 10 10.10.0.10
test_calls_end "$CALLS" 310
test_callees_saw $((CALLS + 50))
test_no_dialogs
expect_equal 'devices with a link' 1 "$(lab_metric dialgate_network_devices_up 'network="outside"')"

guest_do 'touch /run/end' 10.20.0.10 sbc1 >/dev/null
lab_wait 60 'the guest ends' lab_ended guest || fail 'the guest does not end'
guest_says 'the data plane ended with 0' || fail "$(tail -n 3 "$LAB_DIR/guest.log")"
