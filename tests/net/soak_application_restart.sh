#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test_application_restart with KILLS (100) deaths of control.
KILLS=${KILLS:-100} exec "$(dirname "$0")/test_application_restart.sh"
