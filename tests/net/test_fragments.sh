#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# INVITEs of 3, 8 and 60 kB and answers as long, over IPv4 and IPv6, their fragments in order, backwards and mixed: Dialgate puts
# them together and cuts what it sends on, which the kernels at the far ends put together. Fragments that never become whole, of a
# peer and of a stranger, cost such calls nothing. A router on the way that takes less says so, and is heard (RFC 8201). Captures
# show all of it as tshark reads it. ATTACH=af_packet: by packet sockets.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

LAB_IPV6=yes
test_begin
cat >"$LAB_DIR/dialgate.yaml" <<YAML
networks:
  outside: {interface: outside0, attach: ${ATTACH:-af_xdp}}
  inside: {interface: inside0, attach: ${ATTACH:-af_xdp}}
listeners:
  - {name: edge, network: outside, address: 10.10.0.10, port: 5060}
  - {name: edge6, network: outside, address: "$(lab_ipv6 10.10.0.10)", port: 5060}
  - {name: core, network: inside, address: 10.20.0.10, port: 5060}
  - {name: core6, network: inside, address: "$(lab_ipv6 10.20.0.10)", port: 5060}
peers:
  - name: carrier-a
    listener: edge
    members: [{address: 10.10.1.1}]
  - name: carrier-b
    listener: edge6
    members: [{address: "$(lab_ipv6 10.10.1.1)"}]
  - name: sbcs-a
    listener: core
    members: [{address: 10.20.0.11}, {address: 10.20.0.12}]
  - name: sbcs-b
    listener: core6
    members: [{address: "$(lab_ipv6 10.20.0.11)"}, {address: "$(lab_ipv6 10.20.0.12)"}]
routes:
  - {from: carrier-a, uri_user: "6", to: sbcs-b}
  - {from: carrier-a, to: sbcs-a}
  - {from: carrier-b, uri_user: "4", to: sbcs-a}
  - {from: carrier-b, to: sbcs-b}
workers: {count: 2}
overload: {turn: 1s}
# A loaded machine is late, and nothing may be repeated here.
timers: {t1: 5s, t2: 5s}
capture: {directory: $LAB_DIR/captures}
YAML
test_up
lab_ctl capture start --file dropped --dropped >/dev/null || fail "no capture of what is dropped"
lab_ctl capture start --file large --call-id captured@fragments >/dev/null || fail "no capture of a call"
test_peers <<'PYTHON'
from pieces import ORDERS, Raw
from sip_peer import *

class InPieces(Peer):
    """Sends by the kernel, which cuts as it likes, or in pieces of its own."""
    order = "kernel"

    def send(self, text, target=None):
        if self.order == "kernel":
            super().send(text, target)
        else:
            transcript.append(f">>> {self.here}: {len(text)} octets in {self.raw.send(text, self.order)} pieces, {self.order}")


FAMILIES = {}
for ipv6 in (False, True):
    FAMILIES[ipv6] = [InPieces(space, ipv6=ipv6) for space in ("carrier", "sbc1", "sbc2")]
    for peer in FAMILIES[ipv6]:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        peer.raw = Raw(peer)


def body_of(octets):
    return "".join(f"{i:07}\r\n" for i in range(octets // 9))


def call(caller_ipv6, callee_ipv6, octets, order, **fields):
    carrier, sbcs, body = FAMILIES[caller_ipv6][0], FAMILIES[callee_ipv6][1:], body_of(octets)
    if caller_ipv6 != callee_ipv6:
        fields["uri"] = f"sip:{6 if callee_ipv6 else 4}@{bracketed(carrier.target[0])}"
    what = f"{octets} octets, {order}, from {carrier.here} to {sbcs[0].here}"
    carrier.order = order
    carrier.send(carrier.request("INVITE", body=body, **fields))
    carrier.order = "kernel"
    callee, invite = receive_any(sbcs, "INVITE")
    check(invite.body == body, f"INVITE of {what}: {len(invite.body)} octets of its body came")
    carrier.expect(100)
    callee.order = order
    callee.answer(invite, 200, "OK", tag="t1", body=body)
    callee.order = "kernel"
    ok = carrier.expect(200)
    check(ok.body == body, f"200 of {what}: {len(ok.body)} octets of its body came")
    side = Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
    side.send("ACK", cseq=1)
    callee.expect("ACK")
    side.send("BYE")
    callee.answer(callee.expect("BYE"), 200, "OK")
    carrier.expect(200)


for ipv6 in (False, True):
    for octets in (3000, 8000, 60000):
        for order in ("kernel", *ORDERS):
            call(ipv6, ipv6, octets, order)
for caller_ipv6 in (False, True):
    call(caller_ipv6, not caller_ipv6, 8000, "mixed")
call(True, True, 60000, "kernel", call_id="captured@fragments")
for ipv6 in (False, True):
    for space in ("carrier", "stranger"):
        raw = Raw(Peer(space, 5070, ipv6=ipv6))
        for number in range(200):
            raw.piece(raw.datagram(b"INVITE sip:" + b"x" * 2000)[:1008], 0, True, number + 1)
    # One that lies over another is refused with all of its datagram (RFC 5722).
    raw = FAMILIES[ipv6][0].raw
    for offset in (0, 8):
        raw.piece(b"x" * 800, offset, True, 7777)
    for octets in (3000, 60000):
        call(ipv6, ipv6, octets, "mixed")
passed()
PYTHON
lab_ctl capture stop 1 >/dev/null || fail "the capture of what is dropped has ended"
lab_ctl capture stop 2 >/dev/null || fail "the capture of a call has ended"
# A whole message is one packet there, whatever it came in: method or status, checksum and size of each.
tshark -r "$LAB_DIR/captures/large.pcapng" -o udp.check_checksum:TRUE -T fields -E separator='|' -e sip.Call-ID -e udp.checksum.status \
    -e ipv6.plen >"$LAB_DIR/large" 2>"$LAB_DIR/tshark.errors" || fail "$(cat "$LAB_DIR/tshark.errors")"
expect_equal "messages of the call" 11 "$(grep -c '^captured@fragments|1|' "$LAB_DIR/large")"
expect_equal "packets in its file" 11 "$(wc -l <"$LAB_DIR/large")"
expect_equal "INVITE and 200, in and out" 4 "$(awk -F '|' '$3 > 60000' "$LAB_DIR/large" | wc -l)"
# Fragments are frames, with their peer.
tshark -r "$LAB_DIR/captures/dropped.pcapng" -T fields -E separator='|' -e ip.src -e ip.frag_offset -e ipv6.src -e ipv6.fraghdr.offset \
    -e frame.comment >"$LAB_DIR/dropped" 2>"$LAB_DIR/tshark.errors" || fail "$(cat "$LAB_DIR/tshark.errors")"
for row in '10.10.1.1\|[0-9]+\|\|\|peer="carrier-a"' "\\|\\|$(lab_ipv6 10.10.1.1)\\|[0-9]+\\|peer=\"carrier-b\""; do
    grep -qE "^$row.*outcome=\"dropped\",reason=\"fragment\"" "$LAB_DIR/dropped" || fail "no /$row/ among what was dropped: $(sort "$LAB_DIR/dropped" | uniq -c | head)"
done
# A narrower link behind the router. What was too long for it is sent again by its sender, as nothing has come.
lab_in wan ip link set carrier0 mtu 1300
lab_in carrier ip link set eth0 mtu 1300
test_peers <<'PYTHON'
from sip_peer import *

carrier, sbcs = Peer("carrier", ipv6=True), [Peer("sbc1", ipv6=True), Peer("sbc2", ipv6=True)]
for peer in (carrier, *sbcs):
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
body = "x" * 8000
carrier.send(carrier.request("INVITE"))
callee, invite = receive_any(sbcs, "INVITE")
carrier.expect(100)
ok, deadline = None, time.monotonic() + PATIENCE
while ok is None and time.monotonic() < deadline:
    callee.answer(invite, 200, "OK", tag="t1", body=body)
    ok = carrier.receive(0.5)
check(ok is not None and ok.status == 200 and ok.body == body, "no 200 came by the narrow link")
side = Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
side.send("ACK", cseq=1)
callee.expect("ACK")
side.send("BYE")
callee.answer(callee.expect("BYE"), 200, "OK")
carrier.expect(200)
passed()
PYTHON
expect_counted dialgate_icmp_errors_total 1 'result="narrowed"'
test_no_dialogs
test_outcomes
test_done
