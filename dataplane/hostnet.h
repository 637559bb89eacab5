// SPDX-License-Identifier: BSD-3-Clause
// The kernel's links, addresses, routes and neighbours, mirrored by netlink for the workers' next hops.
//
// A change that concerns our interfaces only marks the mirror as old; then all of it is read anew. That
// cannot drift from the kernel, survives lost notifications (ENOBUFS) by itself, and is paced by its own
// cost, so that a routing daemon in motion never takes more than a tenth of the agent's CPU.
//
// A thread of its own does it. The kernel holds a lock while it changes anything about networks, in any
// namespace, for tens of seconds when it takes many of them down, and whoever writes to netlink waits for
// that lock inside the system call. The agent only hands over questions and takes finished tables.
#ifndef DIALGATE_HOSTNET_H
#define DIALGATE_HOSTNET_H

#include "fault.h"
#include "nexthop.h"

#define HOSTNET_REFRESH_MS 10u     // between two readings, at least
#define HOSTNET_RETRY_MS   1000u   // after one that failed
#define HOSTNET_ASK_MS     1000u   // between two questions for one neighbour, at least
#define HOSTNET_PATHS_MAX  256u    // path MTUs that are remembered
#define HOSTNET_PATH_MS    600000u // and for how long (RFC 8201 5.3, RFC 1191 6.3)

struct hostnet;

// Reads the kernel's tables for count networks, by index, waiting for the kernel; *table is the caller's.
// Returns 0 or -errno with fault.
int hostnet_open(struct hostnet **hostnet, const struct snapshot_network *networks, unsigned count,
                 struct nexthop_table **table, struct fault *fault);
// From now on the thread works, on the caller's CPUs. Returns 0 or -errno with fault.
int hostnet_start(struct hostnet *hostnet, struct fault *fault);
void hostnet_close(struct hostnet *hostnet);

// Readable when hostnet_take() has something.
int hostnet_fd(const struct hostnet *hostnet);
// The newest table, which is the caller's, NULL: it has it.
struct nexthop_table *hostnet_take(struct hostnet *hostnet);

// None of these waits for the kernel; what the thread has no time for is dropped and counted.

// Makes the kernel resolve this neighbour and keep it resolved, unless that was asked less than
// HOSTNET_ASK_MS ago or an operator has set it. Where the kernel is too old to keep it (before 5.16) it
// resolves it once. Returns true when it was handed on.
bool hostnet_ask(struct hostnet *hostnet, uint8_t network, const struct ip_address *address, uint64_t now_ms);
// A router refused what was longer than this on its way to address: for HOSTNET_PATH_MS nothing longer is to
// be sent there.
bool hostnet_narrow(struct hostnet *hostnet, uint8_t network, const struct ip_address *address, uint16_t mtu);
// The addresses of our listeners: the log tells when the machine has one of them no more.
void hostnet_watch(struct hostnet *hostnet, const struct snapshot_listener *listeners, unsigned count);

struct hostnet_counts {
    uint64_t readings; // of the kernel's tables, that succeeded
    uint64_t failures;
    uint64_t dropped; // questions and path MTUs, as the thread was waiting for the kernel
    uint64_t missing; // listeners' addresses that the machine does not have now
};
struct hostnet_counts hostnet_counts(const struct hostnet *hostnet);

#endif
