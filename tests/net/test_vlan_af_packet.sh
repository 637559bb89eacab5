#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test_vlan.sh through AF_PACKET ports.
ATTACH=af_packet exec bash "$(dirname "$0")/test_vlan.sh"
