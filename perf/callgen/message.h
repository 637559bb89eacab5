// SPDX-License-Identifier: BSD-3-Clause
// Reads what any proxy sends: long and compact names in any case, one value a line or several (RFC 3261 7.3).
// It is a reader of its own: what Dialgate's parser gets wrong must show. Folded lines are not read; no proxy
// makes them.
#ifndef CALLGEN_MESSAGE_H
#define CALLGEN_MESSAGE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MESSAGE_VIAS   8u
#define MESSAGE_ROUTES 8u
#define MESSAGE_TAG    128u // octets

enum method { METHOD_INVITE, METHOD_ACK, METHOD_BYE, METHOD_CANCEL, METHOD_OPTIONS, METHODS };

extern const char *const method_names[METHODS];

struct span { // in the datagram, not ended by a NUL
    const char *at;
    size_t length;
};

struct values { // of one header, in their order
    struct span list[MESSAGE_VIAS];
    unsigned count;
};
static_assert(MESSAGE_ROUTES == MESSAGE_VIAS, "one struct for both");

struct message {
    unsigned status; // 0: a request
    uint8_t method;  // enum method: of the request, or of CSeq in a response
    struct span uri; // Request-URI
    struct values vias, routes, record_routes;
    struct span branch;                     // of the topmost Via; empty: none
    struct span from, to, from_tag, to_tag; // values without tag; the tags
    struct span call_id;
    struct span contact; // URI
    uint32_t cseq;
    uint32_t max_forwards; // UINT32_MAX: none
    struct span body;
};

// Reads LENGTH octets. False: no message, one without a mandatory header, with a tag longer than MESSAGE_TAG,
// or with a Content-Length that is not the body's (18.3).
bool message_read(struct message *message, const char *octets, size_t length);

static inline bool span_equal(struct span one, struct span other)
{
    return one.length == other.length && (one.length == 0 || memcmp(one.at, other.at, one.length) == 0);
}

static inline bool span_begins(struct span span, struct span with)
{
    return span.length >= with.length && memcmp(span.at, with.at, with.length) == 0;
}

#endif
