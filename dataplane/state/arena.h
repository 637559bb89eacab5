// SPDX-License-Identifier: BSD-3-Clause
// One worker's memory for text of any length: kept messages, dialogs' strings. A jemalloc arena of its own with its own tcache,
// whose extents come from one region that the caller mapped; blocks are named by their offset in the region, so that the region
// can be mapped elsewhere. Full is an answer. Owned by one thread.
#ifndef DIALGATE_STATE_ARENA_H
#define DIALGATE_STATE_ARENA_H

#include "endpoint.h"

#define ARENA_ALIGN 16u
typedef uint32_t arena_ref; // offset in the region / ARENA_ALIGN; ARENA_NONE: no block
#define ARENA_NONE 0u

struct arena {
    uint8_t *region;
    size_t size;
    size_t taken;     // octets of the region handed to jemalloc
    size_t used;      // octets in blocks now, as jemalloc rounds them
    unsigned arena;   // jemalloc's number
    unsigned tcache;
    uint64_t refused; // requests that found no room
    int64_t fail_at;  // tests: the request number that fails, -1: none
};

// region: ARENA_ALIGN-ed, at least 4 MiB, mapped by the caller and outliving the arena. Returns 0 or -errno.
int arena_init(struct arena *arena, void *region, size_t size);
void arena_fini(struct arena *arena);
// ARENA_NONE when there is no room.
arena_ref arena_get(struct arena *arena, size_t size);
void arena_put(struct arena *arena, arena_ref ref); // ARENA_NONE: nothing happens
static inline void *arena_at(const struct arena *arena, arena_ref ref)
{
    return arena->region + (size_t)ref * ARENA_ALIGN;
}

#endif
