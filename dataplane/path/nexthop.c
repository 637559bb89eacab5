// SPDX-License-Identifier: BSD-3-Clause
// Longest prefix match over the kernel's routes: sorted by family, length, network, prefix and metric, with
// the range of each length in use, so that a look-up is one binary search a length: of at most 17 steps, for
// at most 33 lengths of IPv4 or 129 of IPv6, whatever the operator's routing daemon installs; mostly there
// are three. A trie would be faster for full tables, which nobody puts on a SIP front end's main table.
#include "nexthop.h"

#include <string.h>
#include "nexthop_index.h"

// The first route (lowest metric) with exactly this prefix among [low, high), all of one length.
static const struct nexthop_route *find_prefix(const struct nexthop_route *routes, uint32_t low,
                                               uint32_t high, uint8_t network,
                                               const struct ip_address *prefix)
{
    uint32_t end = high;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct nexthop_route *route = &routes[middle];

        if (route->network < network || (route->network == network && ip_compare(&route->prefix, prefix) < 0))
            low = middle + 1;
        else
            high = middle;
    }
    if (low < end && routes[low].network == network && ip_equal(&routes[low].prefix, prefix))
        return &routes[low];
    return NULL;
}

static const struct nexthop_neighbour *find_neighbour(const struct nexthop_table *table, uint8_t network,
                                                      const struct ip_address *address)
{
    uint32_t slot =
        neighbour_hash((const struct nexthop_index *)table, network, address) & table->neighbour_mask;

    // At most half full, so an empty slot ends it.
    for (uint32_t i = 0; i <= table->neighbour_mask && ip_is_set(&table->neighbours[slot].address); i++) {
        if (table->neighbours[slot].network == network && ip_equal(&table->neighbours[slot].address, address))
            return &table->neighbours[slot];
        slot = (slot + 1) & table->neighbour_mask;
    }
    return NULL;
}

const struct nexthop_route *nexthop_route(const struct nexthop_table *table, uint8_t network,
                                          const struct ip_address *address)
{
    const struct nexthop_index *index = (const struct nexthop_index *)table;
    bool ipv4 = ip_is_ipv4(address);
    const struct nexthop_route *route = NULL;

    for (unsigned i = ipv4 ? 0 : index->ipv4_runs;
         i < (ipv4 ? index->ipv4_runs : index->run_count) && route == NULL; i++) {
        struct ip_address prefix = ip_prefix(address, index->runs[i].length);

        route = find_prefix(table->routes, index->runs[i].start, index->runs[i + 1].start, network, &prefix);
    }
    return route == NULL || route->refused ? NULL : route;
}

enum nexthop_result nexthop_find(const struct nexthop_table *table, uint8_t network,
                                 const struct ip_address *address, struct nexthop *hop)
{
    const struct nexthop_route *route = nexthop_route(table, network, address);
    const struct nexthop_neighbour *neighbour;

    if (route == NULL)
        return NEXTHOP_UNROUTED;
    hop->address = ip_is_set(&route->gateway) ? route->gateway : *address;
    hop->mtu = table->networks[network].mtu;
    if (route->mtu != 0 && route->mtu < hop->mtu)
        hop->mtu = route->mtu;
    neighbour = find_neighbour(table, network, &hop->address);
    if (neighbour == NULL || !neighbour->usable)
        return NEXTHOP_UNRESOLVED;
    memcpy(hop->mac, neighbour->mac, sizeof(hop->mac));
    return NEXTHOP_FOUND;
}
