#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `dialog list` with 1,000,000 dialogs held and calls running beside: all are listed, control and dialgatectl keep a page of them at
# most, calls go on. Prints times and memory (control/README.md has some). Needs 8 GiB.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/holder/holder.sh
. "$NET/holder/holder.sh"
# shellcheck source=tests/net/holder/list.sh
. "$NET/holder/list.sh"

# shellcheck disable=SC2034 # lab.sh
LAB_BUILD=$PLAIN
LIST_CALLS=${LIST_CALLS:-1000000}
list_test
