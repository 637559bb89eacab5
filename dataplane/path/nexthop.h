// SPDX-License-Identifier: BSD-3-Clause
// The kernel's routes and neighbours as workers see them: an immutable table made by the agent (hostnet.c)
// and published by RCU. Workers look up only among the routes through the network of the listener that sends.
#ifndef DIALGATE_PATH_NEXTHOP_H
#define DIALGATE_PATH_NEXTHOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/address.h"
#include "dialgate/snapshot.h"

#define NEXTHOP_ROUTES_MAX     65536u
#define NEXTHOP_NEIGHBOURS_MAX 65536u
#define NEXTHOP_IPV6_MTU_MIN   1280u // RFC 8200 section 5: what every path takes

struct nexthop_route {
    struct ip_address prefix;
    struct ip_address gateway; // of either family; not set: on link
    uint32_t metric;
    uint16_t mtu;   // 0: the network's
    uint8_t length; // of the 128-bit form: IPv4 /24 is 120
    uint8_t network;
    uint8_t refused; // the kernel sends nothing there
    uint8_t reserved[3];
};
static_assert(sizeof(struct nexthop_route) == 44, "65,536 of them are read anew at each change");

struct nexthop_neighbour {
    struct ip_address address; // not set: empty slot
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
    uint64_t serial; // each has another, never 0: memory of one that is gone may hold the next
    struct nexthop_network networks[NETWORKS_MAX];
    uint32_t route_count;
    uint32_t neighbour_mask;              // slots - 1
    struct nexthop_route *routes;         // IPv4's first; longest prefix, lowest metric, least MTU first
    struct nexthop_neighbour *neighbours; // open addressing, linear probing, at most half full
};

enum nexthop_result { NEXTHOP_FOUND, NEXTHOP_UNRESOLVED, NEXTHOP_UNROUTED };

struct nexthop {
    struct ip_address address; // whose MAC it is: the gateway or the destination
    uint8_t mac[6];
    uint16_t mtu; // octets of an IP packet towards the destination
};

// Made from plain lists by the agent. Returns NULL without memory.
struct nexthop_table *nexthop_create(const struct nexthop_network *networks,
                                     const struct nexthop_route *routes, uint32_t route_count,
                                     const struct nexthop_neighbour *neighbours, uint32_t neighbour_count);
void nexthop_destroy(struct nexthop_table *table);

// The kernel's route to an address through this network; NULL: none, or it refuses.
const struct nexthop_route *nexthop_route(const struct nexthop_table *table, uint8_t network,
                                          const struct ip_address *address);

// With NEXTHOP_UNRESOLVED hop->mac is not set: ask the kernel for hop->address.
enum nexthop_result nexthop_find(const struct nexthop_table *table, uint8_t network,
                                 const struct ip_address *address, struct nexthop *hop);

#endif
