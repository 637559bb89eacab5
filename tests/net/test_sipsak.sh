#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# sipsak at the carrier: OPTIONS to Dialgate and through it, REGISTER at Kamailio behind Dialgate. Then calls to who has
# registered, which pass Dialgate twice: to Kamailio and back to the carrier (spiral, RFC 3261 16.3).
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/kamailio.sh
. "$NET/kamailio.sh"

command -v kamailio >/dev/null || skip "needs kamailio"
command -v sipsak >/dev/null || skip "needs sipsak"

sak() # ARGUMENTS...: sipsak at the carrier; what it says is in LAB_DIR/expect.out
{
    expect "sipsak $*" lab_in carrier timeout 20 sipsak -i -H 10.10.1.1 -l 5060 -p 10.10.0.10 "$@"
}

said() # PATTERN
{
    grep -qE "$1" "$LAB_DIR/expect.out" || fail "sipsak does not say /$1/: $(tail -n 20 "$LAB_DIR/expect.out")"
}

test_begin
test_replace 's/members: \[\{address: 10.20.0.11\}, .*/members: [{address: 10.20.0.11}]/'
test_replace 's/members: \[\{address: 10.10.1.1\}\]/members: [{address: 10.10.1.1, port: 5080}]/'
lab_up
test_daemons
kamailio_start sbc1 WITH_REGISTRAR 'ONWARD="sip:10.20.0.10:5060"'

sak -v -s sip:10.10.0.10
said '^SIP/2.0 200'
sak -vv -s sip:10.20.0.11
said '^SIP/2.0 200 Well'
sak -vv -U -x 600 -C sip:itself@10.10.1.1:5080 -s sip:itself@10.20.0.11
said 'tests completed successful'

sipp_start callee carrier uas -p 5080
lab_wait 30 'SIPp callee listens' sipp_listening carrier 5080 || fail "SIPp callee"
test_caller uac 10 10 -s itself -d 200
expect_equal "dialogs that were confirmed, two a call" 20 "$(lab_metric dialgate_dialog_events_total 'event="confirmed"')"
test_no_dialogs
test_outcomes
test_done
