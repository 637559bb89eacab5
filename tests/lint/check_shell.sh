#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every shell script, by its first line or its ending.
# SC2119, SC2120: functions of a library may have optional arguments.
set -euo pipefail
cd "$1"
mapfile -t scripts < <({ git ls-files '*.sh'; git grep -lIE '^#!(/bin/sh|/usr/bin/env bash)' -- ':!*.md'; } | sort -u)
shellcheck -x -e SC2119,SC2120 "${scripts[@]}"
