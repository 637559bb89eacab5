// SPDX-License-Identifier: BSD-3-Clause
// Digest challenges and credentials: WWW-Authenticate, Proxy-Authenticate, Authorization, Proxy-Authorization
// (RFC 3261 20.7, 20.27, 20.28, 20.44, 22.4; RFC 8760; RFC 7616). Reading only: nothing is computed here.
#ifndef DIALGATE_SIP_DIGEST_H
#define DIALGATE_SIP_DIGEST_H

#include "message.h"
#include "write.h"

enum digest_algorithm {
    DIGEST_MD5, // also when none is named
    DIGEST_MD5_SESS,
    DIGEST_SHA_256,
    DIGEST_SHA_256_SESS,
    DIGEST_SHA_512_256,
    DIGEST_SHA_512_256_SESS,
    DIGEST_UNKNOWN
};

enum digest_field {
    DIGEST_USERNAME,
    DIGEST_REALM,
    DIGEST_NONCE,
    DIGEST_URI,
    DIGEST_RESPONSE,
    DIGEST_ALGORITHM,
    DIGEST_CNONCE,
    DIGEST_OPAQUE,
    DIGEST_QOP,
    DIGEST_NC,
    DIGEST_DOMAIN,
    DIGEST_STALE,
    DIGEST_USERHASH,
    DIGEST_FIELD_COUNT
};

struct digest {
    struct span scheme;
    bool is_digest;                         // false: another scheme, of which nothing is read
    uint8_t algorithm;                      // enum digest_algorithm
    bool is_stale;                          // stale=true
    bool offers_auth;                       // qop holds auth
    bool offers_auth_int;                   // qop holds auth-int
    uint32_t nc;                            // nonce count, hexadecimal in text; 0: none
    struct span fields[DIGEST_FIELD_COUNT]; // with their quotes; length 0: not there
};

// Reads either. Returns 0, or -1: no scheme, text that is no list of name=value, a repeated field, an nc that
// is not eight hexadecimal digits.
int digest_read(const uint8_t *octets, struct span value, struct digest *digest);

// Whether everything that a challenge or credentials must have is there (RFC 7616 3.3, 3.4).
bool digest_is_challenge(const struct digest *digest);
bool digest_is_credentials(const struct digest *digest);

// Writes the fields that are there, in the order of enum digest_field.
void write_digest(struct writer *writer, const uint8_t *octets, const struct digest *digest);

#endif
