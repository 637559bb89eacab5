#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Nonsense on the channel during calls: both programs refuse it in a log line and live; no call fails.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_callees uas
sipp_caller caller uac -m 300 -r 50 -d 1000 -l 15000 -timeout 60s -timeout_error
lab_wait 30 'calls are up' counted dialgate_dialogs 20 || fail "no calls"
# A second control, and what it sends is nothing that the data plane may act on.
python3 - "$LAB_RUN/dataplane.sock" <<'PYTHON' || fail "see above"
import os, sys
import channel

path = sys.argv[1]
for datagram in (b"", b"x", os.urandom(16), os.urandom(4096), channel.header(channel.HELLO, channel.hello_body(), version=99),
                 channel.header(channel.HELLO, channel.hello_body(), size=7), channel.header(200, b""),
                 channel.header(channel.SNAPSHOT, b"\xff" * 16)):
    with_control = channel.Channel(path)
    try:
        with_control.send(datagram)
        while with_control.receive() is not None:
            pass
    except (BrokenPipeError, ConnectionResetError):
        pass
    with_control.close()
PYTHON
expect "the real control is still connected" lab_http /readyz
test_calls_end 300 70
test_callees_saw 300
test_no_dialogs
# Now a data plane that talks nonsense to control.
test_ends dataplane
python3 - "$LAB_RUN/dataplane.sock" <<'PYTHON' || fail "control does not come"
import os, socket, struct, sys
import channel

path = sys.argv[1]
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.bind(path)
server.listen()
server.settimeout(15)
hello = struct.pack("=IIQQIII16II256s", channel.RUNNING, 1, 1, 1, 2, 0, 2, *[0] * 16, 0, b"")
for datagram in (b"x", os.urandom(500), channel.header(channel.HELLO, hello, version=channel.VERSION + 1), channel.header(channel.HELLO, hello[:-1]),
                 channel.header(channel.HELLO, struct.pack("=I", 77) + hello[4:]),
                 channel.header(channel.HELLO, hello[:24] + struct.pack("=I", 5000) + hello[28:]),
                 channel.header(channel.HELLO, hello[:32] + struct.pack("=I", 5000) + hello[36:]),
                 channel.header(channel.DIALOG_ROW, b"\xff" * 64)):
    connection = server.accept()[0]
    connection.settimeout(15)
    connection.send(datagram)
    # Control says hello, and closes when it has read ours.
    while connection.recv(65536):
        pass
    connection.close()
server.close()
os.unlink(path)
PYTHON
expect "control lives" lab_running control
expect_above "refusals in control's log" 3 "$(grep -cE 'level=(warning|error)' "$LAB_DIR/control.log")"
lab_dataplane
lab_ready 60 || fail "control does not take the real data plane after that"
test_caller uac 10 20 -d 200
test_done
