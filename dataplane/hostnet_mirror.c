// SPDX-License-Identifier: BSD-3-Clause
#include "hostnet_mirror.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include "frame.h"
#include "hostnet_message.h"

struct reading {
    struct mirror *mirror;
    const struct mirror_wanted *wanted;
    struct hostnet_link *links;
    uint32_t link_count, link_room;
    int error;
};

uint32_t mirror_networks(const struct mirror *mirror, int ifindex)
{
    uint32_t networks = 0;

    for (unsigned i = 0; i < NETWORKS_MAX && ifindex != 0; i++)
        networks |= mirror->ifindexes[i] == ifindex ? 1u << i : 0;
    return networks;
}

// A zeroed element behind the others, so that padding compares equal. *list of *count elements of size octets
// has room for *room. NULL: there is no memory, which is remembered.
static void *append(struct reading *reading, void **list, uint32_t *count, uint32_t *room, size_t size)
{
    if (*count == *room) {
        uint32_t more = *room == 0 ? 64 : *room * 2;
        void *larger = realloc(*list, more * size);

        if (larger == NULL) {
            reading->error = -ENOMEM;
            return NULL;
        }
        *list = larger;
        *room = more;
    }
    return memset((char *)*list + size * (*count)++, 0, size);
}

static int on_link(const struct nlmsghdr *message, void *data)
{
    struct reading *reading = data;
    struct hostnet_link link, *out;
    void *list = reading->links;

    if (hostnet_message_link(message, &link) < 0)
        return MNL_CB_OK;
    out = append(reading, &list, &reading->link_count, &reading->link_room, sizeof(*out));
    reading->links = list;
    if (out != NULL)
        *out = link;
    return MNL_CB_OK;
}

static void place_network(struct reading *reading, unsigned network)
{
    const struct hostnet_place *place = &reading->wanted->places[network];
    struct mirror *mirror = reading->mirror;
    struct nexthop_network *row = &mirror->networks[network];
    const struct hostnet_link *base, *link;
    uint32_t mtu;

    link = hostnet_vlan_find(reading->links, reading->link_count, place, &base);
    memcpy(mirror->names[network], link == NULL ? place->interface : link->name, IF_NAMESIZE);
    if (link == NULL)
        return;
    mirror->ifindexes[network] = link->ifindex;
    memcpy(row->mac, link->mac, sizeof(row->mac));
    mtu = link->mtu < base->mtu ? link->mtu : base->mtu;
    if (link == base && (place->vlan != 0 || place->outer_vlan != 0))
        mirror->bare |= 1u << network;
    // Interfaces leave room for one tag beyond their MTU; of a VLAN's own the kernel has counted.
    if (link == base && place->vlan != 0 && place->outer_vlan != 0 && mtu > FRAME_TAG)
        mtu -= FRAME_TAG;
    row->mtu = (uint16_t)(mtu > UINT16_MAX ? UINT16_MAX : mtu);
    row->up = link->up && base->up;
}

static int on_address(const struct nlmsghdr *message, void *data)
{
    const struct reading *reading = data;
    struct hostnet_address found;

    if (hostnet_message_address(message, &found) < 0 || !found.usable)
        return MNL_CB_OK;
    for (unsigned i = 0; i < reading->wanted->addresses; i++) {
        if (ip_equal(&reading->wanted->address[i], &found.address))
            reading->mirror->missing &= ~(UINT64_C(1) << i);
    }
    return MNL_CB_OK;
}

static void add_route(struct reading *reading, const struct hostnet_route *route, int network,
                      const struct ip_address *gateway)
{
    struct mirror *mirror = reading->mirror;
    void *list = mirror->routes;
    struct nexthop_route *out;

    if (mirror->route_count == NEXTHOP_ROUTES_MAX) {
        reading->error = -E2BIG;
        return;
    }
    out = append(reading, &list, &mirror->route_count, &mirror->route_room, sizeof(*out));
    mirror->routes = list;
    if (out == NULL)
        return;
    out->prefix = route->prefix;
    out->length = route->length;
    out->metric = route->metric;
    out->mtu = route->mtu;
    out->refused = route->refused;
    out->network = (uint8_t)network;
    if (gateway != NULL)
        out->gateway = *gateway;
}

static int on_route(const struct nlmsghdr *message, void *data)
{
    struct reading *reading = data;
    struct hostnet_route route;
    uint32_t seen = 0;

    if (hostnet_message_route(message, &route) < 0)
        return MNL_CB_OK;
    for (unsigned i = 0; route.refused && i < reading->wanted->networks; i++)
        add_route(reading, &route, (int)i, NULL);
    for (unsigned i = 0; i < route.hop_count; i++) { // the first hop of each network
        uint32_t networks = mirror_networks(reading->mirror, route.hops[i].ifindex) & ~seen;

        seen |= networks;
        for (; networks != 0; networks &= networks - 1)
            add_route(reading, &route, __builtin_ctz(networks), &route.hops[i].gateway);
    }
    return MNL_CB_OK;
}

static void add_permanent(struct reading *reading, const struct mirror_permanent *permanent)
{
    struct mirror *mirror = reading->mirror;
    void *list = mirror->permanent;
    struct mirror_permanent *out =
        append(reading, &list, &mirror->permanent_count, &mirror->permanent_room, sizeof(*out));

    mirror->permanent = list;
    if (out != NULL)
        *out = *permanent;
}

static void add_neighbour(struct reading *reading, const struct hostnet_neighbour *neighbour, int network)
{
    struct mirror *mirror = reading->mirror;
    struct nexthop_neighbour *out;
    void *list = mirror->neighbours;

    if (mirror->neighbour_count == NEXTHOP_NEIGHBOURS_MAX) {
        reading->error = -E2BIG;
        return;
    }
    out = append(reading, &list, &mirror->neighbour_count, &mirror->neighbour_room, sizeof(*out));
    mirror->neighbours = list;
    if (out == NULL)
        return;
    out->address = neighbour->address;
    out->network = (uint8_t)network;
    out->usable = 1;
    memcpy(out->mac, neighbour->mac, sizeof(out->mac));
    if (neighbour->permanent)
        add_permanent(reading, &(struct mirror_permanent){neighbour->address, network});
}

static int on_neighbour(const struct nlmsghdr *message, void *data)
{
    struct reading *reading = data;
    struct hostnet_neighbour neighbour;
    uint32_t networks;

    if (hostnet_message_neighbour(message, &neighbour) < 0 || !neighbour.usable)
        return MNL_CB_OK;
    networks = mirror_networks(reading->mirror, neighbour.ifindex);
    for (; networks != 0; networks &= networks - 1)
        add_neighbour(reading, &neighbour, __builtin_ctz(networks));
    return MNL_CB_OK;
}

static int read_table(struct reading *reading, struct hostnet_socket *socket, uint16_t type,
                      mnl_cb_t callback)
{
    uint8_t buffer[256] = {0};
    struct nlmsghdr *message = hostnet_request(socket, buffer, type, NLM_F_DUMP);

    // Each of these headers begins with the family; AF_UNSPEC means all of them.
    mnl_nlmsg_put_extra_header(message, type == RTM_GETLINK    ? sizeof(struct ifinfomsg)
                                        : type == RTM_GETADDR  ? sizeof(struct ifaddrmsg)
                                        : type == RTM_GETROUTE ? sizeof(struct rtmsg)
                                                               : sizeof(struct ndmsg));
    return hostnet_transact(socket, message, callback, reading);
}

int mirror_read(struct mirror *mirror, struct hostnet_socket *socket, const struct mirror_wanted *wanted)
{
    struct reading reading = {.mirror = mirror, .wanted = wanted};
    int result;

    memset(mirror, 0, sizeof(*mirror));
    mirror->missing = wanted->addresses < 64 ? (UINT64_C(1) << wanted->addresses) - 1 : UINT64_MAX;
    result = read_table(&reading, socket, RTM_GETLINK, on_link);
    for (unsigned i = 0; i < wanted->networks && result == 0; i++)
        place_network(&reading, i);
    free(reading.links);
    if (result == 0)
        result = read_table(&reading, socket, RTM_GETADDR, on_address);
    if (result == 0)
        result = read_table(&reading, socket, RTM_GETROUTE, on_route);
    if (result == 0)
        result = read_table(&reading, socket, RTM_GETNEIGH, on_neighbour);
    if (result == 0)
        result = reading.error;
    if (result < 0 && result != -E2BIG)
        mirror_free(mirror);
    return result;
}

void mirror_free(struct mirror *mirror)
{
    free(mirror->routes);
    free(mirror->neighbours);
    free(mirror->permanent);
    memset(mirror, 0, sizeof(*mirror));
}

static bool lists_equal(const void *a, const void *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

bool mirror_equal(const struct mirror *a, const struct mirror *b)
{
    // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both mirrors began as zeros
    return memcmp(a->networks, b->networks, sizeof(a->networks)) == 0 && a->missing == b->missing &&
           a->route_count == b->route_count && a->neighbour_count == b->neighbour_count &&
           lists_equal(a->routes, b->routes, a->route_count * sizeof(*a->routes)) &&
           lists_equal(a->neighbours, b->neighbours, a->neighbour_count * sizeof(*a->neighbours));
}

bool mirror_is_permanent(const struct mirror *mirror, int network, const struct ip_address *address)
{
    for (uint32_t i = 0; i < mirror->permanent_count; i++) {
        if (mirror->permanent[i].network == network && ip_equal(&mirror->permanent[i].address, address))
            return true;
    }
    return false;
}
