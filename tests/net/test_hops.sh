#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Max-Forwards 0 is 483, a loop is 482, no route is 404. A request of a method that no route takes too.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_replace 's/^( *- \{from: carrier-a, )(to: sbcs\})/\1method: INVITE, \2/'
test_up
test_peers <<'PYTHON'
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]


def refused(text, status):
    carrier.send(text)
    answer = carrier.expect(status)
    request = Message(text.encode(), None)
    check(answer.get("cseq") == request.get("cseq") and answer.get("call-id") == request.get("call-id"), "answer to something else")
    check(answer.tag("to"), f"{status} without a To tag")
    if request.method == "INVITE":
        branch, uri = request.branch(), request.uri
        carrier.send(carrier.request("ACK", uri, branch=branch, call_id=request.get("call-id"), from_tag=request.tag("from"),
                                     to=request.get("to"), to_tag=answer.tag("to")))
    return answer


refused(carrier.request("INVITE", max_forwards=0), 483)
refused(carrier.request("MESSAGE"), 404)
# RFC 3261 16.3: OPTIONS with no hops left may be answered; here it is ours anyway.
carrier.send(carrier.request("OPTIONS", f"sip:{EDGE}", max_forwards=0))
answer = carrier.receive()
check(answer is not None and answer.status in (200, 483), "OPTIONS with Max-Forwards 0")
# One hop left is enough to be sent on with 0.
carrier.send(carrier.request("INVITE", max_forwards=1))
callee, invite = receive_any(sbcs, "INVITE")
check(invite.get("max-forwards") == "0", f"Max-Forwards is {invite.get('max-forwards')}")
callee.answer(invite, 486, "Busy", tag="b")
callee.expect("ACK")
carrier.expect(486)
# The SBC sends our own request back: from another peer, so it takes another route. When the carrier sends that back again, it
# is a loop (RFC 3261 16.3 item 4).
def send_back(peer, request):
    head, _, body = request.text.partition("\r\n\r\n")
    first, _, rest = head.partition("\r\n")
    peer.send(f"{first}\r\nVia: SIP/2.0/UDP {peer.here};branch={unique('z9hG4bK')}\r\n{rest}\r\n\r\n{body}")


carrier.send(carrier.request("INVITE"))
callee, invite = receive_any(sbcs, "INVITE")
send_back(callee, invite)
looped = carrier.expect("INVITE")
send_back(carrier, looped)
carrier.expect(482)
carrier.answer(looped, 482, "Loop Detected", tag="l")
carrier.expect("ACK")
callee.expect(482)
callee.answer(invite, 482, "Loop Detected", tag="l")
carrier.expect(482)
passed()
PYTHON
expect_counted dialgate_answers_total 1 'status="483"'
expect_counted dialgate_answers_total 1 'status="482"'
expect_counted dialgate_answers_total 1 'status="404"'
test_done
