// SPDX-License-Identifier: BSD-3-Clause
// Reads what comes from Dialgate: messages that we or it wrote, in their plainest form (long header names,
// one value a line, no folding, SIP URIs in angle brackets). Anything else is no message, and that is a
// finding. Dialgate's own parser is not used: what it gets wrong must show.
#ifndef HOLDER_MESSAGE_H
#define HOLDER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_VIAS   4u
#define MESSAGE_ROUTES 4u

enum method { METHOD_INVITE, METHOD_ACK, METHOD_BYE, METHOD_CANCEL, METHOD_OPTIONS, METHODS };

extern const char *const method_names[METHODS];

struct span { // in the datagram, not ended by a NUL
    const char *at;
    size_t length;
};

struct message {
    unsigned status; // 0: a request
    uint8_t method;  // enum method: of the request, or of CSeq in a response
    struct span uri; // Request-URI
    struct span vias[MESSAGE_VIAS], routes[MESSAGE_ROUTES], record_routes[MESSAGE_ROUTES]; // values
    unsigned via_count, route_count, record_route_count;
    struct span branch;                     // of the topmost Via
    struct span from, to, from_tag, to_tag; // values without tag; the tags
    struct span call_id;
    struct span contact; // URI
    uint32_t cseq;
    unsigned max_forwards;
    struct span body;
};

// Reads LENGTH octets, which a NUL follows. False: no message, or one without a mandatory header.
bool message_read(struct message *message, const char *octets, size_t length);

bool span_is(struct span span, const char *text);
bool span_equal(struct span one, struct span other);

#endif
