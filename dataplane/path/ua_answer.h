// SPDX-License-Identifier: BSD-3-Clause
// Between the files that take responses to requests of applications.
#ifndef DIALGATE_PATH_UA_ANSWER_H
#define DIALGATE_PATH_UA_ANSWER_H

#include "ua.h"

// A response to a request of ours, or that none came.
struct ua_end_of {
    uint32_t client;         // the request's transaction
    uint32_t dialog;         // that it was sent in, or began; INDEX_NONE: outside, or it is gone
    uint16_t status;         // 408, 503 when none came
    struct message *message; // the response; when none came the request, in worker->kept
    bool is_received;
    uint64_t call_hash;
    struct endpoint source; // of the response, or where the request went
};

// ua_answer_invite.c: to an INVITE or re-INVITE.
void ua_answer_invite(struct worker *worker, const struct ua_end_of *end);

// ANSWERED, as it is told of this.
struct ua_told ua_told_of_answer(struct worker *worker, const struct ua_end_of *end);
// The live record that a client transaction belongs to, INDEX_NONE.
uint32_t ua_dialog_of_client(const struct worker *worker, uint32_t client);
// A re-INVITE or UPDATE that was refused may come again later (RFC 3261 14.1, 21.5.1): arms the time.
void ua_back_off(struct worker *worker, uint32_t usage, const struct ua_end_of *end);
// What a 2xx to INVITE or UPDATE settles: the session (RFC 4028 section 7.2) and our own target. Uses
// worker->kept.
void ua_agree(struct worker *worker, uint32_t dialog, const struct ua_end_of *end);

#endif
