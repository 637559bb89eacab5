#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What the main screens of dialgatectl look like: a lab of its own with calls; prints the last part of control/README.md.
#
#   sed -i '/^## Screens$/,$d' control/README.md && PLAIN=/path/to/build bash tests/net/screens.sh >>control/README.md
set -euo pipefail
SANITIZE=${PLAIN:?the build folder}
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

screen() # WORDS...
{
    printf '\n    $ dialgatectl %s\n' "$*"
    lab_ctl "$@" | sed -e "s#$LAB_DIR#/etc/dialgate#; s/^/    /; s/ *$//"
}

test_up >&2
test_callees uas >&2
sipp_caller caller uac -m 400 -r 40 -l 400 -d 4000 -timeout 60s -timeout_error >&2
lab_wait 20 'calls are answered' counted dialgate_dialogs 60 'state="confirmed"' >&2
cat <<'TEXT'
## Screens

As the program prints them; `tests/net/screens.sh` makes this part anew. SIPp places 40 calls a second, two workers share the two cores
of a virtual machine with it: the figures say nothing about speed.
TEXT
screen status
screen top --once
screen core list
screen peer list
screen peer show sbcs
lab_ctl peer drain sbcs 10.20.0.12 >/dev/null
screen drain status
screen dialog list --limit 3
screen dialog show "$(lab_ctl completion words -- dialog show '' | head -n 1)"
screen dialog count
screen prefilter show
test_replace 's/balance: call-id/balance: least-calls/; s/^workers: .*/workers: {count: 4}/'
screen config diff
screen config history
screen events follow --limit 4
test_calls_end 400 60 >&2
