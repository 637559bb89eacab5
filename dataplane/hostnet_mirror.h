// SPDX-License-Identifier: BSD-3-Clause
// What the kernel knows of our networks, as it was last read: links, addresses, routes, neighbours.
#ifndef DIALGATE_HOSTNET_MIRROR_H
#define DIALGATE_HOSTNET_MIRROR_H

#include <net/if.h>
#include "dialgate/address.h"
#include "hostnet_transact.h"
#include "hostnet_vlan.h"
#include "nexthop.h"

// Whose interfaces are read, and which addresses of this machine.
struct mirror_wanted {
    unsigned networks;
    struct hostnet_place places[NETWORKS_MAX];
    unsigned addresses;
    struct ip_address address[LISTENERS_MAX];
};

// A neighbour that an operator set: a question would take that from it.
struct mirror_permanent {
    struct ip_address address;
    int network;
};

// Neighbours that only went from reachable to stale and back make no other mirror: compared octet by octet.
struct mirror {
    struct nexthop_network networks[NETWORKS_MAX];
    int ifindexes[NETWORKS_MAX]; // whose routes and neighbours are the network's; 0: there is no interface
    char names[NETWORKS_MAX][IF_NAMESIZE];
    uint32_t bare;    // bits of the networks that have tags and no interface of their VLAN
    uint64_t missing; // bits of wanted.address: of no interface of this machine
    struct nexthop_route *routes;
    uint32_t route_count, route_room;
    struct nexthop_neighbour *neighbours;
    uint32_t neighbour_count, neighbour_room;
    struct mirror_permanent *permanent;
    uint32_t permanent_count, permanent_room;
};
static_assert(LISTENERS_MAX <= 64 && NETWORKS_MAX <= 32, "a bit for each");

// Reads all of it, waiting for the kernel. Returns 0; -E2BIG: there are more routes or neighbours than a
// table has room for, what fits is in the mirror; or -errno with an empty mirror, -EINTR when the kernel's
// tables changed meanwhile.
int mirror_read(struct mirror *mirror, struct hostnet_socket *socket, const struct mirror_wanted *wanted);
void mirror_free(struct mirror *mirror);
bool mirror_equal(const struct mirror *a, const struct mirror *b);

// Bits of the networks with this interface: several have one that have no interface of their VLAN.
uint32_t mirror_networks(const struct mirror *mirror, int ifindex);
bool mirror_is_permanent(const struct mirror *mirror, int network, const struct ip_address *address);

#endif
