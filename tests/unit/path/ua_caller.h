// SPDX-License-Identifier: BSD-3-Clause
// A far end that calls the application of ua_world.h: what it sends is made from what it received.
#ifndef DIALGATE_TEST_PATH_UA_CALLER_H
#define DIALGATE_TEST_PATH_UA_CALLER_H

#include "call.h"
#include "ua_world.h"

struct caller {
    struct ua_world *world;
    struct call call;           // DIALOG_CALLER is the far end, the other side the application
    char invite[WIRE_TEXT_MAX]; // as it was sent last
    uint64_t dialog;            // handles, from the last CALL or ASKED
    uint64_t transaction;
};

void caller_init(struct caller *caller, struct ua_world *world, const char *id);
// Header lines and a body of the next request; NULL: none.
struct asked {
    const char *lines;
    const char *body;
};
// INVITE, its 100 and CALL, whose handles are kept.
void caller_invite(struct caller *caller, const struct asked *asked);
void caller_invite_text(struct caller *caller, const struct asked *asked);
// A request inside the dialog; takes nothing. Its text is in caller->invite when it is an INVITE.
void caller_send(struct caller *caller, const char *method, const struct asked *asked);
// The same, and ASKED, whose transaction is kept.
struct ua_seen caller_asks(struct caller *caller, const char *method, const struct asked *asked);
void caller_ack(struct caller *caller, const char *body);
// The application's answer to caller->transaction; its DONE's result.
int caller_answered(struct caller *caller, uint16_t status, const struct ua_wanted *with);
// The first packet at the far end begins with text; a tag and a Contact of a response are taken over.
struct wire_packet caller_take(struct caller *caller, const char *text);
// INVITE, 200, ACK; whatever is told of that is taken.
void caller_establish(struct caller *caller);
// BYE of the far end.
void caller_hang_up(struct caller *caller);
int caller_end(struct caller *caller, const char *headers, uint16_t status);
void caller_expect(struct caller *caller, enum channel_dialog_state state);

#endif
