// SPDX-License-Identifier: BSD-3-Clause
// Which listeners' addresses this machine was said not to have: by address, since a reload gives listeners
// other numbers, and several may have one.
#ifndef DIALGATE_HOSTNET_GONE_H
#define DIALGATE_HOSTNET_GONE_H

#include "dialgate/address.h"
#include "dialgate/snapshot.h"

struct hostnet_gone {
    unsigned count;
    struct ip_address addresses[LISTENERS_MAX];
};

// What is to be said: each address once.
struct hostnet_gone_news {
    struct hostnet_gone gone; // missing since now
    struct hostnet_gone back; // was missing, and is there
};

// wanted: the listeners' addresses now, missing: bits of them. Afterwards *gone are those that are missing;
// one that no listener has any more is no news.
struct hostnet_gone_news hostnet_gone_update(struct hostnet_gone *gone, const struct ip_address *wanted,
                                             unsigned count, uint64_t missing);

#endif
