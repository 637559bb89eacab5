#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A million calls with outcomes that are drawn: after each step the limits hold what a recount of the table gives. The unit test
# of that name does the same with 50,000; COUNTS_SEED draws others.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

COUNTS_CALLS=${COUNTS_CALLS:-1000000} "$PLAIN/tests/unit/path/test-path-counts"
