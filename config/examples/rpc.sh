#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Takes a peer out of service from a shell, waits until its calls are over, and gives it back: dialgatectl for what
# is asked, socat where a line of JSON-RPC is wanted as it is.
#
#   rpc.sh PEER COMMAND...    runs COMMAND while PEER has no call
#
# RUN is the run directory (/run/dialgate), SECONDS_MAX how long is waited for the calls (3600).
set -euo pipefail

RUN=${RUN:-/run/dialgate}
SECONDS_MAX=${SECONDS_MAX:-3600}

[ $# -ge 2 ] || {
    sed -n 's/^# \{0,1\}//; 3,8p' "$0" >&2
    exit 2
}
peer=$1
shift

calls_left()
{
    printf '{"jsonrpc":"2.0","id":1,"method":"drain.status"}\n' | socat -t 10 - "UNIX-CONNECT:$RUN/control.sock" |
        python3 -c 'import json, sys
answer = json.load(sys.stdin)
print(sum(row["calls"] for row in answer["result"]["peers"] if row["peer"] == sys.argv[1] and not row["member"]))' "$peer"
}

dialgatectl --run-directory "$RUN" peer drain "$peer"
trap 'dialgatectl --run-directory "$RUN" peer enable "$peer"' EXIT
deadline=$((SECONDS + SECONDS_MAX))
while left=$(calls_left) && [ "$left" -gt 0 ]; do
    [ "$SECONDS" -lt "$deadline" ] || {
        echo "rpc.sh: $peer still has $left calls" >&2
        exit 1
    }
    sleep 1
done
"$@"
