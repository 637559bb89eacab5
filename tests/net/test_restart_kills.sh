#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Five deaths of the data plane at random moments: no dialog that was confirmed outside is missing, and counts agree.
# slow
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/holder/holder.sh
. "$NET/holder/holder.sh"
# shellcheck source=tests/net/holder/restart.sh
. "$NET/holder/restart.sh"

restart_kills 5
