// SPDX-License-Identifier: BSD-3-Clause
#include "redirect.h"

#include <stdlib.h>
#include <string.h>
#include "../../dataplane/sip/contact.h"

#define TARGETS_MAX 8u // of one 3xx

void ua_targets_read(struct ua_targets *targets, const struct message *response)
{
    struct contact found[TARGETS_MAX];
    unsigned count = 0;
    for (uint8_t i = message_first_header(response, HEADER_CONTACT); i != MESSAGE_NO_HEADER;
         i = message_next_header(response, i)) {
        uint32_t at = 0;
        struct contact contact;
        while (count < TARGETS_MAX &&
               contact_next(response->octets, response->headers[i].value, &at, &contact) == 1) {
            unsigned place = count++;
            for (; place > 0 && found[place - 1].q < contact.q; place--)
                found[place] = found[place - 1];
            found[place] = contact;
        }
    }
    ua_targets_free(targets);
    targets->uris = calloc(1, response->length + TARGETS_MAX);
    for (unsigned i = 0; i < count && targets->uris; i++) {
        struct span uri = found[i].address.uri;
        memcpy(targets->uris + targets->length, message_at(response, uri), uri.length);
        targets->length += uri.length + 1u;
    }
}

char *ua_targets_next(struct ua_targets *targets)
{
    if (!targets->uris || targets->length == 0)
        return NULL;
    size_t length = strlen(targets->uris) + 1;
    char *uri = strdup(targets->uris);
    targets->length -= length;
    memmove(targets->uris, targets->uris + length, targets->length);
    return uri;
}

void ua_targets_free(struct ua_targets *targets)
{
    free(targets->uris);
    *targets = (struct ua_targets){0};
}
