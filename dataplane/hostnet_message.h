// SPDX-License-Identifier: BSD-3-Clause
// One netlink message each of links, IPv4 routes and neighbours, parsed into plain fields.
#ifndef DIALGATE_HOSTNET_MESSAGE_H
#define DIALGATE_HOSTNET_MESSAGE_H

#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct hostnet_link {
    int ifindex;
    char name[IF_NAMESIZE];
    uint8_t mac[6];
    uint32_t mtu;
    bool up;
    bool gone; // RTM_DELLINK
};

#define HOSTNET_HOPS_MAX 16u

struct hostnet_hop {
    int ifindex;
    uint32_t gateway; // host order; 0: on link
};

// A unicast route of the main table. Of several hops the caller takes the first through each of our networks.
struct hostnet_route {
    uint32_t prefix; // host order
    uint8_t length;
    uint32_t metric;
    unsigned hop_count;
    struct hostnet_hop hops[HOSTNET_HOPS_MAX];
};

struct hostnet_neighbour {
    int ifindex;
    uint32_t address; // host order
    uint8_t mac[6];
    bool usable;
    bool permanent; // set by an operator
};

// Each returns 0, -EBADMSG for a message that is too short or has attributes of a wrong size, or -ENOENT for
// one that is well formed and of no interest (another family, table or type).
int hostnet_message_link(const struct nlmsghdr *message, struct hostnet_link *link);
int hostnet_message_route(const struct nlmsghdr *message, struct hostnet_route *route);
int hostnet_message_neighbour(const struct nlmsghdr *message, struct hostnet_neighbour *neighbour);

#endif
