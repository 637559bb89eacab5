#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# dialgate-dataplane without dialgate-control: starts, refusals, reloads, and nonsense on its channel.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

[ "$(id -u)" = 0 ] || skip "needs root"
timeout 280 python3 "$NET/boot.py" "$SANITIZE/dataplane/dialgate-dataplane" "$SANITIZE/ebpf/prefilter.bpf.o"
