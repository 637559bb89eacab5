// SPDX-License-Identifier: BSD-3-Clause
#include "capture_ring.h"

#include <stddef.h>

void capture_ring_init(struct capture_writer *writer, const struct capture_place *place)
{
    writer->place = place;
    writer->head = place->ring->head;
}

struct capture_record *capture_ring_add(struct capture_writer *writer, uint32_t length)
{
    struct capture_ring *ring = writer->place->ring;
    uint32_t size =
        (uint32_t)(sizeof(struct capture_record) + length + CAPTURE_STEP - 1) & ~(CAPTURE_STEP - 1);
    uint32_t at = (uint32_t)(writer->head % CAPTURE_RING_OCTETS), left = CAPTURE_RING_OCTETS - at;
    uint32_t skip = left < size ? left : 0;
    // Control writes the tail: one that is ahead of us, or too far behind, is no reason to write anywhere.
    uint64_t used = writer->head - __atomic_load_n(writer->place->tail, __ATOMIC_ACQUIRE);
    if (used > CAPTURE_RING_OCTETS || used + skip + size > CAPTURE_RING_OCTETS)
        return NULL;
    if (skip > 0) {
        ((struct capture_record *)(void *)(ring->octets + at))->size = 0; // a step has room for it
        at = 0;
    }
    writer->head += skip + size;
    struct capture_record *record = (struct capture_record *)(void *)(ring->octets + at);
    record->size = size;
    return record;
}

void capture_ring_take_back(struct capture_writer *writer, uint64_t head)
{
    writer->head = head;
}

void capture_ring_publish(struct capture_writer *writer)
{
    __atomic_store_n(&writer->place->ring->head, writer->head, __ATOMIC_RELEASE);
}

void capture_ring_lost(struct capture_writer *writer)
{
    uint64_t *lost = &writer->place->ring->lost;
    __atomic_store_n(lost, *lost + 1, __ATOMIC_RELAXED);
}
