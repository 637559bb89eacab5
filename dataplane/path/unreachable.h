// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors about what we sent (RFC 3261 18.4), on their way from the agent, which reads them, to the
// worker whose transaction they are about. An ICMP message proves nothing: whoever knows two addresses can
// write one. What counts is the branch in the quoted request: it must have the 64-bit keyed hash of a client
// transaction that still waits for an answer, and what was quoted must have gone where that transaction
// sends.
#ifndef DIALGATE_PATH_UNREACHABLE_H
#define DIALGATE_PATH_UNREACHABLE_H

#include <stdbool.h>
#include <stdint.h>
#include "cookie.h"
#include "dialgate/snapshot.h"
#include "dialgate/address.h"

struct unreachable {
    struct ip_address address; // where it was to go
    uint16_t port;
    uint16_t member; // NUMBER_NONE, or all that is said: this one may not be reachable
    char branch[COOKIE_BRANCH_LENGTH];
};

#define UNREACHABLES        128u // a power of two
#define UNREACHABLES_A_TURN 16u

struct unreachables {           // zeroed memory is an empty ring
    uint32_t head;              // next to be written: the agent writes, the worker reads
    uint32_t ignored;           // errors that were about nothing of ours, or found the ring full: the same
    uint32_t narrowed;          // errors about the length of a datagram: the same
    _Alignas(64) uint32_t tail; // next to be read: the worker writes, the agent reads
    uint32_t counted;           // of ignored: the worker's own
    uint32_t counted_narrowed;  // of narrowed: the same
    _Alignas(64) struct unreachable ring[UNREACHABLES];
};

// For the agent. What finds no room is ignored: timers do their work without it.
void unreachable_put(struct unreachables *ring, const struct unreachable *error);
void unreachable_ignore(struct unreachables *ring);
void unreachable_narrowed(struct unreachables *ring);
// This member may not be reachable, says somebody. Whoever probes it is to look soon. Half of the ring is for
// errors that have a branch.
void unreachable_suspect(struct unreachables *ring, uint16_t member);

struct worker;
// Takes what came. Returns how much.
unsigned unreachable_slice(struct worker *worker);

#endif
