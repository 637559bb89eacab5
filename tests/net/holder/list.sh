# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154 # LAB_* are of config/lab/lab.sh
# Lists of very many dialogs. Sourced after holder.sh.

list_control_kib() # VmRSS|VmHWM
{
    awk "/^$1:/ { print \$2 }" "/proc/$(cut -d' ' -f1 "$LAB_DIR/control.pid")/status"
}

# The upper bound of the longest turn since the start, of those whose count grew between two looks at the metrics.
list_longest_turn() # BEFORE AFTER
{
    awk -F'[" ]' '/^dialgate_turn_seconds_bucket/ {
            split($0, parts, /le="/)
            split(parts[2], bound, "\"")
            sum[FILENAME, bound[1]] += $NF
            if (!seen[bound[1]]++)
                order[++bounds] = bound[1]
        }
        END {
            for (i = 1; i <= bounds; i++) {
                now = sum[ARGV[2], order[i]] - sum[ARGV[1], order[i]]
                if (now > last)
                    longest = order[i]
                last = now
            }
            print longest
        }' "$1" "$2"
}

list_begin()
{
    lab_metrics >"$LAB_DIR/before"
    holder mark
}

list_end()
{
    holder report
    lab_metrics >"$LAB_DIR/after"
    echo "  control $(list_control_kib VmHWM) KiB at most, longest turn of a worker at most $(list_longest_turn "$LAB_DIR/before" "$LAB_DIR/after") s," \
        "longest time between two final answers $(holder_value silence_ms) ms, load $(cut -d' ' -f1 /proc/loadavg)"
    holder_clean
}

# What the machine does without a list, for as long as COUNT calls take.
list_none() # COUNT
{
    local made
    made=$(lab_metric dialgate_messages_total 'kind="INVITE"')
    list_begin
    lab_wait 120 "$1 calls" counted dialgate_messages_total $((made + $1)) 'kind="INVITE"' || fail "no calls"
    echo "no list: $1 calls"
    list_end
}

# Runs dialgatectl; at least LIST_CALLS dialogs are in what it prints, a page at a time, and it stays small.
list_run() # ARGUMENTS OF dialgatectl...
{
    list_begin
    python3 - "$LIST_CALLS" "$(lab_program dialgatectl)" --run-directory "$LAB_RUN" "$@" <<'PYTHON' || fail "see above"
import json, resource, subprocess, sys, time

begun = time.monotonic()
child = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE)
first, dialogs, most = None, 0, 0
for line in child.stdout:
    first = time.monotonic() - begun if first is None else first
    page = len(json.loads(line).get("dialogs", [])) if line[:1] == b"{" else b"@" in line
    dialogs, most = dialogs + page, max(most, page)
whole = time.monotonic() - begun
assert child.wait() == 0
kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print("%s: %d dialogs, first line after %.0f ms, all after %.1f s; dialgatectl %d KiB at most"
      % (" ".join(sys.argv[5:]), dialogs, first * 1000, whole, kib))
assert dialogs >= int(sys.argv[1]), dialogs
assert most <= 250, most
assert kib < 32 << 10, kib
PYTHON
    list_end
}

# LIST_CALLS are held, others come and go beside; both forms of the list have all of them, and control keeps no more than pages.
list_test()
{
    local before
    test_begin
    holder_configure "$LIST_CALLS"
    test_up
    holder_start --capacity $((LIST_CALLS + 50000))
    holder hold "$LIST_CALLS" 4000
    lab_wait $((LIST_CALLS / 500 + 60)) 'all calls are begun' holder_begun || fail "$HOLDER_ANSWER"
    holder wait 120
    expect_equal "calls held" "$LIST_CALLS" "$(holder_value held)"
    before=$(list_control_kib VmRSS)
    holder run 200 1
    list_none $((LIST_CALLS / 50))
    list_run --json dialog list
    list_run dialog list
    holder run 0
    expect_above "room left below 16 MiB more" "$(list_control_kib VmHWM)" $((before + 16384))
    holder_stop
    test_done
}
