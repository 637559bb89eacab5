#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Messages of each call that are lost once on either wire: those repeat who have to (RFC 3261 section 17 hop by hop, 13.3.1.4
# and in-dialog requests end to end), every call succeeds and none leaves a dialog.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/relay.sh
. "$NET/relay.sh"

CALLS=10

quick() # SCENARIO...: copies that repeat after 100 ms, like Dialgate here
{
    local name
    for name; do
        sed 's/retrans="500"/retrans="100"/; s/STATUS/486/' "$(sipp_file "$name")" >"$LAB_DIR/${name}_quick.xml"
    done
}

lost() # CALLER TALK_MS MESSAGE...: each message once a call on each wire
{
    local caller=$1 talk=$2 message options=()
    shift 2
    for message; do
        options+=(--lose-first "$message")
    done
    relay_start 0 "${options[@]}"
    test_caller "${caller}_quick" $CALLS 50 -d "$talk"
    test_no_dialogs
    relay_stop
    # SIPp has ended: what it no longer hears is not counted, so the last message of a call may be missing on one wire.
    expect_above "messages lost, of $*" $((CALLS * (2 * $# - 1) - 1)) "$(relay_count lost)"
}

test_begin
test_set 'timers: {t1: 100ms}'
quick uac uas uac_cancel uas_cancelled uac_refused uas_busy
lab_up
relay_links
relay_start 0
test_daemons
relay_stop

test_callees uas_quick
lost uac 300 INVITE '100 INVITE' BYE '200 BYE'
# Talks for longer than it takes until an ACK has come.
lost uac 2500 '200 INVITE' ACK
test_callees_saw $((2 * CALLS))
lab_stop sbc1 sbc2 || true
test_callees uas_cancelled_quick
# Not the 200 to the CANCEL: SIPp knows a repeated CANCEL no longer when its call has ended.
lost uac_cancel 0 CANCEL '487 INVITE' ACK
test_callees_saw $CALLS
lab_stop sbc1 sbc2 || true
test_callees uas_busy_quick
lost uac_refused 0 '486 INVITE' ACK
test_callees_saw $CALLS
test_outcomes
test_done
