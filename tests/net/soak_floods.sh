#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test_floods.sh with 20,000 calls.
CALLS=${CALLS:-20000} CALL_RATE=${CALL_RATE:-100} exec bash "$(dirname "$0")/test_floods.sh"
