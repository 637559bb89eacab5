#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# kill -9 of the data plane with 1,000,000 dialogs held and calls running: all are there afterwards and each can be ended.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/holder/holder.sh
. "$NET/holder/holder.sh"
# shellcheck source=tests/net/holder/restart.sh
. "$NET/holder/restart.sh"

LAB_BUILD=$PLAIN
restart_test "${RESTART_CALLS:-1000000}" 5000 120
