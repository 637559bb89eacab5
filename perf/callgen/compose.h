// SPDX-License-Identifier: BSD-3-Clause
// Writes messages (RFC 3261 8.1.1, 8.2.6, 12.2.1.1, 17.1.1.3), and the texts of which the far end has to get
// each as it was.
#ifndef CALLGEN_COMPOSE_H
#define CALLGEN_COMPOSE_H

#include "calls.h"
#include "scene.h"

#define COMPOSE_OCTETS 1400u // the longest message
#define COMPOSE_VALUE  96u

struct text { // octets that are written one behind the other
    char *octets;
    size_t length, room;
    bool full; // something was left out
};

struct asked { // a request; of the callee's there is the BYE
    enum side by;
    enum method method;
    enum method transaction; // ACK to a refusal and CANCEL have the branch of their INVITE
    uint32_t cseq;
    struct span to_tag; // of an ACK to a refusal: as in the refusal; else empty
};

// Into TO, of COMPOSE_OCTETS. Returns the length; 0: what the proxy chose (its Record-Route) does not fit.
size_t compose_request(const struct scene *scene, const struct call *call, const struct asked *asked,
                       char *to);

// An answer: of the callee's with the Record-Route that the call keeps (8.2.6.2, 12.1.1), of the caller's to
// a BYE.
struct answer {
    enum side by;
    enum method method;
    uint32_t cseq;
    unsigned status;
    struct span vias; // of the request, a newline behind each
};
// As compose_request().
size_t compose_answer(const struct scene *scene, const struct call *call, const struct answer *answer,
                      char *to);

// Single texts, appended.
void compose_call_id(const struct scene *scene, uint32_t number, struct text *text);
void compose_via(const struct scene *scene, const struct call *call, const struct asked *asked,
                 struct text *text);
void compose_contact(const struct scene *scene, const struct call *call, enum side side, struct text *text);
void compose_party(const struct scene *scene, const struct call *call, enum side side, struct text *text);
void compose_called(const struct scene *scene, const struct call *call,
                    struct text *text); // the first Request-URI
// The session description of an INVITE by CALLER, or of its 200 by CALLEE.
void compose_body(const struct scene *scene, const struct call *call, enum side by, struct text *text);

// The number of the call that a Call-ID of ours names; what else stands in it is for the caller to compare.
static inline bool compose_number(struct span call_id, uint32_t *number)
{
    char whole[37];
    memset(whole, '-', sizeof(whole));
    memcpy(whole, call_id.at, call_id.length < 8 ? call_id.length : 8);
    return identity_number(whole, 36, number);
}

#endif
