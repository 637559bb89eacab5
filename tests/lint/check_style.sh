#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Rules that no compiler holds: length of files, notes to oneself, trailing blanks, ends of files.
set -euo pipefail
cd "$1"
status=0

complain()
{
    echo "$*"
    status=1
}

while read -r file; do
    [ -f "$file" ] || continue
    lines=$(wc -l <"$file")
    # A reference that a program writes is as long as there is to say.
    [ "$lines" -le 500 ] || [ "$file" = control/rpc/API.md ] || complain "$file: $lines lines; 500 is the end"
    [ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || complain "$file: no newline at the end"
done < <(git ls-files '*.c' '*.h' '*.sh' '*.py' '*.md' '*.build' '*.yaml' '*.xml' config/quickstart tests/run)
# A pattern must not match this file, hence the brackets.
if git grep -nE '\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b|/[w]ork/|[[:blank:]]+$' -- '*.c' '*.h' '*.sh' '*.py' '*.md' '*.build' '*.yaml' config/quickstart tests/run; then
    complain "notes to oneself, paths of one machine or trailing blanks, see above"
fi
if git grep -nE '\btypedef (struct|enum|union)' -- '*.c' '*.h'; then
    complain "no typedef but for function types"
fi
exit $status
