// SPDX-License-Identifier: BSD-3-Clause
// The kernel's links, IPv4 routes and neighbours, mirrored by netlink for the workers' next hops.
//
// A change that concerns our interfaces only marks the mirror as old; hostnet_refresh() then reads links,
// routes and neighbours anew. That cannot drift from the kernel, survives lost notifications (ENOBUFS) by
// itself, and is paced by its own cost, so that a routing daemon in motion never takes more than a tenth of
// the agent's time.
#ifndef DIALGATE_HOSTNET_H
#define DIALGATE_HOSTNET_H

#include "fault.h"
#include "nexthop.h"

#define HOSTNET_REFRESH_MS 10u   // between two readings, at least
#define HOSTNET_ASK_MS     1000u // between two questions for one neighbour, at least

struct hostnet;

// networks: count of them, by index. Returns 0 or -errno with fault.
int hostnet_open(struct hostnet **hostnet, const struct snapshot_network *networks, unsigned count,
                 struct fault *fault);
void hostnet_close(struct hostnet *hostnet);

// Readable when the kernel has changes to tell.
int hostnet_fd(const struct hostnet *hostnet);
// Takes the notifications that wait.
void hostnet_read(struct hostnet *hostnet);
// A new table when something changed and the last reading is long enough ago, NULL otherwise. The caller owns
// it.
struct nexthop_table *hostnet_refresh(struct hostnet *hostnet, uint64_t now_ms);

// Makes the kernel resolve this neighbour and keep it resolved, unless that was asked less than
// HOSTNET_ASK_MS ago. Where the kernel is too old to keep it (before 5.16) it resolves it once. address: host
// order. Returns true when the kernel was asked.
bool hostnet_ask(struct hostnet *hostnet, uint8_t network, uint32_t address, uint64_t now_ms);
// True when the kernel keeps what was asked for; else ask again from time to time.
bool hostnet_keeps(const struct hostnet *hostnet);

#endif
