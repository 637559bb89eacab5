#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The same as test_restart_kills.sh with 200 deaths.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/holder/holder.sh
. "$NET/holder/holder.sh"
# shellcheck source=tests/net/holder/restart.sh
. "$NET/holder/restart.sh"

LAB_BUILD=$PLAIN
restart_kills "${RESTART_KILLS:-200}"
