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
# One program for the whole test: an OPTIONS that comes while the shell looks elsewhere takes a number, too.
LAB_ID=$LAB_ID timeout 150 python3 - "$LAB_DIR" >"$LAB_DIR/peers.log" 2>&1 <<'PYTHON' &
import pathlib
from sip_peer import *

directory = pathlib.Path(sys.argv[1])
carrier, sbcs = Peer("carrier"), [Peer("sbc1"), Peer("sbc2")]
alive, gone, mute = (Call(carrier, sbcs) for _ in range(3))
names = {call.invite.get("call-id"): name for call, name in ((alive, "alive"), (gone, "gone"), (mute, "mute"))}
# The number of the last OPTIONS at each end of the living call, beyond its own: the INVITE had 1, the callee had sent nothing.
asked = {"caller": 0, "callee": 0}
ended = set()


def answer_one(seconds):
    """One message of any peer, answered; the message when it is neither OPTIONS nor BYE to a dead call."""
    ready = select.select([peer.socket for peer in (carrier, *sbcs)], [], [], seconds)[0]
    for peer in (carrier, *sbcs):
        if peer.socket not in ready:
            continue
        message = peer.receive(0)
        name, side = names[message.get("call-id")], "caller" if peer is carrier else "callee"
        if name == "alive" and message.method != "OPTIONS":
            return message
        if message.method == "BYE":
            peer.answer(message, 200, "OK")
            ended.add((name, side))
        elif name == "gone" and side == "callee":
            peer.answer(message, 481, "Gone")
        elif name != "mute":
            check(message.method == "OPTIONS", message.start)
            peer.answer(message, 200, "OK")
            if name == "alive":
                asked[side] = int(message.get("cseq").split()[0]) - (1 if side == "callee" else 0)
        return None
    return None


def expect(wanted):
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        message = answer_one(0.1)
        if message:
            check(wanted in (message.status, message.method), message.start)
            return message
    raise Wrong(f"no {wanted}")


deadline = time.monotonic() + 45
while len(ended) < 4 or not asked["caller"] or not asked["callee"]:
    check(time.monotonic() < deadline, f"ended: {ended}, asked: {asked}")
    check(answer_one(0.1) is None, "a BYE to a call that lives")
(directory / "ended").touch()
while not (directory / "restarted").exists():
    check(answer_one(0.1) is None, "a BYE to a call that lives")
alive.caller.send("INFO")
info = expect("INFO")
check(info.get("cseq") == f"{11 + asked['callee']} INFO", f"{info.get('cseq')} after {asked}")
alive.callee.peer.answer(info, 200, "OK")
check(expect(200).get("cseq") == "11 INFO", "the number was not restored")
alive.callee.send("BYE")
bye = expect("BYE")
check(bye.get("cseq") == f"{12 + asked['caller']} BYE", f"{bye.get('cseq')} after {asked}")
carrier.answer(bye, 200, "OK")
check(expect(200).get("cseq") == "11 BYE", "the number was not restored")
passed()
PYTHON
peers=$!
lab_wait 60 'two calls have ended' test -e "$LAB_DIR/ended" || fail "$(cat "$LAB_DIR/peers.log")"
expect_counted dialgate_keepalives_total 6 'event="sent"'
expect_equal "dead dialogs" 2 "$(lab_metric dialgate_keepalives_total 'event="dead"')"
lab_kill dataplane KILL
lab_wait 30 'the data plane is gone' lab_ended dataplane
lab_wait 30 'control notices' dataplane_is_down || fail "control says that all is well"
lab_dataplane
lab_ready 60 || fail "the data plane does not start again"
expect_counted dialgate_dialogs_found_total 1 'result="taken_over"'
touch "$LAB_DIR/restarted"
wait "$peers" || fail "$(cat "$LAB_DIR/peers.log")"
test_no_dialogs
test_done
