// SPDX-License-Identifier: BSD-3-Clause
// What was tried for one request and the best refusal of it (RFC 3261 16.7 steps 6 and 7). It begins when a
// request fails over and ends with its server transaction: one block of the arena, the head below, the
// response as it was received, and the challenges of all the others.
//
// A 6xx is best, else the lowest class; within 4xx those that tell the caller how to ask again come first and
// 408 last, which says only that somebody was silent. Of equals the last one. A branch that was given up
// counts as 408, one that could not be reached as 503 (16.9). 408 to a request other than INVITE is nothing
// to send (RFC 4320 4.2), so it is the worst of all.
#ifndef DIALGATE_PATH_BEST_H
#define DIALGATE_PATH_BEST_H

#include "worker_core.h"

struct attempts {
    uint16_t tried[MEMBER_TRIED_MAX];
    uint16_t tried_count;
    uint16_t status;     // the best so far, 0: none
    uint16_t member;     // whose it is
    uint16_t challenges; // octets of header lines
    uint32_t length;     // octets of the response, 0: it is ours to make
};
static_assert(sizeof(struct attempts) == 28, "and the octets behind it");

// Of a server transaction; NULL: nothing has failed yet. Valid until best_note().
struct attempts *best_attempts(struct worker *worker, uint32_t server);
// The first one was this member. NULL: no room.
struct attempts *best_begin(struct worker *worker, uint32_t server, uint16_t member);

// A branch has ended: by this message, or without one by a status that we give it.
struct branch_end {
    uint16_t status;
    uint16_t member;
    const struct message *message; // NULL: none
};
// Returns whether it is the best now. Without room that is not kept, and a worse one may go upstream in the
// end.
bool best_note(struct worker *worker, uint32_t server, const struct branch_end *end);
// The best goes upstream; client: a branch that keeps the request. Nothing happens when a final response has
// gone.
void best_send(struct worker *worker, uint32_t server, uint32_t client);
// A refusal of ours goes upstream: 408, or 503 as the member's peer wants it there.
void best_send_own(struct worker *worker, uint32_t server, uint32_t client, uint16_t status);
// forward.c: a 401 or 407 that goes upstream for this transaction gets the challenges of the others.
void best_challenges(struct worker *worker, const struct message *message, uint32_t server);

#endif
