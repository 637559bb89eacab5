// SPDX-License-Identifier: BSD-3-Clause
// jemalloc asks for extents by hooks; we hand out the region from its start to its end and take nothing back:
// what jemalloc frees it keeps and uses again. No hook makes a system call. The hooks lie in struct arena,
// whose address they lead to.
//
// retain_grow_limit keeps the growth at 2 MiB a step, or jemalloc would take ever larger steps and leave the
// end of the region unused. Decay is 0: without purging hooks it costs nothing, and freed extents go at once
// to where neighbours are joined. With decay off (-1) they wait unjoined for ever, and an arena that was once
// full of one size has no room for a larger one.
#include "arena.h"

#include <errno.h>
#include <jemalloc/jemalloc.h>
#include <string.h>

#define REGION_MIN ((size_t)4 << 20)
#define REGION_MAX ((size_t)UINT32_MAX * ARENA_ALIGN)
#define GROW_LIMIT ((size_t)2 << 20)

// A full arena empties its cache after so many blocks came back: emptying takes 10 us.
#define PUTS_TO_EMPTY 64u

static_assert(sizeof(extent_hooks_t) == sizeof(((struct arena *)NULL)->hooks), "room for the hooks");

static void *extent_take(extent_hooks_t *hooks, void *wanted, size_t size, size_t alignment, bool *zero,
                         bool *commit, unsigned number)
{
    struct arena *arena = (struct arena *)(void *)((uint8_t *)hooks - offsetof(struct arena, hooks));
    uintptr_t end = (uintptr_t)arena->region + arena->size;
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
    // "arena.0.OPTION" as numbers, the second of which is the arena: no text is made here.
    size_t path[4];
    size_t length = sizeof(path) / sizeof(path[0]);
    int result = mallctlnametomib(option, path, &length);
    path[1] = number;
    return result != 0 ? -result : -mallctlbymib(path, length, NULL, NULL, value, size);
}

int arena_init(struct arena *arena, void *region, size_t size)
{
    if ((uintptr_t)region % ARENA_ALIGN != 0 || size % ARENA_ALIGN != 0 || size < REGION_MIN ||
        size > REGION_MAX)
        return -EINVAL;
    static const extent_hooks_t hooks = {
        .alloc = extent_take, .dalloc = extent_return, .split = extent_split, .merge = extent_merge};
    size_t length = sizeof(unsigned);
    size_t grow = GROW_LIMIT;
    ssize_t at_once = 0;
    int result;

    *arena = (struct arena){.region = region, .size = size, .fail_at = -1};
    memcpy(arena->hooks, &hooks, sizeof(hooks));
    extent_hooks_t *given = (extent_hooks_t *)(void *)arena->hooks;
    // NOLINTNEXTLINE(bugprone-sizeof-expression): jemalloc takes the pointer itself as the new value
    if (mallctl("arenas.create", &arena->arena, &length, &given, sizeof(given)) != 0)
        return -ENOMEM;
    if ((result = arena_option(arena->arena, "arena.0.retain_grow_limit", &grow, sizeof(grow))) != 0 ||
        (result = arena_option(arena->arena, "arena.0.dirty_decay_ms", &at_once, sizeof(at_once))) != 0 ||
        (result = arena_option(arena->arena, "arena.0.muzzy_decay_ms", &at_once, sizeof(at_once))) != 0 ||
        (result = -mallctl("tcache.create", &arena->tcache, &length, NULL, 0)) != 0)
        arena_option(arena->arena, "arena.0.destroy", NULL, 0);
    return result;
}

void arena_fini(struct arena *arena)
{
    mallctl("tcache.destroy", NULL, NULL, &arena->tcache, sizeof(arena->tcache));
    arena_option(arena->arena, "arena.0.destroy", NULL, 0);
    *arena = (struct arena){.fail_at = -1};
}

static void *block_take(struct arena *arena, size_t size)
{
    int flags = MALLOCX_ARENA(arena->arena) | MALLOCX_TCACHE(arena->tcache);
    if (size < ARENA_ALIGN) // the smallest class that jemalloc aligns so
        size = ARENA_ALIGN;
    void *block = mallocx(size, flags);
    if (block != NULL || arena->puts < PUTS_TO_EMPTY)
        return block;
    // What other sizes have cached may hold whole extents.
    mallctl("tcache.flush", NULL, NULL, &arena->tcache, sizeof(arena->tcache));
    arena->puts = 0;
    return mallocx(size, flags);
}

arena_ref arena_get(struct arena *arena, size_t size)
{
    bool fails = arena->fail_at >= 0 && arena->fail_at-- == 0;
    void *block = fails ? NULL : block_take(arena, size);
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
    arena->puts++;
    dallocx(block, MALLOCX_TCACHE(arena->tcache));
}
