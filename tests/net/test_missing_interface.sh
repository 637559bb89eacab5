#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An interface, or a listener address, that this machine has not: one line that names it.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
lab_up
lab_control
dataplane()
{
    lab_in core "$(lab_program dialgate-dataplane)" --run-directory "$LAB_RUN" --state-directory "$LAB_STATE" \
        --prefilter "$LAB_BUILD/ebpf/prefilter.bpf.o"
}
export -f dataplane lab_in lab_program lab_say
export LAB_ID LAB_BUILD LAB_RUN LAB_STATE
lab_in core ip address del 10.20.0.10/24 dev inside0
expect_refusal 1 'core.*10.20.0.10' bash -c dataplane
lab_in core ip link del inside0
expect_refusal 1 'inside.*inside0' bash -c dataplane
expect "no XDP program is left" bash -c "! nsenter --net=/run/netns/$LAB_ID-core ip link show outside0 | grep -q xdp"
test_ends control
