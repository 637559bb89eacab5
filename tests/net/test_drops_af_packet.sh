#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test_drops.sh through AF_PACKET ports: the workers' filter tells.
# slow
ATTACH=af_packet exec bash "$(dirname "$0")/test_drops.sh"
