// SPDX-License-Identifier: BSD-3-Clause
// One worker's memory for text of any length: kept messages, dialogs' strings. A jemalloc arena of its own
// with its own tcache, whose extents come from one region that the caller mapped; blocks are named by their
// offset in the region, so that the region can be mapped elsewhere. Full is an answer. Owned by one thread.
#ifndef DIALGATE_STATE_ARENA_H
#define DIALGATE_STATE_ARENA_H

#include "endpoint.h"

#define ARENA_ALIGN 16u
typedef uint32_t arena_ref; // offset in the region / ARENA_ALIGN; ARENA_NONE: no block
#define ARENA_NONE 0u

struct arena {
    uint8_t *region;
    size_t size;
    size_t taken;   // octets of the region handed to jemalloc
    size_t used;    // octets in blocks now, as jemalloc rounds them
    unsigned arena; // jemalloc's number
    unsigned tcache;
    unsigned puts;     // blocks given back since the cache was last emptied
    uint64_t hooks[9]; // jemalloc's extent hooks, known to arena.c alone
    uint64_t refused;  // requests that found no room
    int64_t fail_at;   // tests: so many more requests succeed and then one fails; -1: none fails
};

// region: mapped by the caller and outliving the arena, at least 4 MiB and best aligned to 2 MiB: the first 2
// MiB at such an address are jemalloc's, what lies before is lost. region and size are multiples of
// ARENA_ALIGN. The struct stays where it is until arena_fini(). Returns 0, -EINVAL for a region that does not
// fit these rules, or -ENOMEM.
int arena_init(struct arena *arena, void *region, size_t size);
// All blocks are gone; the region is the caller's again.
void arena_fini(struct arena *arena);
// ARENA_NONE when there is no room.
arena_ref arena_get(struct arena *arena, size_t size);
void arena_put(struct arena *arena, arena_ref ref); // ARENA_NONE: nothing happens
static inline void *arena_at(const struct arena *arena, arena_ref ref)
{
    return arena->region + (size_t)ref * ARENA_ALIGN;
}

#endif
