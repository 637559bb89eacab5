// SPDX-License-Identifier: BSD-3-Clause
// Longest prefix match over the kernel's routes: sorted by length, network, prefix and metric, with the range
// of each length in use, so that a look-up is one binary search a length: at most 33 of at most 17 steps,
// whatever the operator's routing daemon installs. A trie would be faster for full tables, which nobody puts
// on a SIP front end's main table.
#include "nexthop.h"

#include <stdlib.h>
#include <string.h>

// What the table has beside its public face: where the routes of each prefix length lie.
struct nexthop_index {
    struct nexthop_table table; // first, so that one pointer is both
    uint32_t starts[34];        // routes of length l are [starts[32 - l], starts[32 - l + 1])
};

static uint32_t mask_of(uint8_t length)
{
    return length == 0 ? 0 : UINT32_MAX << (32 - length);
}

static int compare_routes(const void *left, const void *right)
{
    const struct nexthop_route *a = left, *b = right;

    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    if (a->network != b->network)
        return a->network < b->network ? -1 : 1;
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    if (a->metric != b->metric)
        return a->metric < b->metric ? -1 : 1;
    return 0;
}

// Only neighbours that we asked for come here, so the hash need not be keyed; it spreads what differs in the
// low octets.
static uint32_t neighbour_hash(uint8_t network, uint32_t address)
{
    uint64_t mixed = ((uint64_t)network << 32 | address) * 0x9e3779b97f4a7c15u;

    return (uint32_t)(mixed >> 32);
}

static void insert_neighbour(struct nexthop_table *table, const struct nexthop_neighbour *neighbour)
{
    uint32_t slot = neighbour_hash(neighbour->network, neighbour->address) & table->neighbour_mask;

    while (table->neighbours[slot].address != 0 && (table->neighbours[slot].address != neighbour->address ||
                                                    table->neighbours[slot].network != neighbour->network))
        slot = (slot + 1) & table->neighbour_mask;
    table->neighbours[slot] = *neighbour;
}

static void index_routes(struct nexthop_index *index)
{
    const struct nexthop_table *table = &index->table;
    uint32_t next = 0;

    for (unsigned length = 32;; length--) {
        index->starts[32 - length] = next;
        while (next < table->route_count && table->routes[next].length == length)
            next++;
        if (length == 0)
            break;
    }
    index->starts[33] = next;
}

struct nexthop_table *nexthop_create(const struct nexthop_network *networks,
                                     const struct nexthop_route *routes, uint32_t route_count,
                                     const struct nexthop_neighbour *neighbours, uint32_t neighbour_count)
{
    struct nexthop_index *index = calloc(1, sizeof(*index));
    uint32_t slots = 16;

    if (index == NULL)
        return NULL;
    if (route_count > NEXTHOP_ROUTES_MAX)
        route_count = NEXTHOP_ROUTES_MAX;
    if (neighbour_count > NEXTHOP_NEIGHBOURS_MAX)
        neighbour_count = NEXTHOP_NEIGHBOURS_MAX;
    while (slots < 2 * neighbour_count)
        slots *= 2;
    index->table.routes = calloc(route_count + 1, sizeof(*routes));
    index->table.neighbours = calloc(slots, sizeof(*neighbours));
    if (index->table.routes == NULL || index->table.neighbours == NULL) {
        nexthop_destroy(&index->table);
        return NULL;
    }
    memcpy(index->table.networks, networks, sizeof(index->table.networks));
    for (uint32_t i = 0; i < route_count; i++) {
        index->table.routes[i] = routes[i];
        index->table.routes[i].prefix &= mask_of(routes[i].length);
    }
    index->table.route_count = route_count;
    qsort(index->table.routes, route_count, sizeof(*routes), compare_routes);
    index_routes(index);
    index->table.neighbour_mask = slots - 1;
    for (uint32_t i = 0; i < neighbour_count; i++) {
        if (neighbours[i].address != 0)
            insert_neighbour(&index->table, &neighbours[i]);
    }
    return &index->table;
}

void nexthop_destroy(struct nexthop_table *table)
{
    if (table == NULL)
        return;
    free(table->routes);
    free(table->neighbours);
    free(table);
}

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

enum nexthop_result nexthop_find(const struct nexthop_table *table, uint8_t network, uint32_t address,
                                 struct nexthop *hop)
{
    const struct nexthop_index *index = (const struct nexthop_index *)table;
    const struct nexthop_route *route = NULL;
    const struct nexthop_neighbour *neighbour;

    for (unsigned i = 0; i <= 32 && route == NULL; i++) {
        if (index->starts[i] != index->starts[i + 1])
            route = find_prefix(table->routes, index->starts[i], index->starts[i + 1], network,
                                address & mask_of((uint8_t)(32 - i)));
    }
    if (route == NULL)
        return NEXTHOP_UNROUTED;
    hop->address = route->gateway != 0 ? route->gateway : address;
    neighbour = find_neighbour(table, network, hop->address);
    if (neighbour == NULL || !neighbour->usable)
        return NEXTHOP_UNRESOLVED;
    memcpy(hop->mac, neighbour->mac, sizeof(hop->mac));
    return NEXTHOP_FOUND;
}
