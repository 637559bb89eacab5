// SPDX-License-Identifier: BSD-3-Clause
#include "hostnet.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "hostnet_socket.h"
#include "hostnet_thread.h"

#define EVENT_BUFFER (1 << 20)
#define ASKS_SLOTS   1024u
#define READINGS     10u // at the start, while the tables change under them
#define END_S        5   // for the thread to end: the kernel may hold it

struct hostnet {
    struct hostnet_thread thread;
    int commands; // our end
    pthread_t id;
    bool started;
    uint64_t dropped;
    // Who was asked for when: one slot for each hash, a newcomer takes it. That loses only some of the rate
    // limit.
    struct {
        struct ip_address address;
        uint8_t network;
        uint64_t when_ms;
    } asks[ASKS_SLOTS];
};

static int open_descriptors(struct hostnet *made)
{
    const unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                            RTMGRP_IPV6_ROUTE | RTMGRP_NEIGH;
    const int room = EVENT_BUFFER;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return -errno;
    made->commands = pair[0];
    made->thread.commands = pair[1];
    made->thread.stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    made->thread.ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->thread.stop < 0 || made->thread.ready < 0)
        return -errno;
    made->thread.socket.stop = made->thread.stop;
    // Notifications first: what changes while the tables are read is noticed.
    made->thread.events = hostnet_socket_open(groups);
    if (made->thread.events < 0)
        return made->thread.events;
    setsockopt(made->thread.events, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    return 0;
}

static int first_reading(struct hostnet *made, struct nexthop_table **table)
{
    int result = -EINTR;

    for (unsigned i = 0; i < READINGS && result == -EINTR; i++)
        result = hostnet_thread_read(&made->thread, table);
    // The thread opens its own.
    if (made->thread.socket.fd >= 0)
        close(made->thread.socket.fd);
    made->thread.socket.fd = -1;
    return result == -E2BIG ? 0 : result;
}

int hostnet_open(struct hostnet **hostnet, const struct snapshot_network *networks, unsigned count,
                 struct nexthop_table **table, struct fault *fault)
{
    struct hostnet *made = calloc(1, sizeof(*made));
    struct mirror_wanted *wanted;
    int result;

    assert(count <= NETWORKS_MAX);
    if (made == NULL)
        return fault_set(fault, ENOMEM, "netlink: no memory");
    made->commands = made->thread.commands = made->thread.stop = made->thread.ready = -1;
    made->thread.events = made->thread.socket.fd = made->thread.socket.stop = -1;
    pthread_mutex_init(&made->thread.lock, NULL);
    wanted = &made->thread.wanted;
    wanted->networks = count;
    for (unsigned i = 0; i < count; i++) {
        struct hostnet_place *place = &wanted->places[i];

        strncpy(place->interface, networks[i].interface, IF_NAMESIZE - 1);
        place->vlan = networks[i].vlan;
        place->outer_vlan = networks[i].outer_vlan;
    }
    result = open_descriptors(made);
    if (result == 0)
        result = first_reading(made, table);
    if (result < 0) {
        hostnet_close(made);
        return fault_set(fault, -result, "netlink: the kernel's routes could not be read: %s; start again",
                         strerror(-result));
    }
    *hostnet = made;
    return 0;
}

int hostnet_start(struct hostnet *hostnet, struct fault *fault)
{
    int error = pthread_create(&hostnet->id, NULL, hostnet_thread_run, &hostnet->thread);

    if (error != 0)
        return fault_set(fault, error, "netlink: no thread: %s", strerror(error));
    pthread_setname_np(hostnet->id, "hostnet");
    hostnet->started = true;
    return 0;
}

static bool end_thread(const struct hostnet *hostnet)
{
    struct timespec until;

    eventfd_write(hostnet->thread.stop, 1);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += END_S;
    return pthread_timedjoin_np(hostnet->id, NULL, &until) == 0;
}

void hostnet_close(struct hostnet *hostnet)
{
    struct hostnet_thread *thread;

    if (hostnet == NULL)
        return;
    thread = &hostnet->thread;
    // It waits in the kernel and comes back to what it has: that stays.
    if (hostnet->started && !end_thread(hostnet)) {
        log_event(LOG_WARNING, "hostnet_stuck", "seconds=%d", END_S);
        return;
    }
    const int fds[] = {hostnet->commands, thread->commands, thread->stop,
                       thread->ready,     thread->events,   thread->socket.fd};

    for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    nexthop_destroy(atomic_load(&thread->fresh));
    mirror_free(&thread->mirror);
    pthread_mutex_destroy(&thread->lock);
    free(hostnet);
}

int hostnet_fd(const struct hostnet *hostnet)
{
    return hostnet->thread.ready;
}

struct nexthop_table *hostnet_take(struct hostnet *hostnet)
{
    eventfd_t times;

    eventfd_read(hostnet->thread.ready, &times); // before the table: one that comes now is told again
    return atomic_exchange(&hostnet->thread.fresh, NULL);
}

static bool hand_on(struct hostnet *hostnet, const struct hostnet_command *command)
{
    if (send(hostnet->commands, command, sizeof(*command), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(*command))
        return true;
    hostnet->dropped++;
    return false;
}

static unsigned slot_of(uint8_t network, const struct ip_address *address)
{
    uint64_t words[2];

    memcpy(words, address, sizeof(words));
    return (unsigned)(((words[0] * 31 + words[1] + network) * 0x9e3779b97f4a7c15u) >> 54) % ASKS_SLOTS;
}

bool hostnet_ask(struct hostnet *hostnet, uint8_t network, const struct ip_address *address, uint64_t now_ms)
{
    const struct hostnet_command command = {.kind = HOSTNET_ASK, .network = network, .address = *address};
    unsigned slot = slot_of(network, address);

    if (network >= hostnet->thread.wanted.networks || !ip_is_set(address))
        return false;
    if (ip_equal(&hostnet->asks[slot].address, address) && hostnet->asks[slot].network == network &&
        now_ms - hostnet->asks[slot].when_ms < HOSTNET_ASK_MS)
        return false;
    hostnet->asks[slot].address = *address;
    hostnet->asks[slot].network = network;
    hostnet->asks[slot].when_ms = now_ms;
    return hand_on(hostnet, &command);
}

bool hostnet_narrow(struct hostnet *hostnet, uint8_t network, const struct ip_address *address, uint16_t mtu)
{
    const struct hostnet_command command = {
        .kind = HOSTNET_NARROW, .network = network, .address = *address, .mtu = mtu};

    return network < hostnet->thread.wanted.networks && hand_on(hostnet, &command);
}

void hostnet_watch(struct hostnet *hostnet, const struct snapshot_listener *listeners, unsigned count)
{
    struct mirror_wanted *wanted = &hostnet->thread.wanted;

    assert(count <= LISTENERS_MAX);
    pthread_mutex_lock(&hostnet->thread.lock);
    wanted->addresses = count;
    for (unsigned i = 0; i < count; i++)
        wanted->address[i] = listeners[i].address;
    pthread_mutex_unlock(&hostnet->thread.lock);
    hand_on(hostnet, &(struct hostnet_command){.kind = HOSTNET_WATCH});
}

struct hostnet_counts hostnet_counts(const struct hostnet *hostnet)
{
    const struct hostnet_thread *thread = &hostnet->thread;

    return (struct hostnet_counts){.readings = atomic_load(&thread->readings),
                                   .failures = atomic_load(&thread->failures),
                                   .dropped = hostnet->dropped,
                                   .missing = (uint64_t)__builtin_popcountll(atomic_load(&thread->missing))};
}
