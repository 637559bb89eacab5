// SPDX-License-Identifier: BSD-3-Clause
// A name, its password, and the challenges that they have answered: what is sent later with the same nonce
// needs no challenge of its own (RFC 7616 section 3.4: nc counts the requests of a nonce).
#ifndef DIALGATE_CONTROL_UA_CREDENTIALS_H
#define DIALGATE_CONTROL_UA_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message;
struct writer;

struct ua_credentials {
    char *user, *password; // NULL: none
    // Whose challenges are answered. NULL: of whoever stands on the way to the first target. Else of this
    // realm (RFC 3261 22.1: it alone names who is asked); empty: of nobody any more.
    char *realm;
    char *first;         // the realm that was answered first; NULL: none was
    struct ua_asked {    // the last 401, the last 407: both are answered from then on (RFC 3261 22.3)
        uint8_t *octets; // the response; NULL: none came
        uint32_t length;
        uint32_t count;  // of requests that answered it
        char cnonce[17]; // one for all of them: -sess hashes it into the key (RFC 7616 3.4.2)
    } asked[2];
};

void ua_credentials_free(struct ua_credentials *credentials); // what it points to, and empties it
// Takes the challenges of from, which is without any then.
void ua_credentials_take(struct ua_credentials *credentials, struct ua_credentials *from);
void ua_credentials_forget(struct ua_credentials *credentials); // the challenges
// Another host is asked than the one that they were given for: nobody but who was answered first is answered
// there (RFC 7616 section 5: who makes up a challenge learns from its answer what a password can be guessed
// by).
void ua_credentials_leave(struct ua_credentials *credentials);
// A 401 or 407 came. False: no memory.
bool ua_credentials_ask(struct ua_credentials *credentials, const struct message *response);
// The lines of the next request, CRLF each, for all that was asked. Returns their octets; 0: nothing was
// asked, there is no name, or the challenge that has just come cannot be answered. stale (which may be NULL):
// that one said that only its nonce was too old.
size_t ua_credentials_write(struct ua_credentials *credentials, const char *method, const char *uri,
                            struct writer *lines, bool *stale);

#endif
