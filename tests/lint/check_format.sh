#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# clang-format decides layout.
set -euo pipefail
cd "$1"
git ls-files -z '*.c' '*.h' | xargs -0 -r clang-format-14 --dry-run -Werror
