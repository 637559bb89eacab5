// SPDX-License-Identifier: BSD-3-Clause
#include "hostnet_thread.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include "address_text.h"
#include "clock.h"
#include "hostnet_message.h"

#define COMMANDS_A_TURN 256u
#define EVENTS_A_TURN   64u

#ifndef NTF_EXT_MANAGED
#define NTF_EXT_MANAGED (1 << 0)
#endif

static void tell_networks(const struct hostnet_thread *thread, const struct mirror *next)
{
    for (unsigned i = 0; i < thread->wanted.networks; i++) {
        const struct nexthop_network *was = &thread->mirror.networks[i], *is = &next->networks[i];
        const char *interface = next->names[i];

        if (was->up && !is->up)
            log_event(LOG_WARNING, "network_down", "interface=%s reason=\"%s\"", interface,
                      next->ifindexes[i] == 0 ? "there is no such interface" : "the link is down");
        if (!was->up && is->up)
            log_event(LOG_INFO, "network_up", "interface=%s mtu=%u", interface, is->mtu);
        if (was->up && is->up && was->mtu != is->mtu)
            log_event(LOG_INFO, "network_mtu", "interface=%s mtu=%u before=%u", interface, is->mtu, was->mtu);
    }
}

static void tell_bare(const struct hostnet_thread *thread, const struct mirror *next)
{
    uint32_t changed = next->bare ^ thread->mirror.bare;

    for (; changed != 0; changed &= changed - 1) {
        unsigned i = (unsigned)__builtin_ctz(changed);
        const struct hostnet_place *place = &thread->wanted.places[i];

        if (next->bare & 1u << i)
            log_event(LOG_WARNING, "vlan_interface_missing",
                      "interface=%s vlan=%u outer_vlan=%u reason=\"the kernel has no interface of this VLAN: "
                      "nobody answers ARP and ND there\" fix=\"ip link add link %s type vlan id ...\"",
                      place->interface, place->vlan, place->outer_vlan, place->interface);
        else if (next->ifindexes[i] != 0)
            log_event(LOG_INFO, "vlan_interface", "interface=%s vlan=%u outer_vlan=%u", next->names[i],
                      place->vlan, place->outer_vlan);
    }
}

static void tell_addresses(struct hostnet_thread *thread, const struct mirror_wanted *wanted,
                           uint64_t missing)
{
    const struct hostnet_gone_news news =
        hostnet_gone_update(&thread->gone, wanted->address, wanted->addresses, missing);
    char text[ADDRESS_TEXT_SIZE];

    atomic_store(&thread->missing, missing);
    for (unsigned i = 0; i < news.gone.count; i++)
        log_event(LOG_WARNING, "listener_address_gone",
                  "address=%s reason=\"no interface has it: nobody can find us there\"",
                  address_text(&news.gone.addresses[i], text));
    for (unsigned i = 0; i < news.back.count; i++)
        log_event(LOG_INFO, "listener_address_back", "address=%s",
                  address_text(&news.back.addresses[i], text));
}

// A path MTU is a route of its own to that one address, beside the one that leads there.
static struct nexthop_table *narrowed(const struct hostnet_thread *thread, struct nexthop_table *table)
{
    const struct mirror *mirror = &thread->mirror;
    uint32_t count = mirror->route_count;
    struct nexthop_route *routes = calloc(count + thread->paths.count, sizeof(*routes));
    struct nexthop_table *result = NULL;

    if (routes == NULL)
        return table;
    if (count > 0)
        memcpy(routes, mirror->routes, count * sizeof(*routes));
    for (unsigned i = 0; i < thread->paths.count; i++) {
        const struct hostnet_path *path = &thread->paths.rows[i];
        const struct nexthop_route *route = nexthop_route(table, path->network, &path->address);

        if (path->until_ms == 0 || route == NULL || (route->mtu != 0 && route->mtu <= path->mtu))
            continue;
        routes[count] = *route;
        routes[count].prefix = path->address;
        routes[count].length = 128;
        routes[count].metric = 0;
        routes[count++].mtu = path->mtu;
    }
    if (count > mirror->route_count)
        result = nexthop_create(mirror->networks, routes, count, mirror->neighbours, mirror->neighbour_count);
    free(routes);
    if (result == NULL)
        return table;
    nexthop_destroy(table);
    return result;
}

static struct nexthop_table *make_table(const struct hostnet_thread *thread)
{
    const struct mirror *mirror = &thread->mirror;
    struct nexthop_table *table = nexthop_create(mirror->networks, mirror->routes, mirror->route_count,
                                                 mirror->neighbours, mirror->neighbour_count);

    return table == NULL || thread->paths.count == 0 ? table : narrowed(thread, table);
}

// Returns 0 or -ENOMEM: the table is still owed then.
static int make_owed_table(struct hostnet_thread *thread, struct nexthop_table **table)
{
    if (!thread->untold)
        return 0;
    *table = make_table(thread);
    thread->untold = *table == NULL;
    return *table == NULL ? -ENOMEM : 0;
}

int hostnet_thread_read(struct hostnet_thread *thread, struct nexthop_table **table)
{
    struct mirror_wanted wanted;
    struct mirror next;
    bool first = atomic_load(&thread->readings) == 0;
    int result;

    *table = NULL;
    pthread_mutex_lock(&thread->lock);
    wanted = thread->wanted;
    pthread_mutex_unlock(&thread->lock);
    result = mirror_read(&next, &thread->socket, &wanted);
    // Too many routes are no reason to lose those that fit.
    if (result < 0 && result != -EINTR && result != -ECANCELED && log_allowed(&thread->limit, "hostnet_read"))
        log_event(LOG_WARNING, "hostnet_read", "error=\"%s\"", strerror(-result));
    if (result < 0)
        atomic_fetch_add(&thread->failures, result != -EINTR);
    if (result < 0 && result != -E2BIG)
        return result;
    atomic_fetch_add(&thread->readings, 1);
    if (!first)
        tell_networks(thread, &next);
    tell_bare(thread, &next);
    tell_addresses(thread, &wanted, next.missing);
    bool equal = !first && mirror_equal(&thread->mirror, &next);

    mirror_free(&thread->mirror);
    thread->mirror = next;
    thread->untold |= !equal;
    return make_owed_table(thread, table);
}

static void publish(struct hostnet_thread *thread, struct nexthop_table *table)
{
    if (table == NULL)
        return;
    nexthop_destroy(atomic_exchange(&thread->fresh, table));
    eventfd_write(thread->ready, 1);
}

static uint64_t cpu_ms(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

// Tables are as dear as readings: whoever forges errors about path MTUs makes one as seldom as a routing
// daemon.
static void refresh(struct hostnet_thread *thread)
{
    uint64_t begun_ms = cpu_ms();
    struct nexthop_table *table = NULL;
    int result = thread->old ? hostnet_thread_read(thread, &table) : 0;

    thread->old &= result < 0;
    if (table == NULL && make_owed_table(thread, &table) < 0)
        result = -ENOMEM;
    publish(thread, table);
    // Its own time, not the kernel's: a wait of half a minute must not make the next one five.
    thread->next_ms = clock_ms() + (result < 0 && result != -EINTR ? HOSTNET_RETRY_MS : HOSTNET_REFRESH_MS) +
                      10 * (cpu_ms() - begun_ms);
}

static int ask_kernel(struct hostnet_thread *thread, int ifindex, const struct ip_address *address)
{
    bool ipv4 = ip_is_ipv4(address);
    uint8_t buffer[256] = {0};
    struct nlmsghdr *message =
        hostnet_request(&thread->socket, buffer, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
    struct ndmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

    info->ndm_family = ipv4 ? AF_INET : AF_INET6;
    info->ndm_ifindex = ifindex;
    info->ndm_flags = thread->unmanaged ? NTF_USE : 0;
    mnl_attr_put(message, NDA_DST, ipv4 ? 4 : 16, address->octets + (ipv4 ? IP_MAPPED_BITS / 8 : 0));
    if (!thread->unmanaged)
        mnl_attr_put_u32(message, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
    return hostnet_transact(&thread->socket, message, NULL, NULL);
}

// Returns 0 or -errno; what is not to be asked is no error.
static int ask(struct hostnet_thread *thread, const struct hostnet_command *command)
{
    int ifindex = thread->mirror.ifindexes[command->network];
    char text[ADDRESS_TEXT_SIZE];
    int result;

    if (ifindex == 0 || mirror_is_permanent(&thread->mirror, command->network, &command->address))
        return 0;
    result = ask_kernel(thread, ifindex, &command->address);
    if (result == -EINVAL && !thread->unmanaged) {
        thread->unmanaged = true;
        result = ask_kernel(thread, ifindex, &command->address);
    }
    if (result < 0 && result != -ECANCELED && log_allowed(&thread->limit, "neighbour_ask"))
        log_event(LOG_WARNING, "neighbour_ask", "interface=%s address=%s error=\"%s\"",
                  thread->mirror.names[command->network], address_text(&command->address, text),
                  strerror(-result));
    return result;
}

static bool narrow(struct hostnet_thread *thread, const struct hostnet_command *command)
{
    const struct hostnet_path path = {.address = command->address,
                                      .until_ms = clock_ms() + HOSTNET_PATH_MS,
                                      .mtu = command->mtu,
                                      .network = command->network};

    return hostnet_paths_lower(&thread->paths, &path);
}

static void take_commands(struct hostnet_thread *thread)
{
    struct hostnet_command command;
    int result = 0;

    // A kernel that lets one question wait lets them all: reading has its turn in between.
    for (unsigned i = 0; i < COMMANDS_A_TURN && result != -ETIMEDOUT; i++) {
        if (recv(thread->commands, &command, sizeof(command), MSG_DONTWAIT) != sizeof(command))
            break;
        if (command.kind == HOSTNET_ASK)
            result = ask(thread, &command);
        else if (command.kind == HOSTNET_NARROW)
            thread->untold |= narrow(thread, &command);
        else
            thread->old = true;
    }
}

static int on_event(const struct nlmsghdr *message, void *data)
{
    struct hostnet_thread *thread = data;
    struct hostnet_neighbour neighbour;

    // Neighbours of other interfaces change all the time on a busy machine and are nothing to us. Links,
    // addresses and routes are rare, and a name or a hop must be looked up to know whose they are.
    if (message->nlmsg_type == RTM_NEWNEIGH || message->nlmsg_type == RTM_DELNEIGH) {
        if (hostnet_message_neighbour(message, &neighbour) < 0 ||
            mirror_networks(&thread->mirror, neighbour.ifindex) == 0)
            return MNL_CB_OK;
    }
    thread->old = true;
    return MNL_CB_OK;
}

static void take_events(struct hostnet_thread *thread)
{
    static _Thread_local uint8_t buffer[HOSTNET_MESSAGE_BUFFER];

    for (unsigned i = 0; i < EVENTS_A_TURN; i++) {
        ssize_t got = recv(thread->events, buffer, sizeof(buffer), MSG_DONTWAIT);

        if (got <= 0) {
            // Some were lost: read everything anew.
            thread->old |= got < 0 && errno == ENOBUFS;
            return;
        }
        mnl_cb_run(buffer, (size_t)got, 0, 0, on_event, thread);
    }
}

// -1: until something comes.
static int patience(const struct hostnet_thread *thread, uint64_t now_ms)
{
    uint64_t next = hostnet_paths_next(&thread->paths);

    if ((thread->old || thread->untold) && thread->next_ms < next)
        next = thread->next_ms;
    if (next == UINT64_MAX)
        return -1;
    return next <= now_ms ? 0 : (int)(next - now_ms);
}

void *hostnet_thread_run(void *argument)
{
    struct hostnet_thread *thread = argument;
    struct pollfd fds[3] = {{.fd = thread->stop, .events = POLLIN},
                            {.fd = thread->commands, .events = POLLIN},
                            {.fd = thread->events, .events = POLLIN}};

    for (;;) {
        uint64_t now_ms = clock_ms();

        if (poll(fds, 3, patience(thread, now_ms)) > 0) {
            if (fds[0].revents != 0)
                return NULL;
            if (fds[1].revents != 0)
                take_commands(thread);
            if (fds[2].revents != 0)
                take_events(thread);
        }
        now_ms = clock_ms();
        thread->untold |= hostnet_paths_expire(&thread->paths, now_ms);
        if ((thread->old || thread->untold) && now_ms >= thread->next_ms)
            refresh(thread);
    }
}
