// SPDX-License-Identifier: BSD-3-Clause
// Messages of any length between the agent and one worker, one ring each way: one writer, one reader, no
// locked instruction, no system call. Each message lies whole in the ring, never across its end.
#ifndef DIALGATE_PATH_UA_RING_H
#define DIALGATE_PATH_UA_RING_H

#include <stdbool.h>
#include <stdint.h>

#define UA_RING_MESSAGE_MAX 65536u // octets of one message

struct ua_ring {   // zeroed memory with size set is an empty ring
    uint32_t size; // of octets, a power of two, at least 4 * UA_RING_MESSAGE_MAX
    uint32_t reserved[15];
    _Alignas(64) uint64_t head; // octets ever published: the writer writes
    uint64_t lost;              // messages that found no room: the writer writes
    uint64_t added;             // octets ever added, head or beyond: the writer's own
    _Alignas(64) uint64_t tail; // octets ever read: the reader writes
    _Alignas(64) uint8_t octets[];
};

// Room for a message of so many octets, 8-octet aligned; it is seen by the reader after ua_ring_publish(),
// with all that were added before. NULL: full, or too long; counted as lost.
void *ua_ring_add(struct ua_ring *ring, uint32_t length);
void ua_ring_publish(struct ua_ring *ring);
bool ua_ring_is_half_full(const struct ua_ring *ring); // for the writer
// The oldest message, valid until ua_ring_drop(). NULL: none.
const void *ua_ring_first(const struct ua_ring *ring, uint32_t *length);
void ua_ring_drop(struct ua_ring *ring);

#endif
