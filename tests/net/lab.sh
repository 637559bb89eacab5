# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What every net test begins with: a lab of its own and Dialgate in it. Exit status 0 passed, 77 cannot run here.
#
#   . "$(dirname "$0")/lab.sh"
#   test_up                    # lab and both daemons, ready
#   ...                        # expect, refuse and the functions of config/lab
#   test_done                  # both daemons end cleanly
#
# PLAIN and SANITIZE are build folders; a test runs the sanitized programs where it does not ask for the plain ones.
set -euo pipefail

NET=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$(dirname "$NET")")
# shellcheck source=config/lab/lab.sh
. "$ROOT/config/lab/lab.sh"
# shellcheck source=config/lab/daemons.sh
. "$ROOT/config/lab/daemons.sh"
# shellcheck source=config/lab/sipp.sh
. "$ROOT/config/lab/sipp.sh"
# shellcheck disable=SC2034 # sipp.sh looks there first
SIPP_SCENARIOS=$NET/scenarios
PLAIN=${PLAIN:-$ROOT/build}
SANITIZE=${SANITIZE:-$ROOT/build-sanitize}
LAB_BUILD=$SANITIZE
# shellcheck disable=SC2034 # lab_end calls it
LAB_AT_END=test_logs
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$ROOT/tests/lsan.supp:print_suppressions=0}
export PYTHONPATH=$NET PYTHONDONTWRITEBYTECODE=1

# A failing test prints what it saw.
test_logs() # STATUS
{
    local file
    [ "$1" -ne 0 ] && [ "$1" -ne 77 ] || return 0
    echo "--- FAILED with status $1"
    for file in "$LAB_DIR"/{dataplane,control}.log "$LAB_DIR"/*.errors "$LAB_DIR"/{caller,sbc1,sbc2}.log; do
        [ -s "$file" ] || continue
        echo "--- ${file##*/}: $(wc -l <"$file") lines, the last of them:"
        tail -n 25 "$file"
    done
}

fail()
{
    echo "FAILED at ${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: $*"
    exit 1
}

skip()
{
    echo "$*"
    exit 77
}

expect() # WHAT COMMAND...: the command succeeds
{
    local what=$1
    shift
    "$@" >"$LAB_DIR/expect.out" 2>&1 || {
        echo "FAILED at ${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: $what"
        echo "  command: $*"
        sed 's/^/  /' "$LAB_DIR/expect.out"
        exit 1
    }
}

expect_equal() # WHAT WANTED FOUND
{
    [ "$2" = "$3" ] || {
        echo "FAILED at ${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: $1: wanted '$2', found '$3'"
        exit 1
    }
}

expect_above() # WHAT BOUND FOUND
{
    [ "$3" -gt "$2" ] || {
        echo "FAILED at ${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: $1: wanted more than $2, found '$3'"
        exit 1
    }
}

ended() # PID
{
    ! lab_start_time "$1"
}

# The command ends with this status and its standard error is one line that matches.
expect_refusal() # STATUS PATTERN COMMAND...
{
    local wanted=$1 pattern=$2 status=0
    shift 2
    "$@" >"$LAB_DIR/refusal.out" 2>"$LAB_DIR/refusal.err" </dev/null &
    # What does not end is ended with the lab.
    lab_wait 30 "$* ends" ended $! || fail "$* does not refuse: $(tail -n 3 "$LAB_DIR/refusal.err")"
    wait $! || status=$?
    # Log lines may come before; the refusal itself is one line.
    grep -vE '^([0-9TZ:.-]+ )?level=' "$LAB_DIR/refusal.err" >"$LAB_DIR/refusal.line" || true
    if [ "$status" != "$wanted" ] || [ "$(wc -l <"$LAB_DIR/refusal.line")" != 1 ] || ! grep -qE "$pattern" "$LAB_DIR/refusal.line"; then
        echo "FAILED at ${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: wanted status $wanted and one line with /$pattern/"
        echo "  command: $*"
        echo "  status $status, standard error:"
        sed 's/^/  /' "$LAB_DIR/refusal.err"
        exit 1
    fi
}

test_begin()
{
    [ "$(id -u)" = 0 ] || skip "needs root"
    [ -x "$LAB_BUILD/control/dialgate-control" ] || fail "$LAB_BUILD is not built"
    lab_begin "dgt$$"
    cp "$ROOT/config/examples/lab.yaml" "$LAB_DIR/dialgate.yaml"
    # A machine that has other things to do makes every turn long; calls must not be refused for that.
    test_set 'overload: {turn: 1s}'
}

# Replaces a top-level section of the configuration, or adds it. TEXT begins with the key.
test_set() # TEXT
{
    local key=${1%%:*} file=$LAB_DIR/dialgate.yaml
    awk -v key="$key:" '/^[^ #-]/ { inside = index($0, key) == 1 } !inside' "$file" >"$file.new"
    printf '%s\n' "$1" >>"$file.new"
    mv "$file.new" "$file"
}

test_replace() # SED_EXPRESSION: in the configuration; must change it
{
    local file=$LAB_DIR/dialgate.yaml
    sed -E "$1" "$file" >"$file.new"
    ! cmp -s "$file" "$file.new" || fail "$1 changes nothing in lab.yaml"
    mv "$file.new" "$file"
}

test_daemons()
{
    lab_control
    lab_dataplane
    lab_ready 60 || fail "Dialgate did not become ready"
}

test_up()
{
    [ -n "${LAB_ID:-}" ] || test_begin
    lab_up
    test_daemons
}

test_ends() # NAME: SIGTERM ends it with status 0 and no sanitizer has spoken
{
    lab_kill "$1" TERM || fail "$1 had ended: $(tail -n 3 "$LAB_DIR/$1.log")"
    lab_wait 30 "$1 ends after SIGTERM" lab_ended "$1" || fail "$1 does not end"
    lab_exit_status "$1"
    expect_equal "exit status of $1" 0 "$LAB_STATUS"
}

test_done()
{
    test_ends control
    test_ends dataplane
    if grep -lE 'Sanitizer|runtime error:' "$LAB_DIR"/*.log; then
        fail "a sanitizer has spoken"
    fi
}

test_callees() # SCENARIO [SIPP ARGUMENTS...]: on both SBCs
{
    local sbc scenario=$1
    shift
    for sbc in sbc1 sbc2; do
        sipp_callee $sbc $sbc "$scenario" "$@" || fail "SIPp on $sbc"
    done
}

test_caller() # SCENARIO CALLS RATE [SIPP ARGUMENTS...]: runs it to its end; every call succeeds
{
    local scenario=$1 calls=$2 rate=$3
    shift 3
    sipp_caller caller "$scenario" -m "$calls" -r "$rate" -l 15000 -timeout $((calls / rate + 60))s -timeout_error "$@"
    test_calls_end "$calls" $((calls / rate + 70))
}

# SIPp's scenarios repeat what is not answered within half a second, as a loaded machine may not. Where nothing may be repeated:
test_patient() # SCENARIO...: copies called SCENARIO_patient, that repeat after ten seconds
{
    local name
    for name; do
        sed 's/retrans="500"/retrans="10000"/' "$(sipp_file "$name")" >"$LAB_DIR/${name}_patient.xml"
    done
}

# Calls for as long as a test needs them, however fast it gets on: a caller without -m, and this at its end.
test_calls_stop() # no new calls, and the end with the last one; into CALLS how many there were, all of which succeeded
{
    lab_kill caller USR1 || fail "SIPp had ended"
    lab_wait 60 'the calls end' lab_ended caller || fail "SIPp does not end"
    # shellcheck disable=SC2034 # for who called
    CALLS=$(sipp_stat caller 'SuccessfulCall(C)')
    expect_equal "calls that failed" 0 "$(sipp_stat caller 'FailedCall(C)')"
}

test_calls_end() # CALLS SECONDS
{
    lab_wait "$2" "the calls end" lab_ended caller || fail "SIPp does not end"
    lab_exit_status caller
    [ "$LAB_STATUS" = 0 ] || fail "SIPp ended with status $LAB_STATUS: $(sipp_stat caller 'FailedCall(C)') of $1 calls failed"
    expect_equal "calls that succeeded" "$1" "$(sipp_stat caller 'SuccessfulCall(C)')"
}

# Callees see as many calls as there were and none of them failed there. Their statistics come once a second.
test_callees_saw() # CALLS
{
    lab_wait 30 "SBCs saw $1 calls" sbcs_saw "$1" || fail "SBCs saw $(sipp_stat sbc1 'IncomingCall(C)') and $(sipp_stat sbc2 'IncomingCall(C)') calls of $1"
    expect_equal "calls failed at the SBCs" 0 $(($(sipp_stat sbc1 'FailedCall(C)') + $(sipp_stat sbc2 'FailedCall(C)')))
}

sbcs_saw() # CALLS
{
    [ $(($(sipp_stat sbc1 'IncomingCall(C)') + $(sipp_stat sbc2 'IncomingCall(C)'))) = "$1" ]
}

test_no_dialogs()
{
    lab_wait "${1:-40}" 'dialogs come back to 0' lab_no_dialogs || fail "$(lab_dialogs) dialogs are left"
}

# Each packet that was received ended in exactly one outcome.
test_outcomes()
{
    lab_wait 30 'every packet is counted once' outcomes_add_up ||
        fail "received $(lab_metric dialgate_packets_received_total), outcomes $(lab_metric dialgate_packets_total)"
}

outcomes_add_up()
{
    lab_metrics >"$LAB_DIR/metrics"
    [ "$(lab_metric_sum dialgate_packets_total <"$LAB_DIR/metrics")" = "$(lab_metric_sum dialgate_packets_received_total <"$LAB_DIR/metrics")" ]
}

# Both sides of a call in one Python program: tests/net/sip_peer.py opens sockets in the lab's namespaces.
test_peers() # [ARGUMENTS...] <PROGRAM
{
    LAB_ID=$LAB_ID timeout 120 python3 - "$@" || fail "see above"
}

counted() # NAME BOUND [LABELS...]: the metric is at least BOUND
{
    [ "$(lab_metric "$1" "${@:3}")" -ge "$2" ]
}

expect_counted() # NAME BOUND [LABELS...]: now or soon
{
    lab_wait 30 "$1 ${*:3} reaches $2" counted "$@" || {
        echo "FAILED at ${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: $1 ${*:3} is $(lab_metric "$1" "${@:3}"), wanted at least $2"
        exit 1
    }
}
