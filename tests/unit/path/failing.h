// SPDX-License-Identifier: BSD-3-Clause
// Calls whose first members fail: three SBCs, of which any may be asked.
#ifndef DIALGATE_TEST_PATH_FAILING_H
#define DIALGATE_TEST_PATH_FAILING_H

#include "call.h"

#define FAILING_MEMBERS 3u

// Three SBCs that may be tried so often, failover.after of 500 ms, these failover.statuses.
void failing_configure(struct wire *wire, uint16_t attempts, const uint16_t statuses[STATUSES_MAX]);
extern const uint16_t failing_usual[STATUSES_MAX]; // the defaults
extern const struct endpoint failing_third;        // the SBC besides wire_sbc1 and wire_sbc2
uint16_t failing_member(struct endpoint at);       // its number
// The one request of this method that left for any member.
struct wire_packet failing_asked(struct wire *wire, const char *method);
// The caller's INVITE, which has its 100, at the first member: call->invite.
void failing_begin(struct call *call, struct wire *wire, const char *id);
// The callee is this member, which is its Contact, too.
void failing_speak_as(struct call *call, struct endpoint member);
// From the member that received the request.
void failing_respond(struct call *call, const struct wire_packet *request, const char *status,
                     const char *tag);
// The branch that counts fails by this answer, "-": by none; call->invite is the next one's.
void failing_by(struct call *call, const char *status);
// The member of call->invite has answered 2xx, call->answer, with this tag: ACK.
void failing_ack(struct call *call, const char *tag);

#endif
