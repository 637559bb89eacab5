// SPDX-License-Identifier: BSD-3-Clause
// Path MTUs that routers told us, for as long as they are believed.
#ifndef DIALGATE_HOSTNET_PATHS_H
#define DIALGATE_HOSTNET_PATHS_H

#include "hostnet.h"

struct hostnet_path {
    struct ip_address address;
    uint64_t until_ms; // 0: a free row
    uint16_t mtu;
    uint8_t network;
};

struct hostnet_paths {
    unsigned count; // rows in use or used before
    struct hostnet_path rows[HOSTNET_PATHS_MAX];
};

// Lowers it, never below what any path takes. Returns true when anything changed. Without room the oldest one
// goes.
bool hostnet_paths_lower(struct hostnet_paths *paths, const struct hostnet_path *path);
// Forgets what is over. Returns true when there was any.
bool hostnet_paths_expire(struct hostnet_paths *paths, uint64_t now_ms);
// When the next one is over; UINT64_MAX: never.
uint64_t hostnet_paths_next(const struct hostnet_paths *paths);

#endif
