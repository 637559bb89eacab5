#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# baresip calls baresip through Dialgate: answered, held and resumed, ended by the caller and by the callee, refused, given up, and
# transferred from one SBC to the other. Asked by Dialgate inside a call whether they live, both go on with it, whatever their
# numbers (CSeq) are by then; calls that the operator ends are over at both ends. No dialog stays.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

command -v baresip >/dev/null || skip "needs baresip"

phone() # NAMESPACE USER
{
    local space=$1 home=$LAB_DIR/baresip-$1
    mkdir -p "$home"
    sed "s/ADDRESS/$(sipp_address "$space")/" "$NET/baresip.config" >"$home/config"
    echo "<sip:$2@$(sipp_address "$space")>;regint=0;answermode=manual" >"$home/accounts"
    touch "$home/contacts"
    lab_start "baresip-$space" "$space" env HOME="$home" baresip -f "$home"
    lab_wait 30 "baresip in $space listens" sipp_listening "$space" 5060 || fail "$(tail -n 5 "$LAB_DIR/baresip-$space.log")"
}

test_begin
test_set 'dialogs: {keepalive: 10s}'
test_up
phone carrier caller
phone sbc1 callee
phone sbc2 callee
test_peers <<'PYTHON'
from baresip import Phone, ring_any
from sip_peer import check, passed

caller, callees = Phone("carrier"), [Phone("sbc1"), Phone("sbc2")]


def call():
    caller.do("dial", "sip:callee@10.10.0.10")
    callee = ring_any(callees)
    caller.wait("CALL_RINGING")
    return callee


def answered():
    callee = call()
    callee.do("accept")
    caller.wait("CALL_ESTABLISHED")
    callee.wait("CALL_ESTABLISHED")
    return callee


for _ in range(3):
    callee = answered()
    caller.do("hold")
    caller.do("resume")
    caller.do("hangup")
    callee.wait("CALL_CLOSED")
    caller.forget()
    callee = answered()
    callee.do("hangup")
    caller.wait("CALL_CLOSED")
    callee.forget()
    callee = call()
    callee.do("hangup")
    caller.wait("CALL_CLOSED")
    callee.forget()
    callee = call()
    caller.do("hangup")
    callee.wait("CALL_CLOSED")
    caller.forget()
# The callee transfers its caller, who calls anew, and hears by NOTIFY that it has worked.
callee = answered()
callee.do("transfer", "sip:callee@10.10.0.10")
caller.wait("TRANSFER")
other = ring_any(callees)
other.do("accept")
other.wait("CALL_ESTABLISHED")
caller.do("hangup")
other.wait("CALL_CLOSED")
passed()
PYTHON
test_no_dialogs

test_peers <<'PYTHON'
from baresip import Phone, ring_any
from sip_peer import passed

caller, callees = Phone("carrier"), [Phone("sbc1"), Phone("sbc2")]
caller.do("dial", "sip:callee@10.10.0.10")
callee = ring_any(callees)
callee.do("accept")
caller.wait("CALL_ESTABLISHED")
passed()
PYTHON
lab_wait 30 'both sides are asked' counted dialgate_keepalives_total 2 'event="sent"' || fail "nobody is asked"
test_peers <<'PYTHON'
from baresip import Phone
from sip_peer import passed

caller, callees = Phone("carrier"), [Phone("sbc1"), Phone("sbc2")]
caller.do("hold")
caller.wait("CALL_REMOTE_SDP")
caller.do("resume")
caller.wait("CALL_REMOTE_SDP")
for callee in callees:
    callee.do("hangup")
caller.wait("CALL_CLOSED")
passed()
PYTHON
test_no_dialogs
expect_equal "dialogs found dead" 0 "$(lab_metric dialgate_keepalives_total 'event="dead"')"

CTL=$(lab_program dialgatectl)
export CTL RUN=$LAB_RUN
test_peers <<'PYTHON'
import os
import subprocess

from baresip import Phone, ring_any
from sip_peer import passed

caller, callees = Phone("carrier"), [Phone("sbc1"), Phone("sbc2")]
caller.do("dial", "sip:callee@10.10.0.10")
callee = ring_any(callees)
callee.do("accept")
caller.wait("CALL_ESTABLISHED")
subprocess.run([os.environ["CTL"], "--run-directory", os.environ["RUN"], "dialog", "end", "--peer", "carrier-a"], check=True)
caller.wait("CALL_CLOSED")
callee.wait("CALL_CLOSED")
passed()
PYTHON
test_no_dialogs
expect_above "re-INVITEs: hold and resume" 2 "$(lab_metric dialgate_messages_total 'kind="re-INVITE"')"
# REFER and at least the last NOTIFY.
expect_above "messages of the transfer" 1 "$(lab_metric dialgate_messages_total 'kind="other"')"
test_outcomes
test_done
