#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Strict routers (RFC 2543) before and behind Dialgate (RFC 3261 16.4, 16.6 step 6): what one of them sends reaches the
# callee, and what the other one gets is what it expects.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
# One behind, a caller that routes loosely.
test_callees uas_strict
test_caller uac_reinvite 20 20
test_callees_saw 20
# One before as well.
test_caller uac_strict 20 20
test_callees_saw 40
test_no_dialogs
expect_equal "requests to nowhere" 0 "$(lab_metric dialgate_refused_next_hops_total)"
lab_stop caller sbc1 sbc2
test_peers <<'PYTHON'
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
# What the callee sends through a strict router, one value of ours in the Request-URI and one in Route.
call = Call(carrier, sbcs)
for method in ("INFO", "UPDATE", "BYE"):
    side = call.callee
    text = side.request(method)
    first, rest = side.routes[0], side.routes[1:]
    text = text.replace(f"{method} {side.target} ", f"{method} {first[1:-1]} ", 1)
    text = text.replace("".join(f"Route: {value}\r\n" for value in side.routes),
                        "Route: " + ", ".join([*rest, f"<{side.target}>"]) + "\r\n")
    check(text.startswith(f"{method} sip:{CORE}:5060;lr;dg="), text)
    side.peer.send(text)
    got = carrier.expect(method)
    check(got.uri == side.target, f"{method} to {got.uri}")
    check(not got.all("route"), f"Route left: {got.all('route')}")
    carrier.answer(got, 200, "OK")
    side.peer.expect(200)
passed()
PYTHON
test_no_dialogs
test_outcomes
test_done
