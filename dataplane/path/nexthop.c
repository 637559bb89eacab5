// SPDX-License-Identifier: BSD-3-Clause
// Longest prefix match over the kernel's routes: sorted by length, network, prefix and metric, with the range
// of each length in use, so that a look-up is one binary search a length: at most 33 of at most 17 steps,
// whatever the operator's routing daemon installs. A trie would be faster for full tables, which nobody puts
// on a SIP front end's main table.
#include "nexthop.h"

#include <string.h>
#include "nexthop_index.h"

// The first route (lowest metric) with exactly this prefix among [low, high), all of one length.
static const struct nexthop_route *find_prefix(const struct nexthop_route *routes, uint32_t low,
                                               uint32_t high, uint8_t network, uint32_t prefix)
{
    uint32_t end = high;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct nexthop_route *route = &routes[middle];

        if (route->network < network || (route->network == network && route->prefix < prefix))
            low = middle + 1;
        else
            high = middle;
    }
    if (low < end && routes[low].network == network && routes[low].prefix == prefix)
        return &routes[low];
    return NULL;
}

static const struct nexthop_neighbour *find_neighbour(const struct nexthop_table *table, uint8_t network,
                                                      uint32_t address)
{
    uint32_t slot = neighbour_hash(network, address) & table->neighbour_mask;

    // At most half full, so an empty slot ends it.
    for (uint32_t i = 0; i <= table->neighbour_mask && table->neighbours[slot].address != 0; i++) {
        if (table->neighbours[slot].address == address && table->neighbours[slot].network == network)
            return &table->neighbours[slot];
        slot = (slot + 1) & table->neighbour_mask;
    }
    return NULL;
}

const struct nexthop_route *nexthop_route(const struct nexthop_table *table, uint8_t network,
                                          uint32_t address)
{
    const struct nexthop_index *index = (const struct nexthop_index *)table;
    const struct nexthop_route *route = NULL;

    for (unsigned i = 0; i <= 32 && route == NULL; i++) {
        if (index->starts[i] != index->starts[i + 1])
            route = find_prefix(table->routes, index->starts[i], index->starts[i + 1], network,
                                address & mask_of((uint8_t)(32 - i)));
    }
    return route;
}

enum nexthop_result nexthop_find(const struct nexthop_table *table, uint8_t network, uint32_t address,
                                 struct nexthop *hop)
{
    const struct nexthop_route *route = nexthop_route(table, network, address);
    const struct nexthop_neighbour *neighbour;

    if (route == NULL)
        return NEXTHOP_UNROUTED;
    hop->address = route->gateway != 0 ? route->gateway : address;
    neighbour = find_neighbour(table, network, hop->address);
    if (neighbour == NULL || !neighbour->usable)
        return NEXTHOP_UNRESOLVED;
    memcpy(hop->mac, neighbour->mac, sizeof(hop->mac));
    return NEXTHOP_FOUND;
}
