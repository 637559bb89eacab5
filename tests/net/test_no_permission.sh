#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Without the capabilities, or in a directory of somebody else: one line that says what is missing.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
lab_up
# Programs and prefilter where everybody can read them: a build folder may lie in a closed home.
cp "$(lab_program dialgate-dataplane)" "$(lab_program dialgate-control)" "$LAB_BUILD/ebpf/prefilter.bpf.o" "$LAB_DIR"
lab_control
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all)
expect_refusal 1 'CAP_NET_ADMIN' lab_in core setpriv --bounding-set=-all --inh-caps=-all "$LAB_DIR/dialgate-dataplane" \
    --run-directory "$LAB_RUN" --state-directory "$LAB_STATE" --prefilter "$LAB_DIR/prefilter.bpf.o"
expect_refusal 1 "$LAB_RUN|CAP_" lab_in core "${nobody[@]}" "$LAB_DIR/dialgate-dataplane" \
    --run-directory "$LAB_RUN" --state-directory "$LAB_STATE" --prefilter "$LAB_DIR/prefilter.bpf.o"
chmod 0644 "$LAB_DIR/dialgate.yaml"
expect_refusal 1 "$LAB_RUN" lab_in core "${nobody[@]}" "$LAB_DIR/dialgate-control" -c "$LAB_DIR/dialgate.yaml" \
    --run-directory "$LAB_RUN" --state-directory "$LAB_DIR"
cp "$(lab_program dialgatectl)" "$LAB_BUILD"/control/client/libdialgate.so.0 "$LAB_DIR"
expect_refusal 1 'control.sock' lab_in core env LD_LIBRARY_PATH="$LAB_DIR" "${nobody[@]}" \
    "$LAB_DIR/dialgatectl" --run-directory "$LAB_RUN" status
test_ends control
