// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>
#include "nexthop.h"
#include "nexthop_index.h"

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
