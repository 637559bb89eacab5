#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Where requests inside a dialog go: by the name that a member was found by, nowhere but to the peer on the other side, by
# UDP alone. Subscriptions and what follows a BYE have no record: Route and cookie lead them.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'timers: {t1: 5s, t2: 5s}' # a loaded machine is late, and nothing may be repeated here
test_replace 's/^( *)members: \[\{address: 10.20.0.11.*/\1members: [{host: one.example.net}, {host: two.example.net}]/'
printf '%s\n' 'one.example.net 60 A 10.20.0.11' 'two.example.net 60 A 10.20.0.12' >"$LAB_DIR/zone"
lab_up
lab_in core ip link set lo up
lab_start names core python3 "$NET/name_server.py" 5353 "$LAB_DIR/zone"
lab_wait 30 'the name server listens' sipp_listening core 5353 || fail "$(tail -n 3 "$LAB_DIR/names.log")"
lab_start control core "$(lab_program dialgate-control)" -c "$LAB_DIR/dialgate.yaml" --run-directory "$LAB_RUN" \
    --state-directory "$LAB_STATE" --name-servers 127.0.0.1:5353
lab_dataplane
lab_ready 60 || fail "Dialgate did not become ready"
both_found()
{
    [ "$(lab_ctl --json peer show sbcs | grep -oE '10\.20\.0\.1[12]' | sort -u | wc -l)" = 2 ]
}
lab_wait 30 'both hosts resolve' both_found || fail "$(lab_ctl peer show sbcs)"
test_peers <<'PYTHON'
from sip_peer import *

carrier, stranger = Peer("carrier"), Peer("stranger")
one, two = Peer("sbc1"), Peer("sbc2")


def ask(side, method, target, status=None, at=None):
    """A request to a target: refused with this status, or received there and answered."""
    side.target = target
    side.send(method)
    if status:
        side.peer.expect(status)
        return None
    got = at.expect(method)
    check(got.uri == target, f"Request-URI {got.uri}")
    check(not got.all("route"), f"Route {got.all('route')}")
    at.answer(got, 200, "OK")
    side.peer.expect(200)
    return got


# With a record: what is nobody's leads to where the callee's messages come from.
call = Call(carrier, [one, two])
here = call.callee.peer
other, other_name = (two, "two") if here is one else (one, "one")
contact = call.caller.target
ask(call.caller, "INFO", f"sip:callee@{other_name}.example.net", at=other)
ask(call.caller, "INFO", f"sip:callee@{other_name.upper()}.Example.NET.", at=other)
ask(call.caller, "INFO", f"sip:callee@{other.address};transport=UDP", at=other)
ask(call.caller, "INFO", "sip:callee@third.example.net", at=here)
ask(call.caller, "INFO", f"sip:callee@{stranger.address}", at=here)
ask(call.caller, "INFO", f"sip:callee@{other.address};transport=tcp", status=500)
ask(call.caller, "INFO", f"sips:callee@{other.address}", status=416)
# A refused request ends nothing; UPDATE is kept, so that its repetition ends at Dialgate.
call.caller.target = contact
text = call.caller.request("UPDATE")
carrier.send(text)
update = here.expect("UPDATE")
carrier.send(text)
here.expect_nothing(0.3)
here.answer(update, 200, "OK")
carrier.expect(200)
# REFER, then BYE: its NOTIFYs come until the transfer is done.
call.caller.send("REFER", extra=["Refer-To: <sip:x@example.net>"])
here.answer(here.expect("REFER"), 202, "Accepted")
carrier.expect(202)
call.hang_up()
for _ in range(2):
    ask(call.callee, "NOTIFY", call.callee.target, at=carrier)
# What comes too late is the other end's to refuse.
call.callee.send("INFO")
carrier.answer(carrier.expect("INFO"), 481, "Call/Transaction Does Not Exist")
here.expect(481)

# A subscription: no record at any time.
carrier.send(carrier.request("SUBSCRIBE", extra=["Event: dialog", "Expires: 60"]))
here, subscribe = receive_any([one, two], "SUBSCRIBE")
here.answer(subscribe, 200, "OK", tag="s1", extra=["Expires: 60"])
ok = carrier.expect(200)
call_id = ok.get("call-id")
caller = Side(carrier, ok.get("from"), ok.get("to"), call_id, ok.target(), ok.all("record-route")[::-1])
callee = Side(here, ok.get("to"), ok.get("from"), call_id, subscribe.target(), subscribe.all("record-route"))
other, other_name = (two, "two") if here is one else (one, "one")
ask(callee, "NOTIFY", callee.target, at=carrier)
ask(caller, "SUBSCRIBE", ok.target(), at=here)
ask(caller, "SUBSCRIBE", f"sip:callee@{other_name}.example.net", at=other)
ask(caller, "SUBSCRIBE", f"sip:callee@{stranger.address};maddr={other.address}", at=other)
for target in (f"sip:callee@{stranger.address}", "sip:callee@third.example.net", "sip:callee@[2001:db8::1]",
               f"sip:callee@{other.address};maddr={stranger.address}", f"sip:callee@{carrier.address}"):
    ask(caller, "SUBSCRIBE", target, status=403)
ask(caller, "SUBSCRIBE", f"sip:callee@{other.address};transport=ws", status=500)
ask(callee, "NOTIFY", callee.target, at=carrier)
stranger.expect_nothing(0.1)
passed()
PYTHON
expect_equal "requests for other transports" 3 "$(lab_metric dialgate_refused_next_hops_total 'reason="transport"')"
expect_equal "requests to nowhere" 5 "$(lab_metric dialgate_refused_next_hops_total 'reason="not_allowed"')"
test_no_dialogs
test_outcomes
test_done
