#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `dialog list` with 300,000 dialogs held and calls running beside: all are listed, control keeps a page of them at most, calls go on.
# Prints times and memory (control/README.md has some).
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/holder/holder.sh
. "$NET/holder/holder.sh"

calls=${LIST_CALLS:-300000}
# shellcheck disable=SC2034 # lab.sh
LAB_BUILD=$PLAIN

control_kib() # VmRSS|VmHWM
{
    awk "/^$1:/ { print \$2 }" "/proc/$(cut -d' ' -f1 "$LAB_DIR/control.pid")/status"
}

# Runs the command; counts its dialogs.
list() # ARGUMENTS OF dialgatectl...
{
    holder mark
    python3 - "$calls" "$(lab_program dialgatectl)" --run-directory "$LAB_RUN" "$@" <<'PYTHON' || fail "see above"
import json, subprocess, sys, time

begun = time.monotonic()
child = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE)
first, dialogs = None, 0
for line in child.stdout:
    first = time.monotonic() - begun if first is None else first
    dialogs += len(json.loads(line).get("dialogs", [])) if line[:1] == b"{" else b"@" in line
whole = time.monotonic() - begun
assert child.wait() == 0
print("%s: %d dialogs, first line after %.0f ms, all after %.1f s" % (" ".join(sys.argv[5:]), dialogs, first * 1000, whole))
assert dialogs >= int(sys.argv[1]), dialogs
PYTHON
    holder report
    echo "  longest time between two final answers $(holder_value silence_ms) ms, control $(control_kib VmHWM) KiB at most, load $(cut -d' ' -f1 /proc/loadavg)"
    holder_clean
}

test_begin
holder_configure "$calls"
test_up
holder_start --capacity $((calls + 50000))
holder hold "$calls" 4000
lab_wait $((calls / 1000 + 60)) 'all calls are begun' holder_begun || fail "$HOLDER_ANSWER"
holder wait 60
expect_equal "calls held" "$calls" "$(holder_value held)"
before=$(control_kib VmRSS)
holder run 200 1
list --json dialog list
list dialog list
holder run 0
expect_above "room left below 16 MiB more" "$(control_kib VmHWM)" $((before + 16384))
holder_stop
test_done
