#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `dialog list` with 5,000 dialogs: all are listed, a page at a time, and control and dialgatectl stay small. The short form of soak_dialog_list.sh.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"
# shellcheck source=tests/net/holder/holder.sh
. "$NET/holder/holder.sh"
# shellcheck source=tests/net/holder/list.sh
. "$NET/holder/list.sh"

# shellcheck disable=SC2034 # lab.sh
LAB_BUILD=$PLAIN
LIST_CALLS=5000
list_test
