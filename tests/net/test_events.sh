#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# events follow: each change of a dialog's state, in order, with its reason; a follower that never reads costs nobody a
# call and is told what it lost.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_callees uas
ctl=$(lab_program dialgatectl)
lab_start follow core "$ctl" --run-directory "$LAB_RUN" events follow --peer sbcs --limit 50
lab_start json core "$ctl" --run-directory "$LAB_RUN" --json events follow --limit 50
# Follows and does not read.
lab_start sleeper core python3 -c "
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect('$LAB_RUN/control.sock')
s.sendall(b'{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.follow\",\"params\":{}}\n')
print(s.recv(100), 'following', flush=True)
time.sleep(60)"
expect_refusal 1 'nobody' lab_ctl events follow --peer nobody
for name in follow json sleeper; do
    lab_wait 5 "$name" grep -q following "$LAB_DIR/$name.log" || fail "$name: $(cat "$LAB_DIR/$name.log")"
done
test_caller uac 10 20
lab_wait 10 'fifty events' lab_ended follow || fail "$(wc -l <"$LAB_DIR/follow.log") events"
lab_wait 10 'fifty events' lab_ended json || fail "$(wc -l <"$LAB_DIR/json.log") events"
for change in '- > none *created' 'none > early *provisional' 'early > confirmed *answered' 'confirmed > terminating *bye' \
    'terminating > terminated *bye-done'; do
    expect_equal "$change" 10 "$(grep -c -- " $change .*carrier-a > sbcs 10.20.0.1[12]:5060" "$LAB_DIR/follow.log")"
done
python3 - "$LAB_DIR/json.log" <<'PYTHON' || fail "see above"
import collections, json, sys, time

calls = collections.defaultdict(list)
for line in open(sys.argv[1]):
    if not line.startswith("{"):
        continue
    event = json.loads(line)
    assert event["method"] == "event", event
    params = event["params"]
    calls[params["id"]].append((params["from"], params["to"]))
    assert abs(params["time_ms"] / 1000 - time.time()) < 60, params
assert len(calls) == 10, len(calls)
for changes in calls.values():
    assert changes == [("-", "none"), ("none", "early"), ("early", "confirmed"), ("confirmed", "terminating"),
                       ("terminating", "terminated")], changes
PYTHON
test_no_dialogs
test_done
