// SPDX-License-Identifier: BSD-3-Clause
// A far end that an application calls, at the first SBC.
#ifndef DIALGATE_TEST_PATH_UA_CALLEE_H
#define DIALGATE_TEST_PATH_UA_CALLEE_H

#include "call.h"
#include "ua_world.h"

#define CALLEE_CONTACT "Contact: <sip:bob@10.20.0.11:5060>\r\n"

struct callee {
    struct ua_world *world;
    struct wire_packet invite;
    uint64_t dialog, tag; // of the INVITE
};

extern const struct ua_response callee_trying, callee_ringing;
extern const struct ua_response callee_fine; // 200 with Contact and description
extern const struct ua_response callee_done; // 200 with neither

// The packet that came next; it begins with text.
struct wire_packet callee_arrived(struct ua_world *world, const char *text);
// The INVITE of the command: with an offer, or with what `more` has.
struct callee callee_place(struct ua_world *world, const struct ua_wanted *more);
// To that INVITE.
void callee_respond(struct callee *call, const struct ua_response *response);
// ANSWERED with this status, of that INVITE.
struct ua_seen callee_expect(struct callee *call, uint16_t status);
// INVITE, 200, ACK; everything told is taken.
struct callee callee_answered(struct ua_world *world);
// A command in the dialog: its result.
int callee_ask(struct callee *call, enum channel_ua_op op, const char *method, const struct ua_wanted *more);
// END, BYE, 200.
void callee_hang_up(struct callee *call);

#endif
