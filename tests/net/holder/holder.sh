# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2153,SC2004 # LAB_ID and the array LAB_PIDS are of config/lab/lab.sh
# call-holder in the lab: the carrier and both SBCs are one process. Sourced after lab.sh.
#
#   holder_start               # after test_up
#   holder hold 1000 500       # a command of call-holder; its answer is in HOLDER_ANSWER
#   holder wait 30
#   expect_equal "calls" 1000 "$(holder_value held)"
#   holder_stop

# shellcheck disable=SC2034 # lab_end calls it
LAB_AT_END=holder_logs

holder_logs() # STATUS
{
    test_logs "$1"
    [ "$1" -ne 0 ] && [ "$1" -ne 77 ] || return 0
    echo "--- call-holder said ${HOLDER_ANSWER:-nothing}"
    [ ! -s "$LAB_DIR/holder.log" ] || head -n 60 "$LAB_DIR/holder.log"
}

# Limits that one carrier with very many calls reaches, and room for CALLS dialogs, wherever their Call-IDs fall. A call that
# was set up leaves its transactions and their messages for 64 * T1: at 5,000 calls a second some 160,000 and 160 MiB a worker.
holder_configure() # CALLS
{
    local share=$(($1 * 11 / 20 + 4096))
    test_set "prefilter:
  peer: {rate: 1000000, burst: 1000000}
  peer_invite: {rate: 1000000, burst: 1000000}"
    test_set "dialogs: {capacity: $share, arena: $((share / 1500 + 256))MiB}"
    test_set "state: {dialogs: $LAB_STATE}"
    test_set "transactions: {capacity: 262144}"
}

holder_start() # [OPTIONS OF call-holder...]
{
    local name=holder spaces=/run/netns/$LAB_ID
    mkfifo "$LAB_DIR/holder.in" "$LAB_DIR/holder.out"
    set -m # as lab_start does
    "$LAB_BUILD/tests/net/holder/call-holder" --caller "$spaces-carrier,10.10.1.1:5060,10.10.0.10:5060" \
        --callee "$spaces-sbc1,10.20.0.11:5060,10.20.0.10:5060" --callee "$spaces-sbc2,10.20.0.12:5060,10.20.0.10:5060" \
        --history "$LAB_DIR/holder.history" "$@" <"$LAB_DIR/holder.in" >"$LAB_DIR/holder.out" 2>"$LAB_DIR/holder.log" &
    set +m
    LAB_PIDS[$name]=$!
    # Opened in the order in which the other side opens them. The redirections come before the program: what stands in
    # the pid file is its number from the start.
    exec {HOLDER_IN}>"$LAB_DIR/holder.in" {HOLDER_OUT}<"$LAB_DIR/holder.out"
    echo "${LAB_PIDS[$name]} $(lab_start_time "${LAB_PIDS[$name]}" || echo 0)" >"$LAB_DIR/holder.pid"
    holder report
}

# A wait is answered when it ends, all else at once.
holder() # COMMAND...
{
    local seconds=20
    [ "$1" != wait ] || seconds=$(($2 + 20))
    echo "$*" >&"$HOLDER_IN"
    read -r -t "$seconds" -u "$HOLDER_OUT" HOLDER_ANSWER || fail "call-holder does not answer '$*'"
    [[ $HOLDER_ANSWER != *'"error"'* ]] || fail "call-holder $*: $HOLDER_ANSWER"
}

holder_value() # NAME: of a member of the last answer
{
    [[ $HOLDER_ANSWER =~ \"$1\":([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

# All calls of the last hold or flood are begun.
holder_begun()
{
    holder report
    [ "$(holder_value to_start)" = 0 ]
}

# Waits until all is done that was begun; nothing that came was wrong.
holder_done() # SECONDS
{
    holder wait "$1"
    expect_equal "calls under way after $1 s" 0 "$(holder_value flights)"
    holder_clean
}

holder_clean()
{
    [ "$(holder_value findings)" = 0 ] || fail "call-holder found: ${HOLDER_ANSWER#*\"found\":}"
}

holder_stop()
{
    # A data plane that was started later has the pipe too: the end of input would not be seen.
    holder quit
    lab_wait 30 'call-holder ends' lab_ended holder || fail "call-holder does not end"
    lab_exit_status holder
    expect_equal "exit status of call-holder" 0 "$LAB_STATUS"
}
