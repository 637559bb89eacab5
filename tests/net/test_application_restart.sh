#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Control is killed while an application's calls are transferred: each transfer ends, calls and registrations go on; an INVITE that is
# challenged meanwhile is tried again. The data plane is killed: the program goes on with its calls under the same ids. KILLS (3),
# RESTART_SEED repeats the moments of a run that printed it.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

seed=${RESTART_SEED:-$RANDOM}
echo "RESTART_SEED=$seed"
test_begin
test_set "applications:
  - {name: desk, listener: edge, refer: accept, refer_targets: ['@example.net']}
  - {name: clerk, listener: edge}"
test_set 'routes:
  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}
  - {from: carrier-a, uri_user: "900", to: desk}
  - {from: carrier-a, uri_user: "901", to: clerk}
  - {from: desk, to: sbcs}
  - {from: clerk, to: sbcs}'
test_up
LAB_ID=$LAB_ID LAB_DIR=$LAB_DIR timeout "$((120 + 10 * ${KILLS:-3}))" python3 "$NET/application_restart.py" "$LAB_RUN" "${KILLS:-3}" "$seed" &
program=$!
while kill -0 "$program" 2>/dev/null; do
    if lab_ended control; then
        lab_control
    fi
    if lab_ended dataplane; then
        lab_dataplane
    fi
    sleep 0.1
done
wait "$program" || fail "see above; RESTART_SEED=$seed repeats it"
test_no_dialogs
test_done
