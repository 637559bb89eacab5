// SPDX-License-Identifier: BSD-3-Clause
#include "hostnet_mirror.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include "hostnet_message.h"

struct reading {
    struct mirror *mirror;
    const struct mirror_wanted *wanted;
    int error;
};

int mirror_network(const struct mirror *mirror, int ifindex)
{
    for (int i = 0; i < (int)NETWORKS_MAX; i++) {
        if (ifindex != 0 && mirror->ifindexes[i] == ifindex)
            return i;
    }
    return -1;
}

static int on_link(const struct nlmsghdr *message, void *data)
{
    struct reading *reading = data;
    struct hostnet_link link;

    if (hostnet_message_link(message, &link) < 0)
        return MNL_CB_OK;
    for (unsigned i = 0; i < reading->wanted->networks; i++) {
        struct nexthop_network *network = &reading->mirror->networks[i];

        if (strcmp(reading->wanted->interfaces[i], link.name) != 0)
            continue;
        reading->mirror->ifindexes[i] = link.ifindex;
        memcpy(network->mac, link.mac, sizeof(network->mac));
        network->mtu = (uint16_t)(link.mtu > UINT16_MAX ? UINT16_MAX : link.mtu);
        network->up = link.up;
    }
    return MNL_CB_OK;
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

static_assert(NETWORKS_MAX <= 32, "on_route() has a bit for each");
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
        int network = mirror_network(reading->mirror, route.hops[i].ifindex);

        if (network < 0 || (seen & 1u << network) != 0)
            continue;
        seen |= 1u << network;
        add_route(reading, &route, network, &route.hops[i].gateway);
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

static int on_neighbour(const struct nlmsghdr *message, void *data)
{
    struct reading *reading = data;
    struct mirror *mirror = reading->mirror;
    struct hostnet_neighbour neighbour;
    struct nexthop_neighbour *out;
    void *list = mirror->neighbours;
    int network;

    if (hostnet_message_neighbour(message, &neighbour) < 0 || !neighbour.usable)
        return MNL_CB_OK;
    network = mirror_network(mirror, neighbour.ifindex);
    if (network < 0)
        return MNL_CB_OK;
    if (mirror->neighbour_count == NEXTHOP_NEIGHBOURS_MAX) {
        reading->error = -E2BIG;
        return MNL_CB_OK;
    }
    out = append(reading, &list, &mirror->neighbour_count, &mirror->neighbour_room, sizeof(*out));
    mirror->neighbours = list;
    if (out == NULL)
        return MNL_CB_OK;
    out->address = neighbour.address;
    out->network = (uint8_t)network;
    out->usable = 1;
    memcpy(out->mac, neighbour.mac, sizeof(out->mac));
    if (neighbour.permanent)
        add_permanent(reading, &(struct mirror_permanent){neighbour.address, network});
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
