// SPDX-License-Identifier: BSD-3-Clause
#include "event_ring.h"

#include <errno.h>
#include <stdlib.h>

int event_ring_open(struct event_ring *ring, uint64_t room, size_t octets_most)
{
    *ring = (struct event_ring){.room = room, .octets_most = octets_most};
    ring->kept = calloc(room, sizeof(*ring->kept));
    return ring->kept ? 0 : -ENOMEM;
}

static void forget(struct event_ring *ring, uint64_t number)
{
    struct event_kept *kept = &ring->kept[number % ring->room];
    free(kept->line);
    ring->octets -= kept->length;
    *kept = (struct event_kept){0};
    ring->forgotten = number;
}

void event_ring_close(struct event_ring *ring)
{
    for (uint64_t i = 0; ring->kept && i < ring->room; i++)
        free(ring->kept[i].line);
    free(ring->kept);
    ring->kept = NULL;
}

uint64_t event_ring_first(const struct event_ring *ring)
{
    return ring->forgotten + 1;
}

const struct event_kept *event_ring_at(const struct event_ring *ring, uint64_t number)
{
    if (number <= ring->forgotten || number > ring->last)
        return NULL;
    const struct event_kept *kept = &ring->kept[number % ring->room];
    return kept->line ? kept : NULL;
}

uint64_t event_ring_next(const struct event_ring *ring, uint64_t number)
{
    while (number <= ring->last && !event_ring_at(ring, number))
        number = number <= ring->forgotten ? ring->forgotten + 1 : number + 1;
    return number;
}

void event_ring_add(struct event_ring *ring, const struct event_kept *event)
{
    if (ring->last - ring->forgotten == ring->room)
        forget(ring, ring->forgotten + 1);
    ring->kept[++ring->last % ring->room] = *event;
    ring->octets += event->length;
    while (ring->octets_most && ring->octets > ring->octets_most && ring->forgotten + 1 < ring->last)
        forget(ring, ring->forgotten + 1);
}

void event_ring_resize(struct event_ring *ring, uint64_t room)
{
    struct event_kept *kept = calloc(room, sizeof(*kept));
    if (!kept)
        return;
    while (ring->last - ring->forgotten > room)
        forget(ring, ring->forgotten + 1);
    for (uint64_t number = ring->forgotten + 1; number <= ring->last; number++)
        kept[number % room] = ring->kept[number % ring->room];
    free(ring->kept);
    ring->kept = kept;
    ring->room = room;
}
