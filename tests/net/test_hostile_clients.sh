#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Hostile clients of the control socket during calls: a thousand at once, half lines, ten megabytes without an end, readers that do
# not read, nonsense, a role that is not enough, strangers. Each is refused and counted, a good client is served all the time, no call fails.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

as_viewer() # COMMAND...: of a group that is let in, and has no more than a viewer's role
{
    setpriv --reuid=65534 --regid=65534 --groups="$door" "$@"
}

refused() # REASON BOUND
{
    expect_counted dialgate_control_refused_total "$2" "reason=\"$1\""
}

test_begin
# A group that every system has.
door=$(getent group games | cut -d: -f3)
test_set "control: {group: games, line_timeout: 2s, reader_timeout: 2s}"
test_up
cp "$ROOT/config/examples/rpc.py" "$LAB_DIR"
chgrp games "$LAB_RUN"
chmod 0750 "$LAB_RUN"
test_callees uas
sipp_caller caller uac -m 280 -r 40 -d 1000 -l 15000 -timeout 60s -timeout_error
lab_wait 30 'calls are up' counted dialgate_dialogs 20 || fail "no calls"
expect_refusal 1 'Permission denied' setpriv --reuid=65534 --regid=65534 --clear-groups /usr/bin/python3 "$LAB_DIR/rpc.py" \
    --socket "$LAB_RUN/control.sock" system.status
expect_refusal 1 'needs the role' as_viewer /usr/bin/python3 "$LAB_DIR/rpc.py" --socket "$LAB_RUN/control.sock" drain.on

prlimit --nofile=4096:4096 --pid $$
as_viewer /usr/bin/python3 - "$LAB_RUN/control.sock" >"$LAB_DIR/hostile.out" 2>&1 <<'PYTHON' &
import json, select, socket, sys

def client():
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.connect(sys.argv[1]) # waits for a place in the backlog, as it would not with a timeout
    one.settimeout(20)
    return one

def send(one, octets, times=1):
    """What the daemon still takes."""
    try:
        for _ in range(times):
            one.sendall(octets)
    except (BrokenPipeError, ConnectionResetError, TimeoutError):
        pass

def refused(one):
    """It is told why before the daemon closes, or as the answer to its line."""
    try:
        return b'"error"' in one.recv(1 << 20)
    except ConnectionResetError:
        return False

def line(method, **params):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n"

crowd = [client() for _ in range(1000)]
for one in crowd:
    send(one, b'{"jsonrpc":')
told = sum(map(refused, crowd))
assert told > 990, told # one that wrote after the daemon had closed may hear nothing
for one in crowd:
    one.close()
print("a thousand clients", flush=True)
endless = client()
send(endless, b"x" * 65536, 160)
for text in (b"nonsense\n", b"[]\n", b"[" + b"1," * 2000 + b"1]\n", line("nothing"), line("dialog.list", limit=-1)):
    one = client()
    send(one, text)
    assert refused(one), text
print("nonsense", flush=True)
readers = [client() for _ in range(20)]
for one in readers:
    one.settimeout(0.05)
    send(one, line("events.follow") + line("dialog.list", limit=1000) * 50)
    send(one, line("api.list") * 50, 100)
print("readers", flush=True)
for one in readers:
    closed = select.poll()
    closed.register(one, 0)
    assert closed.poll(20000), "a reader that does not read is still there"
print("done", flush=True)
PYTHON
hostile=$!
served=0
while kill -0 $hostile 2>/dev/null; do
    expect "a good client is served" timeout 20 "$(lab_program dialgatectl)" --run-directory "$LAB_RUN" status
    served=$((served + 1))
done
wait $hostile || fail "hostile client: $(tail -n 5 "$LAB_DIR/hostile.out")"
expect_above "times that a good client was served" 2 $served
refused clients 700
refused half_line 200
refused line_too_long 1
refused request 3
refused slow_reader 1
refused role 1
test_calls_end 280 60
test_callees_saw 280
test_no_dialogs
test_done
