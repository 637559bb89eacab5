#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# systemd understands the units, its judgement of them is what config/README.md says, and they allow every system call that the
# programs allow themselves, and those by which they give the others up.
set -euo pipefail
root=$1 build=$2
command -v systemd-analyze >/dev/null || { echo "no systemd-analyze"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$build"/config/dialgate-*.service "$work"

# Programs and units of others are not there.
systemd-analyze verify --man=no "$work"/dialgate-*.service >"$work/verify" 2>&1 || true
if grep -E 'Unknown|Failed to parse|Invalid|ignoring' "$work/verify"; then
    echo "systemd-analyze verify has something to say"
    exit 1
fi

threshold() # UNIT POINTS: as config/README.md says it, times ten
{
    systemd-analyze security --offline=yes --threshold="$2" "$work/$1.service" >"$work/security" || {
        tail -n 1 "$work/security"
        echo "$1: wanted $2 at most, in tenths"
        exit 1
    }
}

threshold dialgate-dataplane 25
threshold dialgate-control 17
grep -qF 'says 2.5 for the data plane and 1.7 for control' "$root/config/README.md" || { echo "config/README.md says other figures"; exit 1; }

python3 - "$root/dataplane/service/calls.c" "$work"/dialgate-*.service <<'PYTHON'
import re, subprocess, sys

source = open(sys.argv[1]).read()
own = re.sub(r'#if CONFINE_SANITIZED.*?#endif|#include "[^"]*"', "", source, flags=re.S)
wanted = {name for text in re.findall(r'"([^"]*)"', own) for name in text.split()} | {"seccomp", "capset", "prctl"}
assert len(wanted) > 100, wanted


def allowed(words):
    names, left = set(), list(words)
    while left:
        word = left.pop()
        if word.startswith("@"):
            shown = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True).stdout
            left += [line.strip() for line in shown.splitlines()[1:] if line.strip() and "#" not in line]
        else:
            names.add(word)
    return names


bad = 0
for path in sys.argv[2:]:
    line = next(line for line in open(path) if line.startswith("SystemCallFilter="))
    missing = wanted - allowed(line.split("=", 1)[1].split())
    if missing:
        print(f"{path.split('/')[-1]}: does not allow {' '.join(sorted(missing))}")
        bad = 1
sys.exit(bad)
PYTHON
