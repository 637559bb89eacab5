// SPDX-License-Identifier: BSD-3-Clause
// Between the two files that take requests for applications.
#ifndef DIALGATE_PATH_UA_TAKE_H
#define DIALGATE_PATH_UA_TAKE_H

#include "ua.h"

// Each of these that returns true has answered the request and settled the work. What is wrong with it
// (RFC 3261 8.2.2 and the limits that bind user agents):
bool ua_is_judged(struct worker *worker, struct work *work, uint16_t application);
// A session interval that is too short (RFC 4028 section 9).
bool ua_is_session_refused(struct worker *worker, struct work *work, uint16_t application);
// 503: control cannot be told, or there is no room.
void ua_refuse_unserved(struct worker *worker, struct work *work);
// The server transaction of a request that control answers, or we by it. INDEX_NONE: no room.
uint32_t ua_begin_server(struct worker *worker, struct work *work, uint16_t application);
// CALL or ASKED, with the request. server: INDEX_NONE when nothing waits for an answer.
bool ua_tell_asked(struct worker *worker, const struct work *work, struct ua_told told, uint32_t server);

#endif
