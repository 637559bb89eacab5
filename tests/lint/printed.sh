#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What -nv prints of a configuration parses again, and to the same.
set -euo pipefail
control=$1 file=$2
once=$(mktemp --suffix=.yaml)
trap 'rm -f "$once"' EXIT
"$control" -nv -c "$file" >"$once"
diff <("$control" -nv -c "$once") "$once"
