// SPDX-License-Identifier: BSD-3-Clause
// Answers to 401 and 407 (RFC 3261 22, RFC 8760, RFC 7616): MD5, SHA-256, SHA-512/256, with and without
// -sess.
#ifndef DIALGATE_CONTROL_UA_DIGEST_H
#define DIALGATE_CONTROL_UA_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include "../../dataplane/sip/digest.h"

struct ua_digest {
    const char *user, *password;
    const char *realm;        // the one challenge that is answered is of this realm; NULL: each realm's is
    const char *method, *uri; // of the request that comes again
    const char *cnonce;       // a fresh one
    uint32_t count;           // of requests with this nonce, from 1
};

#define UA_REALM_SIZE 256u // with its NUL; a challenge with a longer one is not answered

struct ua_digest_seen {
    bool stale;                // a challenge that is answered said that only its nonce was too old
    char realm[UA_REALM_SIZE]; // of the first that is answered
};

// The header lines, CRLF each, that answer a response with status 401 or 407: one a realm, with the first
// challenge that is understood (RFC 8760 2.4). Returns their octets, 0: there is none, or no room.
size_t ua_digest_answer(const struct message *response, const struct ua_digest *digest, char *lines,
                        size_t size, struct ua_digest_seen *seen);

#endif
