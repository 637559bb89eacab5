// SPDX-License-Identifier: BSD-3-Clause
// Writes messages (RFC 3261 sections 8.1.1, 8.2.6, 12.2.1.1, 17.1.1.3).
#ifndef HOLDER_COMPOSE_H
#define HOLDER_COMPOSE_H

#include "holder.h"

struct asked {
    enum method method;
    enum side by;
    uint32_t cseq;
    enum method transaction; // ACK to a refusal and CANCEL have the branch of their INVITE
    struct span to_tag;      // of an ACK to a refusal: as in the refusal; else empty
};

// A request into TO, which has MESSAGE_OCTETS. Returns its length.
size_t compose_request(const struct holder *holder, const struct call *call, const struct asked *asked,
                       char *to);
// The answer of side AT to what it received.
struct answer {
    const struct message *request;
    enum side at;
    unsigned status;
};
size_t compose_answer(const struct holder *holder, const struct call *call, const struct answer *answer,
                      char *to);

// Texts that the far end must get as they were: into TO, of COMPOSE_VALUE octets.
#define COMPOSE_VALUE 96u
void compose_branch(const struct holder *holder, const struct call *call, const struct asked *asked,
                    char *to);
void compose_contact(const struct holder *holder, const struct call *call, enum side side, char *to);
// From or To without its tag.
void compose_party(const struct holder *holder, const struct call *call, enum side side, char *to);

extern const char compose_body[];

#endif
