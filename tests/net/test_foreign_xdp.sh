#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An XDP program that is not ours is refused in one clear line and stays where it is.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
lab_up
printf '__attribute__((section("xdp"))) int pass(void *context) { return 2; }\n' |
    clang -target bpf -O2 -g -x c -c - -o "$LAB_DIR/pass.o"
lab_in core ip link set dev outside0 xdp obj "$LAB_DIR/pass.o" sec xdp
id=$(lab_in core ip -j link show outside0 | grep -o '"id":[0-9]*' | head -n 1)
[ -n "$id" ] || fail "the foreign program was not attached"
lab_control
expect_refusal 1 'outside0 already has an XDP program.*not Dialgate' lab_in core "$(lab_program dialgate-dataplane)" \
    --run-directory "$LAB_RUN" --state-directory "$LAB_STATE" --prefilter "$LAB_BUILD/ebpf/prefilter.bpf.o"
expect_equal "the foreign program" "$id" "$(lab_in core ip -j link show outside0 | grep -o '"id":[0-9]*' | head -n 1)"
expect "no program was left on inside0" bash -c "! nsenter --net=/run/netns/$LAB_ID-core ip link show inside0 | grep -q xdp"
expect "the failed start claims no later program" test ! -e "$LAB_RUN/xdp-outside0" -a ! -e "$LAB_RUN/xdp-inside0"
# Taken away by hand, as the line says, all is well.
lab_in core ip link set dev outside0 xdp off
lab_dataplane
lab_ready 60 || fail "the data plane does not start"
test_done
