#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of dialgate-dataplane leaves its XDP program on the interface; the next start succeeds and takes calls.
# Control outlives it.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_up
test_callees uas
test_caller uac 10 20 -d 200
lab_kill dataplane KILL
lab_wait 30 'the data plane is gone' lab_ended dataplane
expect "its XDP program is still there" bash -c "nsenter --net=/run/netns/$LAB_ID-core ip link show outside0 | grep -q xdp"
lab_wait 30 'control notices' bash -c "! nsenter --net=/run/netns/$LAB_ID-core curl -fsS http://127.0.0.1:9464/readyz" ||
    fail "control says that all is well"
expect_equal "dialgate_dataplane_up" 0 "$(lab_metric dialgate_dataplane_up)"
# The ports stay silent meanwhile: port-unreachable would make a carrier fail over.
test_peers <<'PYTHON'
from sip_peer import *

carrier = Peer("carrier", 5075)
carrier.socket.connect((EDGE, 5060))
for _ in range(2):
    carrier.socket.send(carrier.request("OPTIONS", f"sip:{EDGE}").encode())
    carrier.expect_nothing(0.5)
passed()
PYTHON
# On one interface as if it had died between the driver's attaching and its own record of it (xdp_record.h).
grep -qx '[0-9]*' "$LAB_RUN/xdp-outside0" || fail "no record of the XDP program"
echo 4294967295 >"$LAB_RUN/xdp-outside0"
lab_dataplane
lab_ready 60 || fail "the data plane does not start again"
test_caller uac 50 50 -d 200
test_no_dialogs
# Clean end: no program stays.
test_done
expect "no XDP program after a clean end" bash -c "! nsenter --net=/run/netns/$LAB_ID-core ip link show outside0 | grep -q xdp"
