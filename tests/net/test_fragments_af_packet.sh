#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test_fragments.sh through AF_PACKET ports, where the workers' filter judges fragments.
ATTACH=af_packet exec bash "$(dirname "$0")/test_fragments.sh"
