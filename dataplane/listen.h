// SPDX-License-Identifier: BSD-3-Clause
// A kernel UDP socket for each listener. It receives nothing (a filter drops all): it reserves the port,
// keeps the kernel from answering port-unreachable for packets that it sees beside us, and collects ICMP
// errors about what we sent (IP_RECVERR, IPV6_RECVERR).
#ifndef DIALGATE_LISTEN_H
#define DIALGATE_LISTEN_H

#include <stddef.h>
#include "fault.h"
#include "log.h"
#include "dialgate/snapshot.h"

struct listen_socket {
    char name[NAME_SIZE];
    struct ip_address address;
    uint16_t port;
    int fd;
};

// An ICMP error about a datagram that left by a listener: of ICMP for an IPv4 address, of ICMPv6 for another.
struct listen_error {
    struct ip_address address; // where the datagram was to go
    uint16_t port;
    uint8_t type;
    uint8_t code;
    uint32_t mtu;       // of an error about its size: what its sender takes
    unsigned listener;  // index
    const void *quoted; // the beginning of its payload
    size_t quoted_length;
};
typedef void listen_taker(void *context, const struct listen_error *error);

struct listen_set {
    struct listen_socket sockets[LISTENERS_MAX];
    unsigned count;
    uint64_t errors; // ICMP errors taken from the error queues
    struct log_limit limit;
};

// Makes set hold exactly these listeners, in their order: keeps the sockets of addresses that stay, opens new
// ones, closes the rest. Whole or nothing. Returns 0 or -errno with fault.
int listen_update(struct listen_set *set, const struct snapshot_listener *listeners, unsigned count,
                  struct fault *fault);
// Takes what waits on the error queues, at most so many a socket and call that a flood of them keeps nobody
// else waiting.
void listen_drain(struct listen_set *set, listen_taker *take, void *context);
void listen_close(struct listen_set *set);

#endif
