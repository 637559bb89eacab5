#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Kamailio as the carrier's proxy and as the SBC, Dialgate between them, SIPp beyond both: calls answered and ended from either
# end, refused, cancelled, challenged by the SBC; Record-Routes of three proxies in one route set. Probes find it up, down and up.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/kamailio.sh
. "$NET/kamailio.sh"

command -v kamailio >/dev/null || skip "needs kamailio"

# A callee beyond the SBC; the number that reaches it is its port.
callee() # NAME PORT SCENARIO [SIPP ARGUMENTS...]
{
    local name=$1 port=$2 scenario=$3
    shift 3
    sipp_start "$name" sbc1 "$scenario" -p "$port" "$@"
    lab_wait 30 "SIPp $name listens" sipp_listening sbc1 "$port" || fail "SIPp $name"
}

calls() # SCENARIO PORT [SIPP ARGUMENTS...]: twenty calls through the carrier's proxy, each succeeds
{
    local scenario=$1 port=$2
    shift 2
    sipp_start caller carrier "$scenario" -p 5070 -s "$port" -m 20 -r 20 -timeout 30s -timeout_error "$@" 10.10.1.1:5060
    test_calls_end 20 40
    test_no_dialogs
}

sbc_is() # 1: up, 0: down
{
    lab_metrics >"$LAB_DIR/metrics" && grep -q "^dialgate_member_up{.*member=\"10.20.0.11:5060\"} $1\$" "$LAB_DIR/metrics"
}

test_begin
test_replace 's/members: \[\{address: 10.20.0.11\}, .*/members: [{address: 10.20.0.11}]\n    probe: {interval: 1s, timeout: 1s, down_after: 1, up_after: 1}/'
lab_up
test_daemons
kamailio_start carrier 'ONWARD="sip:10.10.0.10:5060"'
kamailio_start sbc1
lab_wait 30 'the SBC is up' sbc_is 1 || fail "no probe is answered"
callee sbc1 5070 uas
callee leaves 5071 uas_hangs_up -d 200
callee busy 5072 uas_busy
callee cancelled 5073 uas_cancelled
sed 's/STATUS/486/' "$SIPP_SCENARIOS/uac_refused.xml" >"$LAB_DIR/uac_486.xml"

calls uac 5070 -d 200
calls uac_hears_bye 5071
calls uac_486 5072
calls uac_cancel 5073
expect_equal "dialogs that were confirmed" 40 "$(lab_metric dialgate_dialog_events_total 'event="confirmed"')"

lab_stop kamailio-sbc1 || fail "kamailio does not end"
lab_wait 30 'the SBC is down' sbc_is 0 || fail "a dead SBC is not down"
kamailio_start sbc1 WITH_AUTH
lab_wait 30 'the SBC is up' sbc_is 1 || fail "the SBC does not come up again"
calls uac_credentials 5070 -d 200 -au caller -ap secret

test_outcomes
test_done
