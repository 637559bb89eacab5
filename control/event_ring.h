// SPDX-License-Identifier: BSD-3-Clause
// The newest lines of a stream of events, numbered from 1. Readers have a number as their place: so a slow
// one costs nothing but its place, and sees which numbers went before it came.
#ifndef DIALGATE_CONTROL_EVENT_RING_H
#define DIALGATE_CONTROL_EVENT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_kept {
    char *line; // without its end; NULL: there was no memory for it
    size_t length;
    uint64_t call;
    uint16_t peers[2];
    uint8_t kind;
    bool everybody;
};

struct event_ring {
    uint64_t last;           // number of the newest event, 0: none yet
    uint64_t forgotten;      // this one and those before it are gone
    uint64_t room;           // events, 0: not open
    size_t octets;           // of the lines that are kept
    size_t octets_most;      // 0: no bound
    struct event_kept *kept; // number % room
};

// Returns 0 or -ENOMEM.
int event_ring_open(struct event_ring *ring, uint64_t room, size_t octets_most);
void event_ring_close(struct event_ring *ring);

// As number last + 1; takes the line.
void event_ring_add(struct event_ring *ring, const struct event_kept *event);

// The oldest number that is kept; last + 1: none is.
uint64_t event_ring_first(const struct event_ring *ring);
// NULL: it is not kept.
const struct event_kept *event_ring_at(const struct event_ring *ring, uint64_t number);
// The first number from this one on that is kept, or last + 1.
uint64_t event_ring_next(const struct event_ring *ring, uint64_t number);

// The newest that fit stay. Without memory nothing changes.
void event_ring_resize(struct event_ring *ring, uint64_t room);

#endif
