// SPDX-License-Identifier: BSD-3-Clause
// The targets of a 3xx that are still to be tried (RFC 3261 8.1.3.4).
#ifndef DIALGATE_CONTROL_UA_REDIRECT_H
#define DIALGATE_CONTROL_UA_REDIRECT_H

#include <stddef.h>

struct message;

struct ua_targets {
    char *uris; // a NUL behind each; NULL: none
    size_t length;
};

// The URIs of Contact, best q first, in the place of those that were there.
void ua_targets_read(struct ua_targets *targets, const struct message *response);
// Takes the next one out, for free(). NULL: there is none, or no memory.
char *ua_targets_next(struct ua_targets *targets);
void ua_targets_free(struct ua_targets *targets);

#endif
