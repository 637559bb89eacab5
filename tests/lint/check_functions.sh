#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A function fits a screen (60 lines) and takes at most 5 parameters, but for those that functions.txt excuses. clang-format
# puts a function's braces into column one. Tests may be longer: their tables of rows live in them.
set -euo pipefail
EXCUSED=$(cd "$(dirname "$0")" && pwd)/functions.txt
cd "$1"
# shellcheck disable=SC2016 # awk's own dollars
git ls-files -z '*.c' | xargs -0 -r awk -v excused="$EXCUSED" '
    BEGIN { while ((getline line < excused) > 0) if (split(line, word, " ") > 1 && word[1] != "#") excuse[word[1]] = 1 }
    FNR == 1 { open = 0; head = "" }
    /^[a-z_].*[^;]$/ && !/^(struct|enum|union|static const struct|const struct)[^()]*[={]?$/ { if (head == "") { head = $0; at = FNR } else head = head $0 }
    !/^[a-z_ \t]/ && !/^\{/ && !open { head = "" }
    /^[ \t]+/ && !open && head != "" { head = head $0 }
    /;$/ && !open { head = "" }
    /^\{$/ { open = FNR; name = head }
    /^\}$/ && open {
        call = name; sub(/\(.*/, "", call); sub(/.*[ *]/, "", call)
        if ((FILENAME ":" call) in excuse) { open = 0; head = ""; next }
        if (FNR - open - 1 > 60 && FILENAME !~ /^tests\//) { printf "%s:%d: %d lines: %s\n", FILENAME, at, FNR - open - 1, substr(name, 1, 70); bad = 1 }
        list = name; sub(/^[^(]*\(/, "", list); sub(/\)[^)]*$/, "", list)
        while (gsub(/\([^()]*\)/, "", list)) ;
        if (gsub(/,/, ",", list) + 1 > 5) { printf "%s:%d: more than 5 parameters: %s\n", FILENAME, at, substr(name, 1, 70); bad = 1 }
        open = 0; head = ""
    }
    END { exit bad }'
