// SPDX-License-Identifier: BSD-3-Clause
// What a table of next hops has beside its public face, for nexthop.c, which looks up, and the agent, which
// fills.
#ifndef DIALGATE_PATH_NEXTHOP_INDEX_H
#define DIALGATE_PATH_NEXTHOP_INDEX_H

#include "nexthop.h"

// Where the routes of each prefix length lie.
struct nexthop_index {
    struct nexthop_table table; // first, so that one pointer is both
    uint32_t starts[34];        // routes of length l are [starts[32 - l], starts[32 - l + 1])
};

static inline uint32_t mask_of(uint8_t length)
{
    return length == 0 ? 0 : UINT32_MAX << (32 - length);
}

// Only neighbours that we asked for come here, so the hash need not be keyed; it spreads what differs in the
// low octets.
static inline uint32_t neighbour_hash(uint8_t network, uint32_t address)
{
    uint64_t mixed = ((uint64_t)network << 32 | address) * 0x9e3779b97f4a7c15u;

    return (uint32_t)(mixed >> 32);
}

#endif
