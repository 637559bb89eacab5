#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# clang-tidy with the checks of clang-tidy.yaml. A file that has not changed since it was clean, nor any header, is not looked
# at again: its stamp in the build folder is named by the hash of both.
set -euo pipefail
LINT=$(cd "$(dirname "$0")" && pwd)
ROOT=$1
# The flags must be clang's own.
BUILD=$ROOT/build-sanitize
[ -e "$BUILD/compile_commands.json" ] || { echo "no $BUILD"; exit 77; }
STAMPS=$BUILD/tidy
mkdir -p "$STAMPS"
cd "$ROOT"
# One command a file: of a second one, for a fuzzer, the analyser thinks with what it remembers of the first (it no longer knows
# va_start()).
COMMANDS=$STAMPS/commands
mkdir -p "$COMMANDS"
python3 - "$BUILD/compile_commands.json" >"$COMMANDS/compile_commands.json" <<'PYTHON'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as commands:
    rows = {}
    for row in json.load(commands):
        rows.setdefault(row["file"], row)
json.dump(list(rows.values()), sys.stdout)
PYTHON
headers=$(git ls-files -z '*.h' | xargs -0 cat "$LINT/clang-tidy.yaml" | sha256sum | cut -c 1-16)
export LINT COMMANDS STAMPS headers
one()
{
    local stamp
    stamp=$STAMPS/$(sha256sum <"$1" | cut -c 1-16)-$headers
    [ ! -e "$stamp" ] || return 0
    clang-tidy-14 --quiet --config-file="$LINT/clang-tidy.yaml" -p "$COMMANDS" "$1" 2>/dev/null && touch "$stamp"
}
export -f one
# Only what is compiled has flags.
git ls-files 'dataplane/*.c' 'control/*.c' | while read -r file; do
    if grep -qF "\"../${file}\"" "$BUILD/compile_commands.json"; then
        echo "$file"
    fi
done | xargs -r -P 2 -I{} bash -c 'one {}'
find "$STAMPS" -type f -mtime +7 -delete
