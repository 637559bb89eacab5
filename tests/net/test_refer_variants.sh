#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# REFERs in applications' calls, in all their variants, beside each other: refused, carried out, followed, ended, crossed;
# come from who called the application and from whom it called; and those that a program sends. Names them one by one;
# arguments are the names of those to run.
# shellcheck source=tests/net/lab.sh
. "$(dirname "$0")/lab.sh"

test_begin
printf 'v=0\r\no=- 1 1 IN IP4 10.10.0.10\r\ns=-\r\nc=IN IP4 10.10.0.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n' >"$LAB_DIR/answer.sdp"
test_set "applications:
  - {name: accepts, listener: edge, refer: accept, refer_targets: ['+49@*']}
  - {name: asks, listener: edge, refer: ask}
  - {name: waits, listener: edge, refer: ask, refer_wait: 1s}
  - {name: refuses, listener: edge, refer: refuse}
  - {name: guards, listener: edge, retry: never, refer: accept, refer_targets: ['+49@*', '@good.example']}
  - {name: alone, listener: edge, refer: ask, answer: {status: 200, body: $LAB_DIR/answer.sdp}}"
test_set 'routes:
  - {from: any-peer, method: OPTIONS, to_us: true, answer: 200}
  - {from: carrier-a, uri_user: accepts, to: accepts}
  - {from: carrier-a, uri_user: asks, to: asks}
  - {from: carrier-a, uri_user: waits, to: waits}
  - {from: carrier-a, uri_user: refuses, to: refuses}
  - {from: carrier-a, uri_user: guards, to: guards}
  - {from: carrier-a, uri_user: alone, to: alone}
  - {from: sbcs, to: carrier-a}
  - {from: accepts, to: sbcs}
  - {from: asks, to: sbcs}
  - {from: waits, to: sbcs}
  - {from: refuses, to: sbcs}
  - {from: guards, to: sbcs}
  - {from: alone, to: sbcs}'
# Nothing is repeated because a loaded machine is late; an INVITE that nobody answers gives up after ten.
test_set 'timers: {t1: 5s, t2: 5s, b: 10s}'
test_set 'retry:
  - {name: never, count: 0}'
test_set 'application_limits: {uri: 300}'
test_up
LAB_ID=$LAB_ID timeout 120 python3 "$NET/refer_variants.py" "$LAB_RUN" "$@" || fail "see above"
test_no_dialogs
test_done
