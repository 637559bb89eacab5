// SPDX-License-Identifier: BSD-3-Clause
// Keeps the addresses of members' hosts: each is looked up again when its TTL is over (at least 5 s, at most
// 5 min), a look-up that failed after 5 s, then later and later up to 1 min. A host keeps its last addresses
// until others come, whatever DNS says, and over restarts (hosts_file.h).
#ifndef DIALGATE_CONTROL_RESOLVE_H
#define DIALGATE_CONTROL_RESOLVE_H

#include "config/config.h"

struct event_base;
struct resolver;

struct resolver_options {
    struct event_base *base;
    const char *directory;          // of the hosts file
    const char *servers;            // as dns_create() takes them, or NULL
    void (*changed)(void *context); // addresses changed: not more often than once a second
    void *context;
};

// Reads what was known before and begins. Texts of options live as long as the resolver. NULL with one line
// in error.
struct resolver *resolver_create(const struct resolver_options *options, const struct config *config,
                                 char *error, size_t size);
void resolver_destroy(struct resolver *resolver); // NULL is fine

// Follows the hosts of a configuration that was loaded: those that stay keep their addresses, others are
// forgotten, and each is looked up at once. Without memory nothing changes.
void resolver_follow(struct resolver *resolver, const struct config *config);

// Valid until the loop runs again.
const struct hosts *resolver_hosts(const struct resolver *resolver);

// What the last look-up of a host led to.
struct resolver_state {
    const char *fault; // why it failed; "" when it did not, or none has ended yet
    uint32_t wait_s;   // from its end to the next one
};
struct resolver_state resolver_state(const struct resolver *resolver, const char *host);

#endif
