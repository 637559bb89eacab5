#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# dialgatectl sip check and sip show over the messages: lines, exit statuses, JSON; no daemon is there.
# usage: tool.sh DIALGATECTL
set -euo pipefail
TOOL=$(realpath "$1")
cd "$(dirname "$0")/messages"
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT

fail()
{
    echo "$*" >&2
    exit 1
}

expect() # STATUS OUTPUT COMMAND...
{
    local status=$1 want=$2 got found=0
    shift 2
    got=$("$@" 2>"$SCRATCH/stderr") || found=$?
    [ "$found" = "$status" ] || fail "$*: exit status $found, not $status: $(cat "$SCRATCH/stderr")"
    [ "$got" = "$want" ] || fail "$*: '$got', not '$want'"
}

expect 0 "folds.sip: ok INVITE" "$TOOL" sip check folds.sip
expect 0 "no-reason.sip: ok 100" "$TOOL" sip check no-reason.sip
expect 0 "percent.sip: ok RE%47IST%45R" "$TOOL" sip check percent.sip
expect 1 "version.sip: reject 505 Version Not Supported" "$TOOL" sip check version.sip
expect 1 "scalars-response.sip: drop" "$TOOL" sip check scalars-response.sip
expect 1 "folds.sip: ok INVITE
extensions.sip: reject 420 Bad Extension
ipv6.sip: ok REGISTER" "$TOOL" sip check folds.sip extensions.sip ipv6.sip
expect 0 "-: ok INVITE" "$TOOL" sip check - <folds.sip
expect 1 "folds.sip: ok INVITE" "$TOOL" sip check "$SCRATCH/missing" folds.sip
grep -q "missing: No such file" "$SCRATCH/stderr" || fail "a file that is not there: $(cat "$SCRATCH/stderr")"
expect 1 "percent.sip: reject 501 Not Implemented" "$TOOL" sip check --ua percent.sip
expect 1 "long.sip: reject 400 Too Many Vias" "$TOOL" sip check --ua long.sip
expect 2 "" "$TOOL" sip check
expect 2 "" "$TOOL" sip check --no-such-option folds.sip
expect 2 "" "$TOOL" sip show folds.sip long.sip
: >"$SCRATCH/empty"
expect 1 "$SCRATCH/empty: drop" "$TOOL" sip check "$SCRATCH/empty"
expect 1 '{"file":"version.sip","verdict":"reject","status":505,"reason":"Version Not Supported"}' "$TOOL" --json sip check version.sip
expect 0 '{"file":"folds.sip","verdict":"ok","message":"INVITE"}' "$TOOL" sip check folds.sip --json

# As many files as the shell gives.
count=$("$TOOL" sip check ./*.sip ./*.sip 2>/dev/null | wc -l) || true
[ "$count" = $(($(find . -name '*.sip' | wc -l) * 2)) ] || fail "$count lines"

# Every message shows as text without control octets and as JSON that is JSON.
for file in *.sip "$SCRATCH/empty"; do
    "$TOOL" sip show "$file" >"$SCRATCH/text" || fail "$file: sip show"
    ! LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]' "$SCRATCH/text" || fail "$file: control octets"
    "$TOOL" --json sip show "$file" >>"$SCRATCH/json" || fail "$file: sip show as JSON"
done
python3 -c 'import json, sys; sys.exit(sum(1 for line in sys.stdin if json.loads(line)["verdict"]) != 62)' <"$SCRATCH/json" || fail "JSON"
"$TOOL" --json sip show folds.sip | python3 -c '
import json, sys
tree = json.load(sys.stdin)
header = {one["name"]: one.get("means") for one in tree["headers"]}
assert tree["kind"] == "request" and tree["method"] == "INVITE"
assert tree["request_uri_means"]["host"] == "branch-office.example.net"
assert header["CSeq"] == {"number": 7, "method": "INVITE"}, header
assert header["Route"][0]["uri"]["parameters"]["lr"] is True
assert header["Contact"][0]["parameters"]["q"] == "0.61"
assert tree["verdict"] == "ok INVITE"'
expect 1 "" "$TOOL" sip show "$SCRATCH/missing"
