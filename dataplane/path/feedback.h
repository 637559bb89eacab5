// SPDX-License-Identifier: BSD-3-Clause
// Overload control with peers that take part in it (RFC 7339), and members' Retry-After.
#ifndef DIALGATE_PATH_FEEDBACK_H
#define DIALGATE_PATH_FEEDBACK_H

#include <stdbool.h>
#include <stdint.h>
#include "message.h"

#define FEEDBACK_TEXT_MAX 64u
// What we as a client put on our Via (RFC 7339 4.1, 4.2).
#define FEEDBACK_OFFER ";oc;oc-algo=\"loss\""

struct worker;
struct work;
struct transaction;

// Whether this peer is configured for it.
bool feedback_is_on(const struct worker *worker, uint16_t peer);
// What a request's Via gets behind its oc in a response to this peer (edit_via_overload()); NULL: nothing.
const char *feedback_text(const struct worker *worker, uint16_t peer, char text[FEEDBACK_TEXT_MAX]);
// The same as edits of a response that is sent on.
void feedback_edit(struct worker *worker, const struct message *message, const struct via *via,
                   uint16_t peer);
// The sender of this request holds back what it is told.
bool feedback_is_heard(const struct worker *worker, const struct work *work);
// A response to a request of this client transaction. Only the member that was asked is believed.
void feedback_take(struct worker *worker, const struct work *work, const struct transaction *client);

#endif
