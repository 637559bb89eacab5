// SPDX-License-Identifier: BSD-3-Clause
// The worker's end of its ring of captured messages (dialgate/capture.h). Records are added, filled in, and
// seen by the reader when they are published; what is not wanted after all is taken back before that.
#ifndef DIALGATE_PATH_CAPTURE_RING_H
#define DIALGATE_PATH_CAPTURE_RING_H

#include "dialgate/capture.h"

// Where a worker's captures go.
struct capture_place {
    struct capture_ring *ring;
    struct capture_count *counts; // CAPTURES_MAX, all workers'
    const uint64_t *tail;         // control writes
};

struct capture_writer {
    const struct capture_place *place;
    uint64_t head; // behind what was added, published or not
};

// Goes on where the ring was left.
void capture_ring_init(struct capture_writer *writer, const struct capture_place *place);
// Room for a record with so many octets behind it; its size is set. NULL: the ring is full.
struct capture_record *capture_ring_add(struct capture_writer *writer, uint32_t length);
// All that was added since head was this, which was not published.
void capture_ring_take_back(struct capture_writer *writer, uint64_t head);
void capture_ring_publish(struct capture_writer *writer);
void capture_ring_lost(struct capture_writer *writer); // counts one

#endif
