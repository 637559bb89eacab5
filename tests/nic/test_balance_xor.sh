#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# alone
# test_lacp.sh with a static group.
BOND=balance-xor exec bash "$(dirname "$0")/test_lacp.sh"
