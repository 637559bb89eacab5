#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every file of ours names its licence within its first lines; eBPF may also be GPL-2.0-only.
set -euo pipefail
cd "$1"
status=0
while read -r file; do
    case $file in
    *.json | *.sip | *.bin | *.pcap | .clang-format | .gitignore | tests/fuzz/seeds/* | perf/corpus/*) continue ;;
    *.md) continue ;;
    esac
    if ! head -n 4 "$file" | grep -qE 'SPDX-License-Identifier: BSD-3-Clause( OR GPL-2\.0-only)?'; then
        echo "$file: no SPDX line"
        status=1
    fi
done < <(git ls-files)
exit $status
