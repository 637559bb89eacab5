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
    local shorter=$((${#LAB_DIR} - 13))
    printf '\n    $ dialgatectl %s\n' "$*"
    lab_ctl "$@" | sed -E "s#$LAB_DIR#/etc/dialgate#; s/FILE {$shorter}/FILE/; s/^/    /; s/ *$//"
}

tells_drops()
{
    lab_ctl prefilter top | grep -q 10.10.2.1 && lab_ctl prefilter drops | grep -q 10.10.2.1
}

test_up >&2
test_callees uas >&2
sipp_caller caller uac -m 400 -r 40 -l 400 -d 4000 -timeout 60s -timeout_error >&2
lab_wait 20 'calls are answered' counted dialgate_dialogs 60 'state="confirmed"' >&2
cat <<'TEXT'
## Screens

As the program prints them; `tests/net/screens.sh` makes this part anew. SIPp places 40 calls a second, two workers share the two cores
of a virtual machine with it: the figures say nothing about speed. For the last screens of the prefilter a stranger sends 3,000 INVITEs a second.

What `core list` calls NODE is the memory node (NUMA) of a worker's CPU, below that of a queue's device ("-": it has none, as here); MEMORY AT is
where the worker's tables and dialogs lie. BUSY is the share of time in turns that received something. A PEER whose members are not
probed (`probe`) is "unknown", and takes calls.
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
lab_start flooder stranger "$PLAIN/tests/net/flooder" --source 10.10.2.1 --peer 10.77.0.9 --target 10.10.0.10 --rate 3000 single
lab_wait 20 'drops are told' tells_drops >&2
screen prefilter top
screen prefilter drops --limit 2
lab_stop flooder >&2
test_replace 's/balance: call-id/balance: least-calls/; s/^workers: .*/workers: {count: 4}/'
screen config diff
screen config history
screen events follow --limit 4
test_calls_end 400 60 >&2
