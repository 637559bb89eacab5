#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Silent dialogs are asked with OPTIONS: one whose end answers 481 and one whose ends say nothing get BYE on both sides, the third
# goes on, its numbers without a gap at either end, also after a kill -9 of the data plane.
# slow
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

dataplane_is_down()
{
    [ "$(lab_metric dialgate_dataplane_up)" = 0 ]
}

test_begin
# 64 * T1 is 6.4 s.
test_set 'timers: {t1: 100ms}'
test_set 'dialogs: {keepalive: 10s}'
test_up
test_peers "$LAB_DIR/call" <<'PYTHON'
import json
from sip_peer import *

carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
alive, gone, mute = (Call(carrier, sbcs) for _ in range(3))
names = {call.invite.get("call-id"): name for call, name in ((alive, "alive"), (gone, "gone"), (mute, "mute"))}
asked = {"caller": 0, "callee": 0}
ended = set()
deadline = time.monotonic() + 45
while len(ended) < 4 or not asked["caller"] or not asked["callee"]:
    ready = select.select([peer.socket for peer in (carrier, *sbcs)], [], [], max(0, deadline - time.monotonic()))[0]
    check(ready, f"ended: {ended}, asked: {asked}")
    for peer in (carrier, *sbcs):
        if peer.socket not in ready:
            continue
        message = peer.receive(0)
        name, side = names[message.get("call-id")], "caller" if peer is carrier else "callee"
        number = int(message.get("cseq").split()[0])
        if message.method == "BYE":
            check(name != "alive", "BYE to a call that lives")
            peer.answer(message, 200, "OK")
            ended.add((name, side))
        elif name == "gone" and side == "callee":
            peer.answer(message, 481, "Gone")
        elif name != "mute":
            check(message.method == "OPTIONS", message.start)
            peer.answer(message, 200, "OK")
            if name == "alive":
                # The INVITE had 1; the callee has sent nothing yet.
                asked[side] = number - (1 if side == "callee" else 0)
fields = {"asked": asked}
for name, side in (("caller", alive.caller), ("callee", alive.callee)):
    fields[name] = [side.peer.space, side.local, side.remote, side.call_id, side.target, side.routes]
with open(sys.argv[1], "w") as file:
    json.dump(fields, file)
passed()
PYTHON
expect_counted dialgate_keepalives_total 6 'event="sent"'
expect_equal "dead dialogs" 2 "$(lab_metric dialgate_keepalives_total 'event="dead"')"
lab_kill dataplane KILL
lab_wait 5 'the data plane is gone' lab_ended dataplane
lab_wait 5 'control notices' dataplane_is_down || fail "control says that all is well"
lab_dataplane
lab_ready 30 || fail "the data plane does not start again"
expect_counted dialgate_dialogs_found_total 1 'result="taken_over"'
test_peers "$LAB_DIR/call" <<'PYTHON'
import json
from sip_peer import *

with open(sys.argv[1]) as file:
    fields = json.load(file)
asked = fields["asked"]
caller, callee = (Side(Peer(fields[name][0]), *fields[name][1:]) for name in ("caller", "callee"))


def expect(side, name, wanted):
    """The next message but for OPTIONS, which count."""
    while True:
        message = side.peer.receive(5)
        check(message, f"no {wanted} at the {name}")
        if message.method != "OPTIONS":
            check(wanted in (message.status, message.method), message.start)
            return message
        side.peer.answer(message, 200, "OK")
        asked[name] = int(message.get("cseq").split()[0]) - (1 if name == "callee" else 0)


caller.send("INFO")
info = expect(callee, "callee", "INFO")
check(info.get("cseq") == f"{11 + asked['callee']} INFO", f"{info.get('cseq')} after {asked}")
callee.peer.answer(info, 200, "OK")
check(expect(caller, "caller", 200).get("cseq") == "11 INFO", "the number was not restored")
callee.send("BYE")
bye = expect(caller, "caller", "BYE")
check(bye.get("cseq") == f"{12 + asked['caller']} BYE", f"{bye.get('cseq')} after {asked}")
caller.peer.answer(bye, 200, "OK")
check(expect(callee, "callee", 200).get("cseq") == "11 BYE", "the number was not restored")
passed()
PYTHON
test_no_dialogs
test_done
