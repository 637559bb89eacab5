#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Captures of a Call-ID, of a number, of what is dropped, and of all to a collector: every message that was sent and
# received is there, none of others, as tshark and sngrep read the files. What there was at a kill of control is there, too.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

# A line a packet: Call-ID of the whole SIP message in it, are the checksums of IP and UDP good, and what the file says of it.
decode() # FILE [TSHARK ARGUMENTS...]
{
    tshark -r "$1" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields -E separator='|' \
        -e sip.Call-ID -e ip.checksum.status -e udp.checksum.status -e frame.comment "${@:2}" 2>"$LAB_DIR/tshark.errors"
}

is_decoded() # FILE COUNT CALL-ID: it has so many messages, all of them with this one
{
    decode "$LAB_DIR/captures/$1.pcapng" >"$LAB_DIR/decoded"
    [ "$(wc -l <"$LAB_DIR/decoded")" = "$2" ] && ! grep -vF "$3|1|1|" "$LAB_DIR/decoded" >/dev/null
}

begin() # NAME OPTIONS...: a capture to a file of this name
{
    lab_ctl capture start --file "$@" >"$LAB_DIR/started" || fail "$(cat "$LAB_DIR/started")"
    grep -q "$LAB_DIR/captures/$1.pcapng" "$LAB_DIR/started" || fail "$(cat "$LAB_DIR/started")"
}

test_begin
test_set 'timers: {t1: 5s, t2: 5s}' # a loaded machine is late, and nothing may be repeated here
test_set "capture: {directory: $LAB_DIR/captures}"
test_up
begin one --call-id one@carrier
begin number --number 4989
begin dropped --dropped
lab_ctl capture start --sample 1 --hep 127.0.0.1:9060 >/dev/null
expect_refusal 1 'there already' lab_ctl capture start --sample 1 --file one
expect_refusal 1 "name has letters" lab_ctl capture start --sample 1 --file ../one
test_peers "$LAB_DIR" <<'PYTHON'
import struct
from sip_peer import *

directory = sys.argv[1]
core = os.open(f"/run/netns/{os.environ['LAB_ID']}-core", os.O_RDONLY)
enter(core)
collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
collector.bind(("127.0.0.1", 9060))
collector.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
enter(own_space)

carrier, sbcs, stranger = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")], Peer("stranger")
for call_id, uri in (("one@carrier", "sip:100@10.10.0.10"), ("two@carrier", "sip:49891234@10.10.0.10"), ("three@carrier", "sip:200@10.10.0.10")):
    Call(carrier, sbcs, call_id=call_id, uri=uri).hang_up()
stranger.send(stranger.request("INVITE", call_id="strange@stranger"))
carrier.send("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.10.0.10;branch=z9hG4bKno\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
             "Call-ID: stray@carrier\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")
stranger.expect_nothing(0.3)
wanted = {call_id: sum(f"\nCall-ID: {call_id}\r\n" in text for text in transcript) for call_id in ("one@carrier", "two@carrier", "three@carrier")}
with open(f"{directory}/wanted", "w") as out:
    out.write(" ".join(str(count) for count in wanted.values()) + "\n")

# What the collector has: SIP messages of every call as they were on the wire, and a line for each of two that were dropped.
ADDRESSES_SEEN = {"10.10.1.1", "10.10.2.1", "10.20.0.11", "10.20.0.12", "10.10.0.10", "10.20.0.10"}
sip, logs, deadline = [], [], time.monotonic() + 10
while time.monotonic() < deadline and len(sip) + len(logs) < sum(wanted.values()) + 4:
    if not select.select([collector], [], [], 0.1)[0]:
        continue
    octets, chunks = collector.recv(65535), {}
    check(octets[:4] == b"HEP3" and int.from_bytes(octets[4:6], "big") == len(octets), "no HEP")
    at = 6
    while at < len(octets):
        vendor, kind, length = struct.unpack_from(">HHH", octets, at)
        chunks[kind] = octets[at + 6:at + length]
        at += length
    check(at == len(octets) and chunks[1] == b"\2" and chunks[2] == b"\x11" and chunks[12] == (2001).to_bytes(4, "big"), f"chunks {chunks}")
    check({socket.inet_ntoa(chunks[3]), socket.inet_ntoa(chunks[4])} < ADDRESSES_SEEN, f"addresses in {chunks}")
    check(abs(int.from_bytes(chunks[9], "big") - time.time()) < 60, "the time is another")
    if chunks[11] == b"\1":
        sip.append(chunks[15].decode())
        check(f"Call-ID: {chunks[17].decode()}\r\n" in sip[-1], "the correlation id is no Call-ID")
    else:
        logs.append((chunks[17].decode(), chunks[15].decode()))
check(len(sip) == sum(wanted.values()) + 2, f"{len(sip)} messages at the collector, {wanted}")
seen = [text.split("\n", 1)[1] for text in transcript]
check(sorted(sip) == sorted(seen), "messages at the collector are others than those on the wire")
check(sorted(call_id for call_id, _ in logs) == ["strange@stranger", "stray@carrier"], logs)
check(all('outcome="dropped",reason=' in text for _, text in logs), logs)
passed()
PYTHON
read -r one two _ <"$LAB_DIR/wanted"
# INVITE, 100, 180, 200, ACK, BYE, 200: six of them pass and are seen twice.
expect_equal "messages of a call" 13 "$one"
lab_ctl capture stop 2 >"$LAB_DIR/stopped" || fail "$(cat "$LAB_DIR/stopped")"
grep -q "$two messages; it was stopped" "$LAB_DIR/stopped" || fail "$(cat "$LAB_DIR/stopped")"
is_decoded number "$two" two@carrier || fail "number: $(cat "$LAB_DIR/decoded")"
TERM=xterm timeout 20 sngrep -N -q -I "$LAB_DIR/captures/number.pcapng" -O "$LAB_DIR/sngrep.pcap" >/dev/null 2>&1 </dev/null || true
expect_equal "messages that sngrep sees" "$two" "$(decode "$LAB_DIR/sngrep.pcap" | grep -c '^two@carrier|')"
# What is dropped has its reason.
decode "$LAB_DIR/captures/dropped.pcapng" >"$LAB_DIR/decoded"
grep -q '^strange@stranger|1|1|peer="-".*outcome="dropped",reason="unknown_source"' "$LAB_DIR/decoded" || fail "dropped: $(cat "$LAB_DIR/decoded")"
grep -q '^stray@carrier|1|1|peer="carrier-a".*outcome="dropped",reason="forged_branch"' "$LAB_DIR/decoded" || fail "dropped: $(cat "$LAB_DIR/decoded")"
expect_equal "messages that are dropped" 2 "$(wc -l <"$LAB_DIR/decoded")"
# A kill of control ends all captures; the file has what was there, and the next control may begin anew.
lab_kill control KILL
lab_wait 30 'control is gone' lab_ended control
is_decoded one "$one" one@carrier || fail "the file of a killed control: $(cat "$LAB_DIR/decoded")"
lab_control
lab_ready 60 || fail "control does not come back"
expect_equal "captures of a new control" '{"captures":[]}' "$(lab_ctl capture list --json)"
begin again --peer carrier-a
test_ends control
grep -q 'event=capture_ended id=1 reason=control' "$LAB_DIR/control.log" || fail "$(grep capture "$LAB_DIR/control.log")"
lab_control
lab_ready 60 || fail "control does not come back"
test_done
