#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A socket of another owner is refused and stays; one that a dead process left is replaced.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
lab_up
mkdir -m 0755 "$LAB_RUN"
bind() # PATH
{
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind(sys.argv[1])' "$1"
}
for program in control dataplane; do
    bind "$LAB_RUN/$program.sock"
    chown 65534:65534 "$LAB_RUN/$program.sock"
done
expect_refusal 1 "control.sock.*(65534|owner|belongs)" lab_in core "$(lab_program dialgate-control)" -c "$LAB_DIR/dialgate.yaml" \
    --run-directory "$LAB_RUN" --state-directory "$LAB_STATE"
expect_refusal 1 "dataplane.sock.*(65534|owner|belongs)" lab_in core "$(lab_program dialgate-dataplane)" \
    --run-directory "$LAB_RUN" --state-directory "$LAB_STATE"
for program in control dataplane; do
    expect_equal "owner of $program.sock" 65534 "$(stat -c %u "$LAB_RUN/$program.sock")"
    rm "$LAB_RUN/$program.sock"
    bind "$LAB_RUN/$program.sock"
done
# Our own, but nobody listens any more.
test_daemons
expect_equal "mode of control.sock" 660 "$(stat -c %a "$LAB_RUN/control.sock")"
test_done
