#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The same calls through AF_PACKET ports, which have no XDP program.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
test_replace 's/attach: af_xdp/attach: af_packet/'
test_up
expect "no XDP program on outside0" bash -c "! nsenter --net=/run/netns/$LAB_ID-core ip link show outside0 | grep -q xdp"
test_callees uas
test_caller uac 100 50 -d 300
test_callees_saw 100
test_no_dialogs
test_outcomes
test_done
