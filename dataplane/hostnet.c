// SPDX-License-Identifier: BSD-3-Clause
#include "hostnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "clock.h"
#include "hostnet_message.h"
#include "log.h"

#define EVENT_BUFFER   (1 << 20)
#define MESSAGE_BUFFER 65536u
#define ASKS_SLOTS     1024u

#ifndef NTF_EXT_MANAGED
#define NTF_EXT_MANAGED (1 << 0)
#endif

// The lists as last read. Compared octet by octet with the next reading: neighbours that only went from
// reachable to stale and back make no new table. Zeroed before it is filled, so that padding compares equal.
struct mirror {
    struct nexthop_network networks[NETWORKS_MAX];
    struct nexthop_route *routes;
    uint32_t route_count, route_room;
    struct nexthop_neighbour *neighbours;
    uint32_t neighbour_count, neighbour_room;
    uint32_t *permanent; // addresses of neighbours that an operator set: a question would take that from them
    uint32_t permanent_count, permanent_room;
};

struct hostnet {
    struct mnl_socket *events;   // notifications
    struct mnl_socket *requests; // readings and questions, answered at once
    uint32_t sequence;
    unsigned network_count;
    char interfaces[NETWORKS_MAX][IF_NAMESIZE];
    int ifindexes[NETWORKS_MAX]; // 0: gone
    struct mirror mirror;
    bool old;         // something changed since the last reading
    bool failed;      // the last reading failed
    uint64_t next_ms; // no reading before
    bool unmanaged;   // the kernel does not know NTF_EXT_MANAGED
    struct log_limit limit;
    // Who was asked for when: one slot for each hash, a newcomer takes it. That loses only some of the rate
    // limit.
    struct {
        uint32_t address;
        uint8_t network;
        uint64_t when_ms;
    } asks[ASKS_SLOTS];
};

struct reading {
    struct hostnet *hostnet;
    struct mirror *mirror;
    int error;
};

static int network_of(const struct hostnet *hostnet, int ifindex)
{
    for (unsigned i = 0; i < hostnet->network_count; i++) {
        if (ifindex != 0 && hostnet->ifindexes[i] == ifindex)
            return (int)i;
    }
    return -1;
}

static int on_link(const struct nlmsghdr *message, void *data)
{
    struct reading *reading = data;
    struct hostnet *hostnet = reading->hostnet;
    struct hostnet_link link;

    if (hostnet_message_link(message, &link) < 0)
        return MNL_CB_OK;
    for (unsigned i = 0; i < hostnet->network_count; i++) {
        struct nexthop_network *network = &reading->mirror->networks[i];

        if (strcmp(hostnet->interfaces[i], link.name) != 0)
            continue;
        hostnet->ifindexes[i] = link.ifindex;
        memcpy(network->mac, link.mac, sizeof(network->mac));
        network->mtu = (uint16_t)(link.mtu > UINT16_MAX ? UINT16_MAX : link.mtu);
        network->up = link.up;
    }
    return MNL_CB_OK;
}

// Room for one more element of size octets. Returns NULL when there is none, and remembers why.
static void *grow(struct reading *reading, void *list, uint32_t count, uint32_t *room, size_t size)
{
    uint32_t more = *room == 0 ? 64 : *room * 2;
    void *larger;

    if (count < *room)
        return list;
    larger = realloc(list, more * size);
    if (larger == NULL) {
        reading->error = -ENOMEM;
        return NULL;
    }
    *room = more;
    return larger;
}

static_assert(NETWORKS_MAX <= 32, "on_route() has a bit for each");
static int on_route(const struct nlmsghdr *message, void *data)
{
    struct reading *reading = data;
    struct mirror *mirror = reading->mirror;
    struct hostnet_route route;
    uint32_t seen = 0;

    if (hostnet_message_route(message, &route) < 0)
        return MNL_CB_OK;
    for (unsigned i = 0; i < route.hop_count; i++) { // the first hop of each network
        int network = network_of(reading->hostnet, route.hops[i].ifindex);
        void *routes;

        if (network < 0 || (seen & 1u << network) != 0)
            continue;
        seen |= 1u << network;
        if (mirror->route_count == NEXTHOP_ROUTES_MAX) {
            reading->error = -E2BIG;
            return MNL_CB_OK;
        }
        routes =
            grow(reading, mirror->routes, mirror->route_count, &mirror->route_room, sizeof(*mirror->routes));
        if (routes == NULL)
            return MNL_CB_OK;
        mirror->routes = routes;
        mirror->routes[mirror->route_count++] = (struct nexthop_route){.prefix = route.prefix,
                                                                       .gateway = route.hops[i].gateway,
                                                                       .metric = route.metric,
                                                                       .length = route.length,
                                                                       .network = (uint8_t)network};
    }
    return MNL_CB_OK;
}

static int on_neighbour(const struct nlmsghdr *message, void *data)
{
    struct reading *reading = data;
    struct mirror *mirror = reading->mirror;
    struct hostnet_neighbour neighbour;
    struct nexthop_neighbour *out;
    void *neighbours;
    int network;

    if (hostnet_message_neighbour(message, &neighbour) < 0 || !neighbour.usable)
        return MNL_CB_OK;
    network = network_of(reading->hostnet, neighbour.ifindex);
    if (network < 0)
        return MNL_CB_OK;
    if (mirror->neighbour_count == NEXTHOP_NEIGHBOURS_MAX) {
        reading->error = -E2BIG;
        return MNL_CB_OK;
    }
    neighbours = grow(reading, mirror->neighbours, mirror->neighbour_count, &mirror->neighbour_room,
                      sizeof(*mirror->neighbours));
    if (neighbours == NULL)
        return MNL_CB_OK;
    mirror->neighbours = neighbours;
    out = &mirror->neighbours[mirror->neighbour_count++];
    *out = (struct nexthop_neighbour){.address = neighbour.address, .network = (uint8_t)network, .usable = 1};
    memcpy(out->mac, neighbour.mac, sizeof(out->mac));
    if (neighbour.permanent) {
        void *permanent = grow(reading, mirror->permanent, mirror->permanent_count, &mirror->permanent_room,
                               sizeof(*mirror->permanent));

        if (permanent == NULL)
            return MNL_CB_OK;
        mirror->permanent = permanent;
        mirror->permanent[mirror->permanent_count++] = neighbour.address;
    }
    return MNL_CB_OK;
}

static struct nlmsghdr *put_request(struct hostnet *hostnet, void *buffer, uint16_t type, uint16_t flags)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

    message->nlmsg_type = type;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    message->nlmsg_seq = ++hostnet->sequence;
    return message;
}

// Sends a request and gives each answer to callback. Returns 0 or -errno; -EINTR when the kernel's table
// changed meanwhile.
static int transact(struct hostnet *hostnet, const struct nlmsghdr *message, mnl_cb_t callback, void *data)
{
    static uint8_t buffer[MESSAGE_BUFFER];
    uint32_t sequence = message->nlmsg_seq;
    unsigned port = mnl_socket_get_portid(hostnet->requests);

    if (mnl_socket_sendto(hostnet->requests, message, message->nlmsg_len) < 0)
        return -errno;
    for (;;) {
        ssize_t got = mnl_socket_recvfrom(hostnet->requests, buffer, sizeof(buffer));
        int result;

        if (got < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        // What is left of an earlier request that timed out has another number.
        if (got >= (ssize_t)sizeof(*message) &&
            ((const struct nlmsghdr *)(const void *)buffer)->nlmsg_seq != sequence)
            continue;
        result = mnl_cb_run(buffer, (size_t)got, sequence, port, callback, data);
        if (result < 0)
            return -errno;
        if (result == MNL_CB_STOP)
            return 0;
    }
}

static int read_table(struct reading *reading, uint16_t type, mnl_cb_t callback)
{
    uint8_t buffer[256] = {0};
    struct nlmsghdr *message = put_request(reading->hostnet, buffer, type, NLM_F_DUMP);

    if (type == RTM_GETLINK)
        ((struct ifinfomsg *)mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg)))->ifi_family =
            AF_UNSPEC;
    else if (type == RTM_GETROUTE)
        ((struct rtmsg *)mnl_nlmsg_put_extra_header(message, sizeof(struct rtmsg)))->rtm_family = AF_INET;
    else
        ((struct ndmsg *)mnl_nlmsg_put_extra_header(message, sizeof(struct ndmsg)))->ndm_family = AF_INET;
    return transact(reading->hostnet, message, callback, reading);
}

static int read_all_tables(struct hostnet *hostnet, struct mirror *mirror)
{
    struct reading reading = {.hostnet = hostnet, .mirror = mirror};
    int result;

    memset(mirror, 0, sizeof(*mirror));
    memset(hostnet->ifindexes, 0, sizeof(hostnet->ifindexes));
    result = read_table(&reading, RTM_GETLINK, on_link);
    if (result == 0)
        result = read_table(&reading, RTM_GETROUTE, on_route);
    if (result == 0)
        result = read_table(&reading, RTM_GETNEIGH, on_neighbour);
    return result < 0 ? result : reading.error;
}

static void mirror_free(struct mirror *mirror)
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

static bool mirror_equal(const struct mirror *a, const struct mirror *b)
{
    // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both mirrors began as zeros
    return memcmp(a->networks, b->networks, sizeof(a->networks)) == 0 && a->route_count == b->route_count &&
           a->neighbour_count == b->neighbour_count &&
           lists_equal(a->routes, b->routes, a->route_count * sizeof(*a->routes)) &&
           lists_equal(a->neighbours, b->neighbours, a->neighbour_count * sizeof(*a->neighbours));
}

struct nexthop_table *hostnet_refresh(struct hostnet *hostnet, uint64_t now_ms)
{
    struct nexthop_table *table;
    struct mirror next;
    uint64_t took_ms;
    int result;

    if (!hostnet->old || now_ms < hostnet->next_ms)
        return NULL;
    hostnet->old = false;
    result = read_all_tables(hostnet, &next);
    took_ms = clock_ms() - now_ms;
    hostnet->next_ms = now_ms + HOSTNET_REFRESH_MS + 10 * took_ms;
    // Too many routes are no reason to lose those that fit.
    if (result < 0 && result != -EINTR && log_allowed(&hostnet->limit, "hostnet_read"))
        log_event(LOG_WARNING, "hostnet_read", "error=\"%s\"", strerror(-result));
    if (result < 0 && result != -E2BIG) {
        mirror_free(&next);
        hostnet->old = true;
        return NULL;
    }
    if (mirror_equal(&hostnet->mirror, &next)) {
        mirror_free(&hostnet->mirror);
        hostnet->mirror = next;
        return NULL;
    }
    table =
        nexthop_create(next.networks, next.routes, next.route_count, next.neighbours, next.neighbour_count);
    if (table == NULL) {
        mirror_free(&next);
        hostnet->old = true;
        return NULL;
    }
    mirror_free(&hostnet->mirror);
    hostnet->mirror = next;
    return table;
}

static struct mnl_socket *open_socket(int flags, unsigned groups)
{
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);

    if (socket != NULL && mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) < 0) {
        int error = errno;

        mnl_socket_close(socket);
        errno = error;
        return NULL;
    }
    return socket;
}

int hostnet_open(struct hostnet **hostnet, const struct snapshot_network *networks, unsigned count,
                 struct fault *fault)
{
    const struct timeval patience = {.tv_sec = 2};
    const int room = EVENT_BUFFER;
    struct hostnet *made = calloc(1, sizeof(*made));

    assert(count <= NETWORKS_MAX);
    if (made == NULL)
        return fault_set(fault, ENOMEM, "netlink: no memory");
    made->network_count = count;
    made->old = true;
    for (unsigned i = 0; i < count; i++)
        strncpy(made->interfaces[i], networks[i].interface, IF_NAMESIZE - 1);
    // Notifications first: what changes while the tables are read is noticed.
    made->events = open_socket(SOCK_NONBLOCK, RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_NEIGH);
    made->requests = open_socket(0, 0);
    if (made->events == NULL || made->requests == NULL) {
        int error = errno;

        hostnet_close(made);
        return fault_set(fault, error, "netlink: %s", strerror(error));
    }
    setsockopt(mnl_socket_get_fd(made->events), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    setsockopt(mnl_socket_get_fd(made->requests), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    *hostnet = made;
    return 0;
}

void hostnet_close(struct hostnet *hostnet)
{
    if (hostnet == NULL)
        return;
    if (hostnet->events != NULL)
        mnl_socket_close(hostnet->events);
    if (hostnet->requests != NULL)
        mnl_socket_close(hostnet->requests);
    mirror_free(&hostnet->mirror);
    free(hostnet);
}

int hostnet_fd(const struct hostnet *hostnet)
{
    return mnl_socket_get_fd(hostnet->events);
}

static int on_event(const struct nlmsghdr *message, void *data)
{
    struct hostnet *hostnet = data;
    struct hostnet_neighbour neighbour;

    // Neighbours of other interfaces change all the time on a busy machine and are nothing to us. Links and
    // routes are rare, and a name or a hop must be looked up to know whose they are.
    if (message->nlmsg_type == RTM_NEWNEIGH || message->nlmsg_type == RTM_DELNEIGH) {
        if (hostnet_message_neighbour(message, &neighbour) < 0 || network_of(hostnet, neighbour.ifindex) < 0)
            return MNL_CB_OK;
    }
    hostnet->old = true;
    return MNL_CB_OK;
}

void hostnet_read(struct hostnet *hostnet)
{
    static uint8_t buffer[MESSAGE_BUFFER];

    for (unsigned i = 0; i < 64; i++) {
        ssize_t got = mnl_socket_recvfrom(hostnet->events, buffer, sizeof(buffer));

        if (got < 0) {
            // Some were lost: read everything anew.
            if (errno == ENOBUFS)
                hostnet->old = true;
            return;
        }
        mnl_cb_run(buffer, (size_t)got, 0, 0, on_event, hostnet);
    }
}

static int ask_kernel(struct hostnet *hostnet, int ifindex, uint32_t address, bool managed)
{
    uint8_t buffer[256] = {0};
    struct nlmsghdr *message =
        put_request(hostnet, buffer, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
    struct ndmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

    info->ndm_family = AF_INET;
    info->ndm_ifindex = ifindex;
    info->ndm_flags = managed ? 0 : NTF_USE;
    mnl_attr_put_u32(message, NDA_DST, htonl(address));
    if (managed)
        mnl_attr_put_u32(message, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
    return transact(hostnet, message, NULL, NULL);
}

bool hostnet_keeps(const struct hostnet *hostnet)
{
    return !hostnet->unmanaged;
}

static bool is_permanent(const struct hostnet *hostnet, uint32_t address)
{
    for (uint32_t i = 0; i < hostnet->mirror.permanent_count; i++) {
        if (hostnet->mirror.permanent[i] == address)
            return true;
    }
    return false;
}

bool hostnet_ask(struct hostnet *hostnet, uint8_t network, uint32_t address, uint64_t now_ms)
{
    unsigned slot =
        (unsigned)((((uint64_t)network << 32 | address) * 0x9e3779b97f4a7c15u) >> 54) % ASKS_SLOTS;
    int result;

    if (network >= hostnet->network_count || hostnet->ifindexes[network] == 0 || address == 0 ||
        is_permanent(hostnet, address))
        return false;
    if (hostnet->asks[slot].address == address && hostnet->asks[slot].network == network &&
        now_ms - hostnet->asks[slot].when_ms < HOSTNET_ASK_MS)
        return false;
    hostnet->asks[slot].address = address;
    hostnet->asks[slot].network = network;
    hostnet->asks[slot].when_ms = now_ms;
    result = ask_kernel(hostnet, hostnet->ifindexes[network], address, !hostnet->unmanaged);
    if (result == -EINVAL && !hostnet->unmanaged) {
        hostnet->unmanaged = true;
        result = ask_kernel(hostnet, hostnet->ifindexes[network], address, false);
    }
    if (result < 0 && log_allowed(&hostnet->limit, "neighbour_ask"))
        log_event(LOG_WARNING, "neighbour_ask", "interface=%s address=%u.%u.%u.%u error=\"%s\"",
                  hostnet->interfaces[network], address >> 24, address >> 16 & 255, address >> 8 & 255,
                  address & 255, strerror(-result));
    return result == 0;
}
