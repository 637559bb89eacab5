#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Sixty reloads under 50 calls a second, half of them invalid: no call fails.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/reload_storm.sh
. "$NET/reload_storm.sh"

reload_storm 60
