#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Next hops inside dialogs by names that only DNS knows: by SRV and A, in both directions, to nobody but the peer of the
# other side; what is known goes on while DNS is away, what is not is refused.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
cat >"$LAB_DIR/zone" <<'ZONE'
far.example.net 60 A 10.20.0.12
_sip._udp.service.example.net 60 SRV 10 1 5060 gone.example.net
_sip._udp.service.example.net 60 SRV 20 1 5062 far.example.net
both.example.net 60 A 10.10.2.1
both.example.net 60 A 10.20.0.12
edge.example.net 60 A 10.10.1.1
outside.example.net 60 A 10.10.2.1
ours.example.net 60 A 10.20.0.10
ZONE
lab_up
lab_in core ip link set lo up
lab_start names core python3 "$NET/name_server.py" 5353 "$LAB_DIR/zone"
lab_wait 30 'the name server listens' sipp_listening core 5353 || fail "$(tail -n 3 "$LAB_DIR/names.log")"
lab_start control core "$(lab_program dialgate-control)" -c "$LAB_DIR/dialgate.yaml" --run-directory "$LAB_RUN" \
    --state-directory "$LAB_STATE" --name-servers 127.0.0.1:5353
lab_dataplane
lab_ready 60 || fail "Dialgate did not become ready"
cat >"$LAB_DIR/subscription.py" <<'PYTHON'
from sip_peer import *

carrier, stranger = Peer("carrier"), Peer("stranger")
one, two, other_port = Peer("sbc1"), Peer("sbc2"), Peer("sbc2", port=5062)
carrier.send(carrier.request("SUBSCRIBE", extra=["Event: dialog", "Expires: 60"]))
here, subscribe = receive_any([one, two], "SUBSCRIBE")
here.answer(subscribe, 200, "OK", tag="s1", extra=["Expires: 60"])
ok = carrier.expect(200)
call_id = ok.get("call-id")
caller = Side(carrier, ok.get("from"), ok.get("to"), call_id, ok.target(), ok.all("record-route")[::-1])
callee = Side(here, ok.get("to"), ok.get("from"), call_id, subscribe.target(), subscribe.all("record-route"))


def ask(side, host, status=None, at=None):
    """A request to a name: refused with this status, or received there, sent once, and answered."""
    side.target = f"sip:x@{host}"
    side.send("NOTIFY" if side is callee else "SUBSCRIBE")
    if status:
        side.peer.expect(status)
        return
    got = at.expect("NOTIFY" if side is callee else "SUBSCRIBE")
    check(got.uri == side.target, f"Request-URI {got.uri}")
    at.answer(got, 200, "OK")
    side.peer.expect(200)
PYTHON
{
    cat "$LAB_DIR/subscription.py"
    cat <<'PYTHON'
for _ in range(2):
    ask(caller, "far.example.net", at=two)
ask(caller, "FAR.example.net.:5060", at=two)
ask(caller, "far.example.net:5062", at=other_port)
ask(caller, "service.example.net", at=other_port)
ask(caller, "both.example.net", at=two)
ask(callee, "edge.example.net", at=carrier)
for host in ("outside.example.net", "ours.example.net", "edge.example.net", "nobody.example.net", "no_name.example.net"):
    ask(caller, host, status=403)
ask(callee, "far.example.net", status=403)
stranger.expect_nothing(0.1)
passed()
PYTHON
} | test_peers
expect_equal "requests to names of others" 4 "$(lab_metric dialgate_next_hop_names_total 'event="foreign"')"
expect_equal "requests to addresses of names" 7 "$(lab_metric dialgate_next_hop_names_total 'event="found"')"
expect_equal "requests that came too late" 0 "$(lab_metric dialgate_packets_total 'reason="name_open"')"

# Without DNS.
lab_stop names || true
{
    cat "$LAB_DIR/subscription.py"
    cat <<'PYTHON'
ask(caller, "far.example.net", at=two)
ask(caller, "late.example.net", status=500)
ask(caller, "far.example.net", at=two)
passed()
PYTHON
} | test_peers
expect_counted dialgate_next_hop_names_total 1 'event="failed"'
lab_wait 30 'the failed look-up is told' grep -q 'event=name_not_resolved name="late.example.net"' "$LAB_DIR/control.log" ||
    fail "no failure is logged"
test_outcomes
test_done
