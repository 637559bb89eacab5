#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# events follow: each change of a dialog's state, in order, with its reason; bans, configurations, what the operator drains, a worker
# that stands still. A follower that never reads costs nobody a call; one that stood still is told what it missed, and goes on behind it.
# Control killed and back: the file has every change of a dialog, and a follower goes on.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

ctl=$(lab_program dialgatectl)
follow() # NAME [OPTIONS...]
{
    lab_start "$1" core "$ctl" --run-directory "$LAB_RUN" events follow "${@:2}"
    lab_wait 30 "$1" grep -q following "$LAB_DIR/$1.log" || fail "$1: $(cat "$LAB_DIR/$1.log")"
}

told() # NAME PATTERN
{
    lab_wait 30 "$2" grep -qE "$2" "$LAB_DIR/$1.log" || fail "$1 was told: $(cat "$LAB_DIR/$1.log")"
}

test_begin
test_set "events: {file: $LAB_DIR/events.json, keep: 1024}"
test_up
test_callees uas
follow dialogs --kind dialog --peer sbcs --limit 50
follow others --kind ban --kind config --kind health
lab_start json core "$ctl" --run-directory "$LAB_RUN" --json events follow --kind dialog --limit 50
# Follows and does not read.
lab_start sleeper core python3 -c "
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect('$LAB_RUN/control.sock')
s.sendall(b'{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.follow\",\"params\":{}}\n')
print(s.recv(100), 'following', flush=True)
time.sleep(60)"
expect_refusal 1 'nobody' lab_ctl events follow --peer nobody
expect_refusal 1 'list of dialog | member' lab_ctl events follow --kind dialogs
for name in json sleeper; do
    lab_wait 30 "$name" grep -q following "$LAB_DIR/$name.log" || fail "$name: $(cat "$LAB_DIR/$name.log")"
done
test_caller uac 10 20
lab_wait 30 'fifty events' lab_ended dialogs || fail "$(wc -l <"$LAB_DIR/dialogs.log") events"
lab_wait 30 'fifty events' lab_ended json || fail "$(wc -l <"$LAB_DIR/json.log") events"
for change in '- > none *created' 'none > early *provisional' 'early > confirmed *answered' 'confirmed > terminating *bye' \
    'terminating > terminated *bye-done'; do
    expect_equal "$change" 10 "$(grep -c -- " dialog .* $change .*carrier-a > sbcs 10.20.0.1[12]:5060" "$LAB_DIR/dialogs.log")"
done
# A call that is over, by its Call-ID, and by the number that stands for it in the file.
read -r pid _ <"$LAB_DIR/caller.pid"
follow one --call-id "1-$pid@10.10.1.1" --since 0 --limit 5
lab_wait 30 'five events' lab_ended one || fail "$(cat "$LAB_DIR/one.log")"
call=$(sed -nE 's/^following events of call ([0-9a-f]{16});.*/\1/p' "$LAB_DIR/one.log")
expect_equal "its events in the file" 5 "$(grep -c "\"call\":\"${call:-none}\"" "$LAB_DIR/events.json")"
expect "ban" lab_ctl prefilter ban 10.10.9.9 --for 1h
told others ' ban +added +address=10.10.9.9 seconds=3600 who=root$'
expect "unban" lab_ctl prefilter unban 10.10.9.9
told others ' ban +removed +address=10.10.9.9 who=root$'
expect "drain" lab_ctl drain on
told others ' health +drain +peer=- member=- state=draining who=root$'
expect "no drain" lab_ctl drain off
told others ' health +drain +peer=- member=- state=enabled who=root$'
cp "$LAB_DIR/dialgate.yaml" "$LAB_DIR/good.yaml"
test_set 'nonsense: 1'
expect_refusal 1 'nonsense' lab_ctl config reload
told others ' config +refused +cause=reload who=root text=.*nonsense'
cp "$LAB_DIR/good.yaml" "$LAB_DIR/dialgate.yaml"
test_set 'timers: {t1: 400ms}'
expect "reload" lab_ctl config reload
told others ' config +reloaded +who=root version=[0-9]+ '
expect "ban for a second" lab_ctl prefilter ban 10.10.9.8 --for 1s
told others ' ban +expired +address=10.10.9.8( |$)'
# A worker stands still, and goes on.
read -r pid _ <"$LAB_DIR/dataplane.pid"
lab_start stopper core python3 "$NET/stop_thread.py" "$pid" '*worker-1'
told others ' health +worker_stuck +worker=0$'
lab_stop stopper
told others ' health +worker_back +worker=0 seconds=[0-9]+$'
# A link goes down and comes back, an interface gets another MTU, an address is taken away and given back.
network_is() # METRIC VALUE
{
    [ "$(lab_metric "dialgate_network_$1" 'network="inside"')" = "$2" ]
}
lab_in lan ip link set core0 down
told others ' health +network_down +network=inside$'
lab_wait 30 'the metric says so' network_is up 0 || fail "dialgate_network_up is not 0"
lab_in lan ip link set core0 up
told others ' health +network_up +network=inside seconds=[0-9]+$'
lab_in lan ip link set core0 mtu 1400
lab_in core ip link set inside0 mtu 1400
lab_wait 30 'the MTU is known' network_is mtu_bytes 1400 || fail "dialgate_network_mtu_bytes is not 1400"
lab_in core ip address del 10.20.0.10/24 dev inside0
told others ' health +addresses_missing +count=1 before=0$'
expect_equal "addresses missing" 1 "$(lab_metric dialgate_listener_addresses_missing)"
lab_in core ip address add 10.20.0.10/24 dev inside0
told others ' health +addresses_missing +count=0 before=1$'
for event in network_down network_up network_mtu listener_address_gone listener_address_back; do
    grep -q "event=$event " "$LAB_DIR/dataplane.log" || fail "no $event in the data plane's log"
done
# A follower stands still while more happens than is kept and than its socket holds.
lab_start slow core "$ctl" --run-directory "$LAB_RUN" --json events follow
lab_wait 30 'it follows' grep -q following "$LAB_DIR/slow.log" || fail "$(cat "$LAB_DIR/slow.log")"
lab_kill slow STOP
python3 - "$LAB_RUN" <<'PYTHON' || fail "see above"
import sys
from rpc_client import Client

client = Client(sys.argv[1])
# A megabyte waits in the daemon, what fits in the socket there, and 1,024 are kept; an event has 190 octets.
waiting = (1 << 20) + 2 * int(open("/proc/sys/net/core/wmem_default").read())
for _ in range(waiting // 150 + 2048):
    client.call("prefilter.ban", address="10.10.9.7", seconds=60)
client.call("prefilter.ban", address="10.10.9.6", seconds=60)
PYTHON
lab_kill slow CONT
told slow '"address":"10.10.9.6"'
expect_counted dialgate_events_lost_total 1 'cause="client"'
# One call goes on while control is dead; what it had told nobody comes to the next control.
follow last --kind dialog --since 0
lab_kill control KILL
lab_wait 30 'control is gone' lab_ended control
lab_wait 30 'the follower ends' lab_ended last || fail "it goes on"
told last 'go on with --stream [0-9a-f]{16} --since [0-9]+'
read -r stream since < <(sed -nE 's/.*go on with --stream ([0-9a-f]+) --since ([0-9]+).*/\1 \2/p' "$LAB_DIR/last.log")
test_caller uac 5 20
lab_control
lab_ready 60 || fail "control does not find the data plane"
follow again --kind dialog --stream "$stream" --since "$since" --limit 25
lab_wait 30 '25 events' lab_ended again || fail "$(cat "$LAB_DIR/again.log")"
expect "another stream" grep -q 'has restarted since' "$LAB_DIR/again.log"
test_no_dialogs
python3 - "$LAB_DIR/json.log" "$LAB_DIR/events.json" "$LAB_DIR/slow.log" <<'PYTHON' || fail "see above"
import collections, datetime, json, sys

CHANGES = [("-", "none"), ("none", "early"), ("early", "confirmed"), ("confirmed", "terminating"), ("terminating", "terminated")]


def whole(events, calls):
    """Each dialog went through all states; what a killed control had not acknowledged may be there twice."""
    told, seen = collections.defaultdict(list), set()
    for event in events:
        if event["dataplane_seq"] not in seen:
            told[event["call"]].append((event["from"], event["to"]))
        seen.add(event["dataplane_seq"])
    assert seen == set(range(1, 1 + 5 * calls)), sorted(seen)
    assert len(told) == calls and all(changes == CHANGES for changes in told.values()), told


followed = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
assert all(line["method"] == "event" for line in followed)
whole([line["params"] for line in followed], 10)
time = datetime.datetime.fromisoformat(followed[0]["params"]["time"].replace("Z", "+00:00"))
assert abs((datetime.datetime.now(datetime.timezone.utc) - time).total_seconds()) < 120, time
written = [json.loads(line) for line in open(sys.argv[2])]
last = {}
for event in written:
    assert event["seq"] == last.get(event["stream"], 0) + 1, event
    last[event["stream"]] = event["seq"]
assert len(last) == 2, last
whole([event for event in written if event["kind"] == "dialog"], 15)
# What the slow one was told: no number is missing that it was not told of.
slow = [json.loads(line) for line in open(sys.argv[3]) if line.startswith("{")]
seq, lost = None, 0
for told in slow:
    params = told["params"]
    first = params["seq"] if told["method"] == "event" else params["first"]
    assert seq is None or first == seq + 1, (told, seq)
    seq = first if told["method"] == "event" else params["last"]
    if told["method"] == "events.lost":
        assert params["cause"] == "slow" and params["count"] == params["last"] - params["first"] + 1, told
        lost += params["count"]
assert 0 < lost < len(written), lost
# Bans and configurations as an operator's script reads them.
fields = {(event["kind"], event["name"]): event for event in written}
assert fields["ban", "added"]["who"] == "root" and fields["ban", "expired"]["address"] == "10.10.9.8", fields
assert fields["config", "refused"]["cause"] == "reload" and "nonsense" in fields["config", "refused"]["text"], fields
assert fields["config", "reloaded"]["who"] == "root" and fields["config", "reloaded"]["version"] > 0, fields
assert fields["health", "worker_back"]["seconds"] >= 3, fields
PYTHON
test_done
