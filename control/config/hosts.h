// SPDX-License-Identifier: BSD-3-Clause
// What DNS said of the hosts under peers[].members[], and the members that are made of it: one for each
// address, with its host's capacity and calls_per_second. Who asks DNS is not this library's business.
#ifndef DIALGATE_CONFIG_HOSTS_H
#define DIALGATE_CONFIG_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/snapshot.h"

#define HOST_ADDRESSES_MAX 16u
#define HOST_NAME_SIZE     108u // octets of a host's name, with its NUL: a text of the configuration

struct config;

struct host_address {
    struct ip_address address;
    uint16_t port;  // host order; 0: the member's own
    uint16_t rank;  // of its SRV priority (RFC 2782) among those of the answer, from 0
    uint16_t share; // its SRV weight as per cent of the largest one of its rank, 1 .. 100
};

struct host {
    char name[HOST_NAME_SIZE];
    int64_t resolved; // seconds since 1970; 0: never
    uint32_t count;
    struct host_address addresses[HOST_ADDRESSES_MAX]; // by rank, address, port; behind count zero
};

struct hosts {
    struct host *rows; // sorted by name, no name twice
    size_t count;
};

// The row of a name, NULL when there is none; hosts may be NULL.
const struct host *hosts_find(const struct hosts *hosts, const char *name);

// The names in the configuration as rows without addresses. Returns 0 or -ENOMEM; rows are freed with free().
int hosts_of_config(const struct config *config, struct hosts *hosts);

// An address that is not made a member, and why.
struct host_drop {
    const char *peer;
    const char *host;
    struct ip_address address;
    const char *reason;
};
typedef void host_dropped(void *context, const struct host_drop *drop);

// A copy of config whose members have addresses only: a host that has none is left out. It shares everything
// but peers and members with config, which must outlive it; hosts_free_expanded() frees it. Dropped are
// addresses that no member may have, those that are another peer's (its sources, its members, or a host of an
// earlier peer: a name is not to take a peer's calls), our own listeners, and what is beyond MEMBERS_MAX.
// Returns NULL without memory.
//
// The SRV priority ranks within the member's own priority: the pairs of both are numbered anew from 1 in such
// a peer (16 at most, later ones share the last). The SRV weight is a share of the member's own weight.
struct config *hosts_expand(const struct config *config, const struct hosts *hosts, host_dropped *dropped,
                            void *context);
void hosts_free_expanded(struct config *expanded);

// The host of the peer's member with this address and port (host order), NULL when it stands there by
// address.
const struct host *hosts_of_member(const struct config *config, const struct hosts *hosts, const char *peer,
                                   const struct snapshot_member *member);

// How many members' hosts a peer has, and the names by index; NULL behind the last.
const char *hosts_of_peer(const struct config *config, const char *peer, size_t index);

#endif
