#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A carrier that can be reached over two networks: calls both ways over either, a route that goes away sends new calls over the
# other one, those that are up stay where the carrier knows us, as long as that network leads there.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_replace 's/listener: edge$/listener: [edge, core]\n    probe: {interval: 1s, timeout: 1s}/'
lab_up
# The other way to the carrier: through the SBCs' network.
lab_link carrier back0 lan carrier0
lab_in lan ip link set carrier0 master bridge0
lab_in carrier ip address add 10.20.0.21/24 dev back0
lab_in core ip route add 10.10.1.0/24 via 10.20.0.21 metric 50
lab_in core ip route add 10.10.1.0/24 via 10.10.0.1 metric 10
test_daemons
lab_wait 30 'the way back is there' lab_in carrier ping -q -c 1 -W 1 -I 10.10.1.1 10.20.0.10 || fail "no second way"
lab_ctl peer show carrier-a | grep -q 'edge,core' || fail "peer show: $(lab_ctl peer show carrier-a)"
lab_ctl config show | grep -q 'listener: \[edge, core\]' || fail "config show"
test_peers <<'PYTHON'
import subprocess
from sip_peer import *

DEADLINE = 20

def route(verb, text):
    subprocess.run(["ip", "-n", os.environ["LAB_ID"] + "-core", "route", verb, "10.10.1.0/24", *text.split()], check=True)

def via_of(message):
    return re.search(r"UDP ([0-9.]+)", message.get("via")).group(1)

def from_here(message, where, what):
    check(message.source[0] == where, f"{what} came from {message.source[0]}, not {where}")
    if message.method:
        check(via_of(message) == where, f"{what} has the Via {via_of(message)}, not {where}")

carrier, sbc, other = Peer("carrier"), Peer("sbc1"), Peer("sbc2")
options = carrier.expect("OPTIONS")
from_here(options, EDGE, "the probe")

def hears(wanted, seconds=PATIENCE):
    """At the carrier, probes apart: their answers are no part of a call."""
    deadline = time.monotonic() + seconds
    while True:
        message = carrier.receive(max(0.0, deadline - time.monotonic()))
        if message is None:
            raise Wrong(f"carrier: no {wanted} within {seconds} s")
        if message.method == "OPTIONS":
            carrier.answer(message, 200, "OK", tag="probe")
        elif wanted in (message.status, message.method):
            return message
        elif message.status != 100 and not carrier.repeated:
            raise Wrong(f"carrier: {message.start} instead of {wanted}")

class Outward:
    """A call from the SBC that the carrier has answered."""

    def __init__(self):
        sbc.send(sbc.request("INVITE"))
        self.invite = hears("INVITE")
        tag = unique("t")
        carrier.answer(self.invite, 200, "OK", tag=tag)
        ok = sbc.expect(200)
        call_id = ok.get("call-id")
        self.caller = Side(sbc, ok.get("from"), ok.get("to"), call_id, ok.target(), ok.all("record-route")[::-1])
        self.callee = Side(carrier, ok.get("to"), ok.get("from"), call_id, self.invite.target(), self.invite.all("record-route"))
        self.caller.send("ACK", cseq=int(ok.get("cseq").split()[0]))
        self.ack = hears("ACK")

    def ends(self, where):
        """The carrier hangs up towards the listener that it knows; the answer to that."""
        self.callee.peer.send(self.callee.request("BYE"), (where, 5060))
        bye = sbc.expect("BYE")
        sbc.answer(bye, 200, "OK")
        return hears(200)

def placed_from(where):
    """A call that leaves from there, as soon as the kernel has said so. What of the others passed while it did is as it was or as it is."""
    deadline = time.monotonic() + DEADLINE
    while True:
        call = Outward()
        if call.invite.source[0] == where:
            from_here(call.invite, where, "the INVITE")
            from_here(call.ack, where, "the ACK")
            return call
        call.ends(call.invite.source[0])
        check(time.monotonic() < deadline, f"calls do not leave from {where}")

first = Outward()
from_here(first.invite, EDGE, "the first call")
from_here(first.ack, EDGE, "its ACK")
# A call that the carrier places over the other network: everything of it stays there.
call_id = unique("in-")
carrier.send(carrier.request("INVITE", call_id=call_id, to="<sip:200@10.20.0.10>"), (CORE, 5060))
deadline = time.monotonic() + PATIENCE
callee = invite = None
while invite is None:
    check(time.monotonic() < deadline, "no SBC heard the call")
    for peer in (sbc, other):
        message = peer.receive(0.1)
        if message is not None and message.method == "INVITE":
            callee, invite = peer, message
            break
from_here(invite, CORE, "the call from the carrier")
callee.answer(invite, 200, "OK", tag="second")
ok = hears(200)
from_here(ok, CORE, "its answer")
caller = Side(carrier, ok.get("from"), ok.get("to"), call_id, ok.target(), ok.all("record-route")[::-1])
carrier.send(caller.request("ACK", cseq=1), (CORE, 5060))
callee.expect("ACK")
far = Side(callee, ok.get("to"), ok.get("from"), call_id, invite.target(), invite.all("record-route"))
far.send("BYE")
bye = hears("BYE")
from_here(bye, CORE, "its BYE")
carrier.answer(bye, 200, "OK")
callee.expect(200)
# The better route goes: new calls take the other one as soon as the kernel has said so.
route("del", "via 10.10.0.1 metric 10")
second = placed_from(CORE)
# One route with both hops: new calls leave by the listener that is named first, and the other network is still one that leads there.
route("add", "metric 10 nexthop via 10.10.0.1 nexthop via 10.20.0.21")
route("del", "via 10.20.0.21 metric 50")
third = placed_from(EDGE)
second.caller.send("INFO")
info = hears("INFO")
from_here(info, CORE, "a request inside the call that the carrier knows by the core")
carrier.answer(info, 200, "OK")
sbc.expect(200)
for call, where in ((second, CORE), (third, EDGE), (first, EDGE)):
    from_here(call.ends(where), where, "the answer to its BYE")
passed()
PYTHON
test_no_dialogs
test_outcomes
test_done
