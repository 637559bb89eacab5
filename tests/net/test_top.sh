#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# dialgatectl top: what it shows is what happens. --watch shows a command again and again. Completion knows dialogs.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_callees uas
sipp_caller caller uac -r 50 -l 15000 -d 2000
lab_wait 30 'calls are answered' counted dialgate_dialogs 40 'state="confirmed"' || fail "$(lab_dialogs) dialogs"
lab_ctl --json top --once >"$LAB_DIR/top.json" &
json=$!
lab_ctl top --once >"$LAB_DIR/top" || fail "top --once"
wait "$json" || fail "top --once --json"
python3 - "$LAB_DIR/top.json" <<'PYTHON' || fail "$(cat "$LAB_DIR/top.json")"
import json, sys

top = json.load(open(sys.argv[1]))
assert top["calls"]["created_rate"] > 1, "calls"
assert top["calls"]["answered_share_total"] > 0.5, "answered"
assert top["messages"]["received_rate"] > top["calls"]["created_rate"], "messages"
delay = top["delays"][0]
assert delay["what"] == "post-dial delay" and 0 < delay["p50_s"] <= delay["p99_s"] < 10, "delay"
assert sum(core["received_rate"] for core in top["cores"]) > 1, "cores"
peers = {peer["name"]: peer for peer in top["peers"]}
assert peers["carrier-a"]["in_rate"] > 1 and peers["carrier-a"]["out_rate"] == 0, "caller"
assert peers["sbcs"]["out_rate"] > 1 and peers["sbcs"]["answered_out_share"] > 0.5, "callee"
PYTHON
for words in 'is ready, dataplane' 'post-dial delay' 'FORWARD/S' 'sbcs .*2/2'; do
    expect "top shows $words" grep -q -- "$words" "$LAB_DIR/top"
done
expect_equal "escape sequences in a file" 0 "$(grep -c $'\033' "$LAB_DIR/top" || true)"
expect_above "ids that completion offers" 20 "$(lab_ctl completion words -- dialog show '' | grep -cE '^[0-9a-f]{16}$')"
# It ends when nobody reads any more.
expect_equal "pictures of --watch" 3 "$(lab_ctl dialog count --json --watch 1 | head -n 3 | grep -c '"total"')"
expect_refusal 2 'nothing to --watch' lab_ctl drain on --watch
# On a terminal: over the screen until q.
python3 - "$(lab_program dialgatectl)" --run-directory "$LAB_RUN" top <<'PYTHON' || fail "top on a terminal"
import os, pty, select, sys, time

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown, asked, deadline = b"", False, time.monotonic() + 20
while time.monotonic() < deadline:
    if not select.select([terminal], [], [], 0.1)[0]:
        continue
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    shown += piece
    if b"WORKER" in shown and not asked:
        os.write(terminal, b"q")
        asked = True
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert asked and status == 0, (status, shown)
assert shown.startswith(b"\033[?1049h") and shown.endswith(b"\033[?1049l"), shown
PYTHON
test_calls_stop
test_no_dialogs
test_done
