// SPDX-License-Identifier: BSD-3-Clause
#include "route_index.h"

#include <string.h>

// FNV-1a, octet by octet, so that one walk over a user passes all its prefixes.
static uint32_t begin(uint16_t from)
{
    return (2166136261u ^ from) * 16777619u;
}

static uint32_t add(uint32_t hash, uint8_t octet)
{
    return (hash ^ octet) * 16777619u;
}

static uint32_t bucket_of(uint32_t hash)
{
    return (hash ^ hash >> 15) & (ROUTE_INDEX_BUCKETS - 1);
}

void route_index_fill(struct route_index *index, const struct snapshot_route *routes, uint32_t count,
                      const char *texts)
{
    memset(index, 0, sizeof(*index));
    // From the last one on: each becomes the first of its chain.
    for (uint32_t i = count; i-- > 0;) {
        const char *prefix = texts + routes[i].uri_user;
        uint32_t hash = begin(routes[i].from), length = 0;
        if (routes[i].uri_user != 0) {
            for (; length < ROUTE_INDEX_PREFIX && prefix[length] != '\0'; length++)
                hash = add(hash, (uint8_t)prefix[length]);
        }
        index->lengths |= (uint64_t)1 << length;
        index->next[i] = index->buckets[bucket_of(hash)];
        index->buckets[bucket_of(hash)] = (uint16_t)(i + 1);
    }
}

uint32_t route_index_chains(const struct route_index *index, uint16_t from, const uint8_t *user,
                            uint32_t length, uint16_t chains[ROUTE_INDEX_WAYS])
{
    uint32_t of_peer = begin(from), of_any = begin(ROUTE_FROM_ANY_PEER), count = 0;
    for (uint32_t i = 0; i <= ROUTE_INDEX_PREFIX && index->lengths >> i != 0; i++) {
        if (index->lengths >> i & 1) {
            uint16_t chain = index->buckets[bucket_of(of_peer)];
            if (chain != 0)
                chains[count++] = chain;
            chain = index->buckets[bucket_of(of_any)];
            if (chain != 0)
                chains[count++] = chain;
        }
        if (i == length)
            break;
        of_peer = add(of_peer, user[i]);
        of_any = add(of_any, user[i]);
    }
    return count;
}
