#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What the objects of the path need from outside, held against path-symbols.txt: an allocation, a lock, a system call or a log
# that slips into the path fails here. Needs the build without sanitizers.
set -euo pipefail
LINT=$(cd "$(dirname "$0")" && pwd)
BUILD=$2
libraries=()
for library in sip state path; do
    for file in "$BUILD/dataplane/$library"/lib*.a; do
        [ -e "$file" ] || { echo "$BUILD/dataplane/$library has no library; build it first"; exit 1; }
        libraries+=("$file")
    done
done
# nm of a thin archive prints members too; names with a type letter other than U are ours.
# worker_create.c runs before the first turn and after the last.
nm_all=$(nm "${libraries[@]}" 2>/dev/null | awk '/^[^ ]*\.o:$/ { skip = /(^|\/)worker_create\./ } !skip')
needed=$(awk 'NF == 2 && ($1 == "U" || $1 == "w") { print $2 }' <<<"$nm_all" | sort -u)
ours=$(awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' <<<"$nm_all" | sort -u)
allowed=$(sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$LINT/path-symbols.txt" | sort -u)
[ "$(wc -l <<<"$ours")" -gt 50 ] || { echo "only $(wc -l <<<"$ours") symbols of ours found in ${libraries[*]}: this check sees nothing"; exit 1; }
outside=$(comm -23 <(echo "$needed") <(echo "$ours"))
new=$(comm -23 <(echo "$outside") <(echo "$allowed"))
unused=$(comm -13 <(echo "$outside") <(echo "$allowed"))
[ -z "$unused" ] || echo "allowed, not needed any more (take it out): ${unused//$'\n'/ }"
if [ -n "$new" ]; then
    echo "not in tests/lint/path-symbols.txt: ${new//$'\n'/ }"
    exit 1
fi
[ -z "$unused" ]
