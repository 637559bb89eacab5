#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What each layer may include. The build's include directories already stop most of it; a system header they cannot stop.
set -euo pipefail
cd "$1"
status=0

forbid() # FOLDER PATTERN WHY
{
    local found
    found=$(git grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" -- "$1" || true)
    if [ -n "$found" ]; then
        printf '%s\n    %s\n' "$found" "$3"
        status=1
    fi
}

forbid dataplane/sip 'rte_|bpf/|linux/bpf|event2?/|jansson|urcu|jemalloc|cyaml|sys/socket|unistd|pthread' 'the language is pure C11: no DPDK, no system'
forbid dataplane/state 'rte_|bpf/|linux/bpf|event2?/|jansson|cyaml|sys/socket|sys/mman|unistd|pthread|time\.h' 'memory and clock are handed in: no DPDK, no system'
forbid dataplane/service 'rte_|event2?/|jansson|cyaml|urcu|path/|state/' 'both daemons link it'
forbid dataplane/path 'bpf/|linux/bpf|event2?/|jansson|cyaml|sys/socket|unistd|pthread' 'the path makes no system call'
forbid control 'rte_|path/|state/' 'control never sees DPDK or the data plane'"'"'s memory'
forbid include/dialgate 'rte_|bpf/|event2?/|jansson' 'what two programs agree on is plain data'
exit $status
