// SPDX-License-Identifier: BSD-3-Clause
// The kernel's routes and neighbours as workers see them: an immutable table made by the agent (hostnet.c)
// and published by RCU. Workers look up only among the routes through the network of the listener that sends.
#ifndef DIALGATE_PATH_NEXTHOP_H
#define DIALGATE_PATH_NEXTHOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/snapshot.h"

#define NEXTHOP_ROUTES_MAX     65536u
#define NEXTHOP_NEIGHBOURS_MAX 65536u

struct nexthop_route {
    uint32_t prefix;  // host order
    uint32_t gateway; // host order; 0: on link
    uint32_t metric;
    uint8_t length; // 0 .. 32
    uint8_t network;
    uint8_t reserved[2];
};

struct nexthop_neighbour {
    uint32_t address; // host order; 0: empty slot
    uint8_t mac[6];
    uint8_t network;
    uint8_t usable; // the kernel knows its MAC
};

struct nexthop_network {
    uint8_t mac[6];
    uint16_t mtu; // octets of an IP packet
    bool up;
};

struct nexthop_table {
    struct nexthop_network networks[NETWORKS_MAX];
    uint32_t route_count;
    uint32_t neighbour_mask;              // slots - 1
    struct nexthop_route *routes;         // longest prefix first, then lowest metric
    struct nexthop_neighbour *neighbours; // open addressing, linear probing, at most half full
};

enum nexthop_result { NEXTHOP_FOUND, NEXTHOP_UNRESOLVED, NEXTHOP_UNROUTED };

struct nexthop {
    uint32_t address; // whose MAC it is: the gateway or the destination, host order
    uint8_t mac[6];
};

// Made from plain lists by the agent. Returns NULL without memory.
struct nexthop_table *nexthop_create(const struct nexthop_network *networks,
                                     const struct nexthop_route *routes, uint32_t route_count,
                                     const struct nexthop_neighbour *neighbours, uint32_t neighbour_count);
void nexthop_destroy(struct nexthop_table *table);

// The kernel's route to an address (host order) through this network; NULL: none.
const struct nexthop_route *nexthop_route(const struct nexthop_table *table, uint8_t network,
                                          uint32_t address);

// With NEXTHOP_UNRESOLVED only hop->address is set: ask the kernel for it.
enum nexthop_result nexthop_find(const struct nexthop_table *table, uint8_t network, uint32_t address,
                                 struct nexthop *hop);

#endif
