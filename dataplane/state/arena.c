// SPDX-License-Identifier: BSD-3-Clause
// jemalloc asks for extents by hooks; we hand out the region from its start to its end and take nothing back:
// what jemalloc frees it keeps and uses again. The hooks lie at the region's end. No hook makes a system
// call.
//
// retain_grow_limit keeps the growth at 2 MiB a step, or jemalloc would take ever larger steps and leave the
// end of the region unused. Decay is off: no purging on the path.
#include "arena.h"

#include <errno.h>
#include <jemalloc/jemalloc.h>
#include <stdio.h>
#include <string.h>

#define REGION_MIN ((size_t)4 << 20)
#define REGION_MAX ((size_t)UINT32_MAX * ARENA_ALIGN)
#define GROW_LIMIT ((size_t)2 << 20)

struct arena_hooks {
    extent_hooks_t hooks; // first: jemalloc hands us its address
    struct arena *arena;
};

static void *extent_take(extent_hooks_t *hooks, void *wanted, size_t size, size_t alignment, bool *zero,
                         bool *commit, unsigned number)
{
    struct arena *arena = ((struct arena_hooks *)hooks)->arena;
    uintptr_t end = (uintptr_t)hooks;
    uintptr_t start = (uintptr_t)arena->region + arena->taken;
    start = (start + alignment - 1) & ~(uintptr_t)(alignment - 1);
    if (start > end || end - start < size || (wanted != NULL && (uintptr_t)wanted != start))
        return NULL;
    size_t offset = start - (uintptr_t)arena->region;
    arena->taken = offset + size;
    if (*zero)
        memset(arena->region + offset, 0, size);
    *commit = true;
    return arena->region + offset;
}

// true: refused; jemalloc keeps the extent.
static bool extent_return(extent_hooks_t *hooks, void *extent, size_t size, bool committed, unsigned number)
{
    return true;
}

// false: done; the region is one mapping, there is nothing to do.
static bool extent_split(extent_hooks_t *hooks, void *extent, size_t size, size_t a, size_t b, bool committed,
                         unsigned number)
{
    return false;
}

static bool extent_merge(extent_hooks_t *hooks, void *a, size_t size_a, void *b, size_t size_b,
                         bool committed, unsigned number)
{
    return false;
}

static int arena_option(unsigned number, const char *option, void *value, size_t size)
{
    char name[64];
    snprintf(name, sizeof(name), "arena.%u.%s", number, option);
    return -mallctl(name, NULL, NULL, value, size);
}

int arena_init(struct arena *arena, void *region, size_t size)
{
    if ((uintptr_t)region % ARENA_ALIGN != 0 || size % ARENA_ALIGN != 0 || size < REGION_MIN ||
        size > REGION_MAX)
        return -EINVAL;
    struct arena_hooks *hooks = (struct arena_hooks *)(void *)((uint8_t *)region + size) - 1;
    extent_hooks_t *given = &hooks->hooks;
    size_t length = sizeof(unsigned);
    size_t grow = GROW_LIMIT;
    ssize_t never = -1;
    int result;
    static_assert(sizeof(struct arena_hooks) % ARENA_ALIGN == 0, "at the region's end");

    *arena = (struct arena){.region = region, .size = size, .fail_at = -1};
    *hooks = (struct arena_hooks){.hooks = {.alloc = extent_take,
                                            .dalloc = extent_return,
                                            .split = extent_split,
                                            .merge = extent_merge},
                                  .arena = arena};
    if (mallctl("arenas.create", &arena->arena, &length, &given, sizeof(given)) != 0)
        return -ENOMEM;
    if ((result = arena_option(arena->arena, "retain_grow_limit", &grow, sizeof(grow))) != 0 ||
        (result = arena_option(arena->arena, "dirty_decay_ms", &never, sizeof(never))) != 0 ||
        (result = arena_option(arena->arena, "muzzy_decay_ms", &never, sizeof(never))) != 0 ||
        (result = -mallctl("tcache.create", &arena->tcache, &length, NULL, 0)) != 0)
        arena_option(arena->arena, "destroy", NULL, 0);
    return result;
}

void arena_fini(struct arena *arena)
{
    mallctl("tcache.destroy", NULL, NULL, &arena->tcache, sizeof(arena->tcache));
    arena_option(arena->arena, "destroy", NULL, 0);
    *arena = (struct arena){.fail_at = -1};
}

arena_ref arena_get(struct arena *arena, size_t size)
{
    int flags = MALLOCX_ARENA(arena->arena) | MALLOCX_TCACHE(arena->tcache);
    void *block = NULL;
    bool fails = arena->fail_at >= 0 && arena->fail_at-- == 0;
    // The smallest class that jemalloc aligns to ARENA_ALIGN. Larger than the region: never asked, since the
    // sum would overflow.
    if (!fails && size <= arena->size)
        block = mallocx(size < ARENA_ALIGN ? ARENA_ALIGN : size, flags);
    if (block == NULL) {
        arena->refused++;
        return ARENA_NONE;
    }
    arena->used += sallocx(block, 0);
    return (arena_ref)((size_t)((uint8_t *)block - arena->region) / ARENA_ALIGN);
}

void arena_put(struct arena *arena, arena_ref ref)
{
    if (ref == ARENA_NONE)
        return;
    void *block = arena_at(arena, ref);
    arena->used -= sallocx(block, 0);
    dallocx(block, MALLOCX_TCACHE(arena->tcache));
}
