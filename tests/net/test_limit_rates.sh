#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# One, ten and a thousand calls a second over two workers: of more than that for some seconds never more than the limit lets
# through in each second that passed, and in the first one as many.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

milliseconds()
{
    echo $(($(date +%s%N) / 1000000))
}

# The limit is of any second: what a second's slots of 100 ms leave open is a tenth of it (dataplane/path/limit.h).
at_rate() # LIMIT OFFERED SECONDS
{
    local limit=$1 calls=$(($2 * $3)) begin taken refused came seconds
    cp "$LAB_DIR/good.yaml" "$LAB_DIR/dialgate.yaml"
    test_replace "s/^  - name: carrier-a\$/&\n    limits: {calls_per_second: $limit, reply: 486}/"
    expect "a limit of $limit" lab_ctl config reload
    taken=$(lab_metric dialgate_dialog_events_total 'event="created"')
    refused=$(lab_metric dialgate_limited_calls_total 'limit="peer_in"')
    came=$(lab_metric dialgate_messages_total 'kind="INVITE"')
    begin=$(milliseconds)
    test_caller uac_limited $calls "$2" -d 0
    seconds=$((($(milliseconds) - begin + 999) / 1000))
    taken=$(($(lab_metric dialgate_dialog_events_total 'event="created"') - taken))
    refused=$(($(lab_metric dialgate_limited_calls_total 'limit="peer_in"') - refused))
    came=$(($(lab_metric dialgate_messages_total 'kind="INVITE"') - came))
    echo "limit $limit a second, $2 offered: $taken taken and $refused refused in $seconds s"
    # An INVITE that comes again after its refusal is taken or refused anew.
    expect_above "calls taken or refused" $((calls - 1)) $((taken + refused))
    expect_above "INVITEs beyond those taken or refused" $((taken + refused - 1)) "$came"
    [ "$taken" -le $((limit * seconds + (limit + 9) / 10)) ] || fail "$taken calls in $seconds s are more than $limit a second"
    expect_above "calls that the limit lets through" $((limit - 1)) "$taken"
    test_no_dialogs
}

LAB_BUILD=$PLAIN
test_begin
lab_up
cp "$LAB_DIR/dialgate.yaml" "$LAB_DIR/good.yaml"
test_daemons
test_callees uas
at_rate 1 10 4
at_rate 10 40 4
at_rate 1000 1500 3
test_outcomes
test_done
