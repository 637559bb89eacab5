#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test_floods.sh through AF_PACKET ports: the workers' filter holds the floods off.
ATTACH=af_packet exec bash "$(dirname "$0")/test_floods.sh"
