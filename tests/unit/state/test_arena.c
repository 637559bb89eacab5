// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "arena.h"

#define MIB ((size_t)1 << 20)
enum { BLOCKS = 200000 };

static void *region_make(size_t size)
{
    void *region = aligned_alloc(2 * MIB, size);
    assert_non_null(region);
    memset(region, 0xa5, size);
    return region;
}

// Gets blocks until the arena is full; each is filled with its number. Returns how many there are.
static unsigned fill(struct arena *arena, arena_ref *refs, size_t size)
{
    unsigned count = 0;
    while (count < BLOCKS && (refs[count] = arena_get(arena, size)) != ARENA_NONE) {
        memset(arena_at(arena, refs[count]), (int)(count & 0xff), size);
        count++;
    }
    assert_true(count < BLOCKS);
    return count;
}

static void check(const struct arena *arena, const arena_ref *refs, unsigned count, size_t size)
{
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *block = arena_at(arena, refs[i]);
        assert_int_equal((uintptr_t)block % ARENA_ALIGN, 0);
        assert_true(block >= arena->region && block + size <= arena->region + arena->size);
        assert_int_equal(block[0], i & 0xff);
        assert_int_equal(block[size - 1], i & 0xff);
    }
}

static void full_is_an_answer(void **state)
{
    void *region = region_make(8 * MIB);
    arena_ref *refs = calloc(BLOCKS, sizeof(*refs));
    struct arena arena;
    assert_int_equal(arena_init(&arena, region, 8 * MIB), 0);
    unsigned count = fill(&arena, refs, 128);
    check(&arena, refs, count, 128);
    assert_true(arena.refused > 0);
    // jemalloc's own 2 MiB excepted, nearly all of the region is in use.
    assert_int_equal(arena.used, (size_t)count * 128);
    assert_true(arena.used > 5 * MIB);
    assert_true(arena.taken <= arena.size);
    for (unsigned i = 0; i < count; i++)
        arena_put(&arena, refs[i]);
    assert_int_equal(arena.used, 0);
    arena_fini(&arena);
    free(refs);
    free(region);
}

// Of a region that was once full of one size, another size gets all but a slab's rounding; the region does
// not grow.
static void memory_is_used_again(void **state)
{
    static const struct {
        size_t size;
        unsigned least; // blocks
    } rows[] = {{128, 48000}, {48, 100000}, {700, 7800}, {4000, 1500},
                {100, 54000}, {20000, 240}, {128, 48000}};
    void *region = region_make(8 * MIB);
    arena_ref *refs = calloc(BLOCKS, sizeof(*refs));
    struct arena arena;
    assert_int_equal(arena_init(&arena, region, 8 * MIB), 0);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        unsigned count = fill(&arena, refs, rows[r].size);
        if (count < rows[r].least)
            fail_msg("%zu octets: %u blocks", rows[r].size, count);
        check(&arena, refs, count, rows[r].size);
        for (unsigned i = 0; i < count; i++)
            arena_put(&arena, refs[i]);
        assert_int_equal(arena.used, 0);
    }
    arena_fini(&arena);
    free(refs);
    free(region);
}

static void odd_sizes(void **state)
{
    static const size_t sizes[] = {8 * MIB, 9 * MIB, SIZE_MAX / 2, SIZE_MAX - 100, SIZE_MAX};
    void *region = region_make(8 * MIB);
    struct arena arena;
    assert_int_equal(arena_init(&arena, region, 8 * MIB), 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        assert_int_equal(arena_get(&arena, sizes[i]), ARENA_NONE);
    assert_int_equal(arena.refused, 5);
    // jemalloc aligns its smallest class to 8 octets only.
    for (size_t size = 1; size <= 32; size++) {
        arena_ref one = arena_get(&arena, size);
        arena_ref two = arena_get(&arena, size);
        assert_true((one > two ? one - two : two - one) * ARENA_ALIGN >= size);
        arena_put(&arena, one);
        arena_put(&arena, two);
    }
    arena_ref nothing = arena_get(&arena, 0);
    assert_int_not_equal(nothing, ARENA_NONE);
    arena_put(&arena, nothing);
    arena_put(&arena, ARENA_NONE);
    assert_int_equal(arena.used, 0);
    arena_fini(&arena);
    free(region);
}

static void a_wrong_region_is_refused(void **state)
{
    uint8_t *region = region_make(8 * MIB);
    struct arena arena;
    assert_int_equal(arena_init(&arena, region + 8, 7 * MIB), -EINVAL);
    assert_int_equal(arena_init(&arena, region, 4 * MIB - 16), -EINVAL);
    assert_int_equal(arena_init(&arena, region, 8 * MIB - 1), -EINVAL);
    // Not aligned to 2 MiB: what lies before the boundary is lost, the rest works.
    assert_int_equal(arena_init(&arena, region + 16, 8 * MIB - 16), 0);
    assert_int_not_equal(arena_get(&arena, 100), ARENA_NONE);
    arena_fini(&arena);
    free(region);
}

static void the_chosen_request_fails(void **state)
{
    void *region = region_make(8 * MIB);
    struct arena arena;
    assert_int_equal(arena_init(&arena, region, 8 * MIB), 0);
    arena.fail_at = 2;
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(arena_get(&arena, 64) == ARENA_NONE, i == 2);
    assert_int_equal(arena.refused, 1);
    arena_fini(&arena);
    free(region);
}

// Two arenas in one thread, as in a test or a process with one worker after another; numbers are used again.
static void arenas_are_apart(void **state)
{
    uint8_t *region = region_make(16 * MIB);
    struct arena a, b;
    for (unsigned round = 0; round < 20; round++) {
        assert_int_equal(arena_init(&a, region, 8 * MIB), 0);
        assert_int_equal(arena_init(&b, region + 8 * MIB, 8 * MIB), 0);
        for (unsigned i = 0; i < 100; i++) {
            uint8_t *in_a = arena_at(&a, arena_get(&a, 200));
            uint8_t *in_b = arena_at(&b, arena_get(&b, 200));
            assert_true(in_a > region && in_a < region + 8 * MIB);
            assert_true(in_b > region + 8 * MIB && in_b < region + 16 * MIB);
        }
        arena_fini(&a);
        arena_fini(&b);
    }
    free(region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_is_an_answer),
        cmocka_unit_test(memory_is_used_again),
        cmocka_unit_test(odd_sizes),
        cmocka_unit_test(a_wrong_region_is_refused),
        cmocka_unit_test(the_chosen_request_fails),
        cmocka_unit_test(arenas_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
