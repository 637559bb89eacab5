// SPDX-License-Identifier: BSD-3-Clause
// One netlink message each of links, addresses, routes and neighbours, of IPv4 and IPv6, parsed into plain
// fields.
#ifndef DIALGATE_HOSTNET_MESSAGE_H
#define DIALGATE_HOSTNET_MESSAGE_H

#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include "dialgate/address.h"

struct hostnet_link {
    int ifindex;
    char name[IF_NAMESIZE];
    uint8_t mac[6];
    uint32_t mtu;
    bool up;
    uint16_t vlan; // identifier of a VLAN interface, 0: it is none, or upon one of another namespace
    int parent;    // index of the interface that it is upon
};

struct hostnet_address {
    int ifindex;
    struct ip_address address;
    bool usable; // IPv6: no other machine has it (RFC 4862 5.4)
};

#define HOSTNET_HOPS_MAX 16u

struct hostnet_hop {
    int ifindex;
    struct ip_address gateway; // of either family (RFC 8950); not set: on link
};

// A route of the main table. Of several hops the caller takes the first through each of our networks.
struct hostnet_route {
    struct ip_address prefix;
    uint8_t length; // of the 128-bit form
    bool refused;   // blackhole, unreachable, prohibit: it has no hops, and no other route serves instead
    uint16_t mtu;   // 0: the interface's
    uint32_t metric;
    unsigned hop_count;
    struct hostnet_hop hops[HOSTNET_HOPS_MAX];
};

struct hostnet_neighbour {
    int ifindex;
    struct ip_address address;
    uint8_t mac[6];
    bool usable;
    bool permanent; // set by an operator
};

// Each returns 0, -EBADMSG for a message that is too short or has attributes of a wrong size, or -ENOENT for
// one that is well formed and of no interest (another family, table or type).
int hostnet_message_link(const struct nlmsghdr *message, struct hostnet_link *link);
int hostnet_message_address(const struct nlmsghdr *message, struct hostnet_address *address);
int hostnet_message_route(const struct nlmsghdr *message, struct hostnet_route *route);
int hostnet_message_neighbour(const struct nlmsghdr *message, struct hostnet_neighbour *neighbour);

#endif
