// SPDX-License-Identifier: BSD-3-Clause
// Which routes a request may take, by who sent it and what its Request-URI's user begins with: of a thousand
// routes by number prefix and peer, as carriers' tables are, a request looks at the few that may fit.
//
// A route lies in the bucket of its `from` and its `uri_user`, both as they are configured, and routes of a
// bucket are chained in the order of the configuration. A request goes to the buckets of its peer and of any
// peer, with each length of a prefix that is in use: of all that fit there the first one wins, so that a
// chain is left as soon as it is behind what was found. Two keys in one bucket cost a comparison: whoever
// walks a chain still compares all. Keys are the configuration's, so that a hash without a secret does.
#ifndef DIALGATE_PATH_ROUTE_INDEX_H
#define DIALGATE_PATH_ROUTE_INDEX_H

#include <stdint.h>
#include "dialgate/snapshot.h"

#define ROUTE_INDEX_BUCKETS 2048u // a power of 2
#define ROUTE_INDEX_PREFIX  63u   // octets of a longer prefix that count here
#define ROUTE_INDEX_WAYS    (2u * (ROUTE_INDEX_PREFIX + 1))

struct route_index {
    uint64_t lengths;                      // bit n: a prefix has n octets
    uint16_t buckets[ROUTE_INDEX_BUCKETS]; // its first route + 1; 0: empty
    uint16_t next[ROUTES_MAX];             // the next route of the same bucket + 1; 0: none
};
static_assert(ROUTES_MAX < UINT16_MAX, "a route's number + 1");

// count: at most ROUTES_MAX. texts is what the routes' offsets mean.
void route_index_fill(struct route_index *index, const struct snapshot_route *routes, uint32_t count,
                      const char *texts);
// The chains of a request from this peer (NUMBER_NONE: a stranger) for this user: first routes + 1. Returns
// how many there are; none is empty.
uint32_t route_index_chains(const struct route_index *index, uint16_t from, const uint8_t *user,
                            uint32_t length, uint16_t chains[ROUTE_INDEX_WAYS]);

#endif
