#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# OPTIONS to us is answered by us; a stranger gets the answer only where a route says so.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_caller uac_options 10 10
expect_equal "answers with 200" 10 "$(lab_metric dialgate_answers_total 'status="200"')"
test_peers <<'PYTHON'
from sip_peer import *

for space, ours in (("carrier", EDGE), ("sbc1", CORE)):
    peer = Peer(space)
    request = peer.request("OPTIONS", f"sip:{ours}:5060")
    peer.send(request)
    ok = peer.expect(200)
    asked = Message(request.encode(), None)
    for name in ("via", "from", "call-id", "cseq"):
        check(ok.get(name).split(";received")[0] == asked.get(name), f"{name} is {ok.get(name)}, was {asked.get(name)}")
    check(ok.tag("to"), "no To tag (RFC 3261 8.2.6.2)")
    check(ok.source == (ours, 5060), f"answered from {ok.source}")
    # A repeat is the same transaction and gets the same tag.
    peer.send(request)
    check(peer.expect(200).tag("to") == ok.tag("to"), "another To tag for a repeat")
passed()
PYTHON
test_outcomes
test_done
