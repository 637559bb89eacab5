#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# One address on one network: calls come in and leave by the same listener, with one Record-Route and a BYE from either side.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_set 'networks:
  outside: {interface: outside0, attach: af_xdp}'
test_set 'listeners:
  - {name: edge, network: outside, address: 10.10.0.10, port: 5060}'
# What is a stranger elsewhere is the SBC here: it stands on the carrier's side.
test_set 'peers:
  - {name: carrier-a, listener: edge, members: [{address: 10.10.1.1}]}
  - {name: sbcs, listener: edge, members: [{address: 10.10.2.1}]}'
lab_up
test_daemons
sipp_callee sbc1 stranger uas
test_caller uac 100 50
lab_stop sbc1 || true
sipp_callee sbc1 stranger uas_hangs_up
test_caller uac_hears_bye 50 50
expect_equal "calls answered" 150 "$(lab_metric dialgate_dialog_events_total 'event="confirmed"')"
test_no_dialogs
test_outcomes
test_done
