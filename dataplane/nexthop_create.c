// SPDX-License-Identifier: BSD-3-Clause
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "nexthop.h"
#include "nexthop_index.h"

static int compare_routes(const void *left, const void *right)
{
    const struct nexthop_route *a = left, *b = right;
    bool ipv4 = ip_is_ipv4(&a->prefix);

    if (ipv4 != ip_is_ipv4(&b->prefix))
        return ipv4 ? -1 : 1;
    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    if (a->network != b->network)
        return a->network < b->network ? -1 : 1;
    if (!ip_equal(&a->prefix, &b->prefix))
        return ip_compare(&a->prefix, &b->prefix);
    if (a->metric != b->metric)
        return a->metric < b->metric ? -1 : 1;
    // A path MTU stands beside the kernel's own route to that one address; 0, the network's, comes last.
    if (a->mtu != b->mtu)
        return (uint16_t)(a->mtu - 1u) < (uint16_t)(b->mtu - 1u) ? -1 : 1;
    return 0;
}

static void insert_neighbour(struct nexthop_index *index, const struct nexthop_neighbour *neighbour)
{
    struct nexthop_table *table = &index->table;
    uint32_t slot = neighbour_hash(index, neighbour->network, &neighbour->address) & table->neighbour_mask;

    while (ip_is_set(&table->neighbours[slot].address) &&
           (!ip_equal(&table->neighbours[slot].address, &neighbour->address) ||
            table->neighbours[slot].network != neighbour->network))
        slot = (slot + 1) & table->neighbour_mask;
    table->neighbours[slot] = *neighbour;
}

static void index_routes(struct nexthop_index *index)
{
    const struct nexthop_table *table = &index->table;
    const struct nexthop_route *before = NULL;

    for (uint32_t i = 0; i < table->route_count; before = &table->routes[i++]) {
        const struct nexthop_route *route = &table->routes[i];
        bool ipv4 = ip_is_ipv4(&route->prefix);

        if (before != NULL && before->length == route->length && ip_is_ipv4(&before->prefix) == ipv4)
            continue;
        index->runs[index->run_count++] = (struct nexthop_run){.start = i, .length = route->length};
        if (ipv4)
            index->ipv4_runs = index->run_count;
    }
    index->runs[index->run_count].start = table->route_count;
}

// Clean of what lies beyond their length. What cannot be is left out: it would have a run of its own.
static void take_routes(struct nexthop_table *table, const struct nexthop_route *routes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct nexthop_route *route = &table->routes[table->route_count];

        if (routes[i].length > 128 || (ip_is_ipv4(&routes[i].prefix) && routes[i].length < IP_MAPPED_BITS))
            continue;
        *route = routes[i];
        route->prefix = ip_prefix(&routes[i].prefix, routes[i].length);
        table->route_count++;
    }
    qsort(table->routes, table->route_count, sizeof(*routes), compare_routes);
}

static void make_keys(struct nexthop_index *index)
{
    if (getrandom(index->keys, sizeof(index->keys), 0) != sizeof(index->keys))
        memset(index->keys, 0x9d, sizeof(index->keys)); // never for a request this small
    index->keys[0] |= 1;
    index->keys[1] |= 1;
}

struct nexthop_table *nexthop_create(const struct nexthop_network *networks,
                                     const struct nexthop_route *routes, uint32_t route_count,
                                     const struct nexthop_neighbour *neighbours, uint32_t neighbour_count)
{
    static atomic_ullong made;
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
    make_keys(index);
    index->table.serial = atomic_fetch_add(&made, 1) + 1;
    memcpy(index->table.networks, networks, sizeof(index->table.networks));
    take_routes(&index->table, routes, route_count);
    index_routes(index);
    index->table.neighbour_mask = slots - 1;
    for (uint32_t i = 0; i < neighbour_count; i++) {
        if (ip_is_set(&neighbours[i].address))
            insert_neighbour(index, &neighbours[i]);
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
