#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Requests of every kind outside dialogs and a subscription, both ways: each arrives once and octet by octet as it was sent, but
# for what a proxy has to change (RFC 3261 16.6, 16.7).
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'timers: {t1: 5s, t2: 5s}' # a loaded machine is late, and nothing may be repeated here
test_up
test_peers <<'PYTHON'
from passage import *
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
ODD = ["Subject: folded", "  once", "\tand again", 'X-Odd:  "a \\" , b" ;  c', "X-Latin: \udce9t\udce9", "x-EMPTY:", "k: path,  timer"]
BODIES = {
    "text/plain": "Gr\u00fc\u00dfe\r\n\r\nINVITE sip:nobody@192.0.2.1 SIP/2.0\r\nCall-ID: no header\r\n",
    "application/octet-stream": bytes(range(256)).decode("utf-8", "surrogateescape") * 3,
    "application/pidf+xml": "<?xml version='1.0'?><presence/>",
}


def with_body(text, kind, body):
    length = len(body.encode("utf-8", "surrogateescape"))
    return text.replace("Content-Length: 0\r\n\r\n", f"Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")


def passes(sender, receivers, text, method, status):
    """One request and its answer; returns who took it, and what came there."""
    sender.send(text)
    taker, got = receive_any(receivers, method)
    request_passed(text, got)
    answer = taker.answer(got, status, "As  it likes", tag=unique("t"), extra=ODD)
    response_passed(answer, sender.expect(status))
    return taker, got


ways = [(carrier, sbcs)] + [(sbc, [carrier]) for sbc in sbcs]
for sender, receivers in ways:
    for method, status in (("MESSAGE", 202), ("PUBLISH", 412), ("INFO", 469), ("FROBNICATE", 299), ("OPTIONS", 200), ("NOTIFY", 481), ("UPDATE", 606)):
        for kind, body in BODIES.items():
            passes(sender, receivers, with_body(sender.request(method, extra=ODD), kind, body), method, status)
# REGISTER names a domain, keeps its Call-ID over refreshes, and so its member (RFC 3261 10.2).
takers = set()
for cseq in range(1, 6):
    registrar = carrier.request("REGISTER", "sip:10.20.0.10", call_id="registration", cseq=cseq, extra=["Expires: 3600", "Supported: path", *ODD])
    takers.add(passes(carrier, sbcs, registrar, "REGISTER", 401 if cseq == 1 else 200)[0])
check(len(takers) == 1, "one Call-ID at two registrars")

# A subscription (RFC 6665): its NOTIFYs and refreshes follow the Record-Route.
request = carrier.request("SUBSCRIBE", extra=["Event: presence", "Expires: 600"])
carrier.send(request)
notifier, got = receive_any(sbcs, "SUBSCRIBE")
request_passed(request, got)
check(len(got.all("record-route")) == 2, "a SUBSCRIBE makes a dialog: both networks have their Record-Route")
response_passed(notifier.answer(got, 200, "OK", tag="n1", extra=["Expires: 600"]), carrier.expect(200))
asked = Message(request.encode(), None)
routes = got.all("record-route")
watcher = Side(carrier, asked.get("from"), asked.get("to") + ";tag=n1", asked.get("call-id"), f"sip:callee@{notifier.here}", routes[::-1])
watched = Side(notifier, asked.get("to") + ";tag=n1", asked.get("from"), asked.get("call-id"), asked.target(), routes)


def notify(state, body):
    text = with_body(watched.request("NOTIFY", extra=["Event: presence", f"Subscription-State: {state}"]), "application/pidf+xml", body)
    notifier.send(text)
    got = carrier.expect("NOTIFY")
    request_passed(text, got)
    response_passed(carrier.answer(got, 200, "OK"), notifier.expect(200))


notify("active;expires=600", BODIES["application/pidf+xml"])
for expires in (600, 0):
    text = watcher.request("SUBSCRIBE", extra=["Event: presence", f"Expires: {expires}"])
    carrier.send(text)
    got = notifier.expect("SUBSCRIBE")
    request_passed(text, got)
    response_passed(notifier.answer(got, 200, "OK", extra=[f"Expires: {expires}"]), carrier.expect(200))
    notify("active;expires=600" if expires else "terminated;reason=timeout", BODIES["text/plain"])
# Nobody hears anything twice.
for peer in (carrier, *sbcs):
    peer.expect_nothing(0.3)
passed()
PYTHON
test_no_dialogs
test_outcomes
test_done
