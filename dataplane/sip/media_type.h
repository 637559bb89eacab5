// SPDX-License-Identifier: BSD-3-Clause
// Media types: Content-Type (RFC 3261 20.15) and Accept (20.1).
#ifndef DIALGATE_SIP_MEDIA_TYPE_H
#define DIALGATE_SIP_MEDIA_TYPE_H

#include "message.h"

struct media_type {
    struct span type;       // "*" in Accept
    struct span subtype;    // "*" in Accept
    struct span parameters; // from behind the first semicolon; offset 0: none
    struct span boundary;   // of multipart bodies, with its quotes; length 0: none
    uint16_t q;             // thousandths, of Accept; 1000 when not given
};

// Reads a Content-Type. Returns 0 or -1.
int media_type_read(const uint8_t *octets, struct span value, struct media_type *media);

// Walks an Accept: *at starts as 0. Returns 1 with one, 0 at the end, -1 where the text is none. An empty
// value is an empty list.
int accept_next(const uint8_t *octets, struct span value, uint32_t *at, struct media_type *media);

// Compares type and subtype without case.
bool media_type_is(const uint8_t *octets, const struct media_type *media, const char *type,
                   const char *subtype);

#endif
