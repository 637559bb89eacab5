#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What a proxy adds and changes, on the wire (RFC 3261 16.6, 16.7, 18.2.1; RFC 3581).
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'timers: {t1: 5s, t2: 5s}' # a loaded machine is late, and nothing may be repeated here
test_up
test_peers <<'PYTHON'
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
# Sent-by lies about the address: received says where it came from; rport is asked for and filled in.
text = carrier.request("INVITE", via_params=";rport", extra=["X-Kept: as  it is", "Subject: folded", " header"], body="v=0\r\n")
text = text.replace(f"UDP {carrier.here}", "UDP 192.0.2.7:5060", 1)
carrier.send(text)
callee, invite = receive_any(sbcs, "INVITE")
vias = invite.all("via")
check(len(vias) == 2, f"{len(vias)} Via")
check(vias[0].startswith(f"SIP/2.0/UDP {CORE}"), f"our Via is {vias[0]}")
check(invite.branch().startswith("z9hG4bK"), "no magic cookie in our branch")
check("received=10.10.1.1" in vias[1] and "rport=5060" in vias[1], f"received and rport: {vias[1]}")
routes = invite.all("record-route")
check(len(routes) == 2 and CORE in routes[0] and EDGE in routes[1], f"Record-Route: {routes}")
check(all(";lr" in route for route in routes), "no lr")
check(invite.get("max-forwards") == "69", "Max-Forwards")
check("X-Kept: as  it is\r\nSubject: folded\r\n header\r\n" in invite.text, "headers that are not ours were changed")
check(invite.body == "v=0\r\n", "body")
trying = carrier.expect(100)
check(not trying.tag("to"), "a 100 with a To tag")
check(trying.source == (EDGE, 5060), "100 from elsewhere")
callee.answer(invite, 180, "Ringing", tag="t1")
ringing = carrier.expect(180)
check(len(ringing.all("via")) == 1, "our Via was not taken off")
check(ringing.get("via").startswith("SIP/2.0/UDP 192.0.2.7:5060"), "the caller's Via was changed")
# A repeat of the INVITE is absorbed and answered from memory (17.2.1).
carrier.send(text)
check(carrier.expect(180).tag("to") == "t1", "a repeat is answered with the last response")
callee.expect_nothing(0.3)
callee.answer(invite, 200, "OK", tag="t1")
ok = carrier.expect(200)
# A 2xx that is repeated goes through again: a proxy absorbs none (16.7 item 5).
callee.answer(invite, 200, "OK", tag="t1")
carrier.expect(200)
ack = Side(carrier, ok.get("from"), ok.get("to"), ok.get("call-id"), ok.target(), ok.all("record-route")[::-1])
ack.send("ACK", cseq=1)
got = callee.expect("ACK")
check(not got.all("route"), f"Route left: {got.all('route')}")
check(got.uri == f"sip:callee@{callee.here}", f"Request-URI {got.uri}")
ack.send("ACK", cseq=1)
callee.expect("ACK")
# Both ways inside the dialog, compact form as well.
text = ack.request("INFO").replace("Via:", "v:").replace("Call-ID:", "i:").replace("From:", "f:").replace("To:", "t:")
carrier.send(text)
info = callee.expect("INFO")
callee.answer(info, 200, "OK")
check(len(carrier.expect(200).all("via")) == 1, "Via of the INFO")
ack.send("BYE")
callee.answer(callee.expect("BYE"), 200, "OK")
carrier.expect(200)
passed()
PYTHON
test_no_dialogs
test_outcomes
test_done
