#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test_ban.sh through AF_PACKET ports: the workers' filter has the bans.
ATTACH=af_packet exec bash "$(dirname "$0")/test_ban.sh"
