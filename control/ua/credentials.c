// SPDX-License-Identifier: BSD-3-Clause
#include "credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../dataplane/sip/write.h"
#include "backoff.h"
#include "digest.h"

#define ASKED (sizeof((struct ua_credentials){0}.asked) / sizeof((struct ua_credentials){0}.asked[0]))

static void clear(struct ua_asked *asked)
{
    free(asked->octets);
    *asked = (struct ua_asked){0};
}

void ua_credentials_forget(struct ua_credentials *credentials)
{
    for (unsigned i = 0; i < ASKED; i++)
        clear(&credentials->asked[i]);
}

void ua_credentials_free(struct ua_credentials *credentials)
{
    ua_credentials_forget(credentials);
    free(credentials->user);
    free(credentials->password);
    free(credentials->realm);
    free(credentials->first);
    credentials->user = credentials->password = credentials->realm = credentials->first = NULL;
}

void ua_credentials_leave(struct ua_credentials *credentials)
{
    if (!credentials->realm)
        credentials->realm = strdup(credentials->first ? credentials->first : "");
    if (!credentials->realm) { // no memory: of nobody, then
        free(credentials->user);
        credentials->user = NULL;
    }
}

void ua_credentials_take(struct ua_credentials *credentials, struct ua_credentials *from)
{
    ua_credentials_forget(credentials);
    memcpy(credentials->asked, from->asked, sizeof(from->asked));
    memset(from->asked, 0, sizeof(from->asked));
}

bool ua_credentials_ask(struct ua_credentials *credentials, const struct message *response)
{
    struct ua_asked *asked = &credentials->asked[response->status == 407];
    uint8_t *octets = malloc(response->length);
    if (!octets)
        return false;
    memcpy(octets, response->octets, response->length);
    clear(asked);
    asked->octets = octets;
    asked->length = response->length;
    snprintf(asked->cnonce, sizeof(asked->cnonce), "%08x%08x", (unsigned)ua_random(), (unsigned)ua_random());
    return true;
}

size_t ua_credentials_write(struct ua_credentials *credentials, const char *method, const char *uri,
                            struct writer *lines, bool *stale)
{
    const uint32_t begun = lines->used;
    bool may = credentials->user && credentials->password && !(credentials->realm && !*credentials->realm);
    for (unsigned i = 0; i < ASKED && may; i++) {
        struct ua_asked *asked = &credentials->asked[i];
        struct message message;
        struct ua_digest_seen seen;
        if (!asked->octets || message_parse(asked->octets, asked->length, &message) != MESSAGE_FINE)
            continue;
        const struct ua_digest digest = {.user = credentials->user,
                                         .password = credentials->password,
                                         .realm = credentials->realm,
                                         .method = method,
                                         .uri = uri,
                                         .cnonce = asked->cnonce,
                                         .count = ++asked->count};
        size_t length = ua_digest_answer(&message, &digest, (char *)lines->octets + lines->used,
                                         lines->size - lines->used, &seen);
        if (asked->count == 1) {
            if (stale)
                *stale = seen.stale;
            if (length == 0)
                return 0;
            if (!credentials->first)
                credentials->first = strdup(seen.realm);
        }
        lines->used += (uint32_t)length;
    }
    return lines->used - begun;
}
