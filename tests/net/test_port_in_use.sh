#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A SIP port, the metrics port or a run directory that somebody else has: one line that says which.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
lab_up
lab_start squatter core python3 -c '
import socket, time
sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sip.bind(("10.10.0.10", 5060))
web = socket.socket()
web.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
web.bind(("127.0.0.1", 9464))
web.listen()
time.sleep(3600)'
lab_wait 30 'the port is taken' sipp_listening core 5060
expect_refusal 1 '127.0.0.1:9464' lab_in core "$(lab_program dialgate-control)" -c "$LAB_DIR/dialgate.yaml" \
    --run-directory "$LAB_RUN" --state-directory "$LAB_STATE"
test_set 'metrics: {listen: 127.0.0.1:9465}'
lab_control
expect_refusal 1 'edge.*10.10.0.10:5060.*in use' lab_in core "$(lab_program dialgate-dataplane)" \
    --run-directory "$LAB_RUN" --state-directory "$LAB_STATE" --prefilter "$LAB_BUILD/ebpf/prefilter.bpf.o"
expect "no XDP program is left" bash -c "! nsenter --net=/run/netns/$LAB_ID-core ip link show outside0 | grep -q xdp"
expect_refusal 1 'another dialgate-control' lab_in core "$(lab_program dialgate-control)" -c "$LAB_DIR/dialgate.yaml" \
    --run-directory "$LAB_RUN" --state-directory "$LAB_STATE"
test_ends control
