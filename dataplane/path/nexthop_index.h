// SPDX-License-Identifier: BSD-3-Clause
// What a table of next hops has beside its public face, for nexthop.c, which looks up, and the agent, which
// fills.
#ifndef DIALGATE_PATH_NEXTHOP_INDEX_H
#define DIALGATE_PATH_NEXTHOP_INDEX_H

#include "nexthop.h"

#define NEXTHOP_RUNS_MAX (129u + 33u) // lengths of IPv6 and of IPv4

// Routes of one family and one length: [start, start of the next run).
struct nexthop_run {
    uint32_t start;
    uint8_t length;
};

struct nexthop_index {
    struct nexthop_table table; // first, so that one pointer is both
    uint64_t keys[2];           // random and odd
    uint16_t ipv4_runs;         // those of IPv6 lie behind them
    uint16_t run_count;
    struct nexthop_run runs[NEXTHOP_RUNS_MAX + 1]; // one more, at the end of the routes
};

// Who shares a link with us chooses addresses: with random keys they collide by chance alone.
static inline uint32_t neighbour_hash(const struct nexthop_index *index, uint8_t network,
                                      const struct ip_address *address)
{
    uint64_t words[2];

    memcpy(words, address, sizeof(words));
    return (
        uint32_t)(((words[1] + network) * index->keys[0] + (words[0] ^ words[0] >> 32) * index->keys[1]) >>
                  32);
}

#endif
