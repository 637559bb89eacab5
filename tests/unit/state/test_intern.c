// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "check.h"
#include "intern.h"

#define REGION ((size_t)8 << 20)
#define CAP    16u

struct world {
    void *region;
    void *memory;
    struct arena arena;
    struct intern intern;
};

static void world_begin(struct world *world)
{
    world->region = aligned_alloc((size_t)2 << 20, REGION);
    world->memory = aligned_alloc(64, intern_memory(CAP));
    assert_non_null(world->region);
    assert_non_null(world->memory);
    memset(world->region, 0x5a, REGION);
    assert_int_equal(arena_init(&world->arena, world->region, REGION), 0);
    intern_init(&world->intern, world->memory, CAP, &world->arena);
    world->intern.key = (struct siphash_key){{1, 2}};
}

static void world_end(struct world *world)
{
    assert_int_equal(world->intern.table.count, 0);
    assert_int_equal(world->arena.used, 0);
    arena_fini(&world->arena);
    free(world->memory);
    free(world->region);
}

static struct region region_of(const struct world *world)
{
    return (struct region){world->region, REGION};
}

static void assert_reads(const struct world *world, arena_ref ref, const char *text)
{
    const uint8_t *octets;
    uint32_t length;
    assert_true(intern_read(region_of(world), ref, &octets, &length));
    assert_int_equal(length, strlen(text));
    assert_memory_equal(octets, text, length);
}

static void a_text_is_kept_once(void **state)
{
    struct world world;
    world_begin(&world);
    arena_ref a = intern_get(&world.intern, "@192.0.2.1>", 11);
    arena_ref b = intern_get(&world.intern, "@192.0.2.2>", 11);
    assert_int_not_equal(a, ARENA_NONE);
    assert_int_not_equal(a, b);
    assert_int_equal(intern_get(&world.intern, "@192.0.2.1>", 11), a);
    // A text that begins like another one is another one.
    arena_ref c = intern_get(&world.intern, "@192.0.2.1>", 10);
    assert_int_not_equal(c, a);
    assert_reads(&world, a, "@192.0.2.1>");
    assert_reads(&world, b, "@192.0.2.2>");
    assert_reads(&world, c, "@192.0.2.1");
    intern_put(&world.intern, a);
    assert_int_equal(world.intern.table.count, 3);
    intern_put(&world.intern, a);
    assert_int_equal(world.intern.table.count, 2);
    intern_put(&world.intern, b);
    intern_put(&world.intern, c);
    world_end(&world);
}

// The table compares a part of the hash only: among so many pairs there are some that agree in it.
static void one_text_may_begin_another(void **state)
{
    struct world world;
    world_begin(&world);
    for (unsigned i = 0; i < 400000; i++) {
        char text[20];
        snprintf(text, sizeof(text), "@%08u.example", i);
        arena_ref shorter = intern_get(&world.intern, text, 12);
        arena_ref longer = intern_get(&world.intern, text, 17);
        assert_int_not_equal(shorter, longer);
        intern_put(&world.intern, shorter);
        intern_put(&world.intern, longer);
    }
    world_end(&world);
}

// They differ in what the hash of the texts asked for last does not see.
static void texts_of_one_place_are_two(void **state)
{
    static const char *const texts[] = {"@192.0.2.1:5060>", "@192.0.3.1:5060>"};
    const uint32_t length = (uint32_t)strlen(texts[0]);
    struct world world;
    arena_ref refs[2];
    world_begin(&world);
    for (unsigned i = 0; i < 8; i++) { // by turns: each has the place when the other comes
        arena_ref ref = intern_get(&world.intern, texts[i % 2], length);
        assert_reads(&world, ref, texts[i % 2]);
        if (i >= 2)
            assert_int_equal(ref, refs[i % 2]);
        refs[i % 2] = ref;
    }
    assert_int_not_equal(refs[0], refs[1]);
    for (unsigned i = 0; i < 4; i++)
        intern_put(&world.intern, refs[1]); // the last to have it
    assert_int_equal(world.intern.table.count, 1);
    // What was freed is found no more, whoever has its memory now.
    arena_ref other = intern_get(&world.intern, "@198.51.100.7:5>", length);
    arena_ref again = intern_get(&world.intern, texts[1], length);
    assert_reads(&world, other, "@198.51.100.7:5>");
    assert_reads(&world, again, texts[1]);
    assert_int_not_equal(again, other);
    assert_int_equal(world.intern.table.count, 3);
    intern_put(&world.intern, other);
    intern_put(&world.intern, again);
    for (unsigned i = 0; i < 4; i++)
        intern_put(&world.intern, refs[0]);
    world_end(&world);
}

static void lengths_have_bounds(void **state)
{
    static const struct {
        uint32_t length;
        bool fits;
    } rows[] = {{0, false},
                {INTERN_LENGTH_MIN - 1, false},
                {INTERN_LENGTH_MIN, true},
                {INTERN_LENGTH_MAX, true},
                {INTERN_LENGTH_MAX + 1, false}};
    static uint8_t text[INTERN_LENGTH_MAX + 1];
    struct world world;
    world_begin(&world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        arena_ref ref = intern_get(&world.intern, text, rows[i].length);
        assert_int_equal(ref != ARENA_NONE, rows[i].fits);
        if (ref != ARENA_NONE)
            intern_put(&world.intern, ref);
    }
    assert_int_equal(world.intern.refused, 0);
    world_end(&world);
}

static void the_cap_is_an_answer(void **state)
{
    arena_ref refs[CAP];
    char text[16];
    struct world world;
    world_begin(&world);
    for (unsigned i = 0; i < CAP; i++) {
        snprintf(text, sizeof(text), "@192.0.2.%u", i);
        refs[i] = intern_get(&world.intern, text, (uint32_t)strlen(text));
        assert_int_not_equal(refs[i], ARENA_NONE);
    }
    size_t used = world.arena.used;
    assert_int_equal(intern_get(&world.intern, "@198.51.100.1", 13), ARENA_NONE);
    assert_int_equal(world.intern.refused, 1);
    assert_int_equal(world.arena.used, used);
    // One more user of what is there needs no place.
    assert_int_equal(intern_get(&world.intern, "@192.0.2.3", 10), refs[3]);
    intern_put(&world.intern, refs[3]);
    intern_put(&world.intern, refs[5]);
    refs[5] = intern_get(&world.intern, "@198.51.100.1", 13);
    assert_int_not_equal(refs[5], ARENA_NONE);
    for (unsigned i = 0; i < CAP; i++)
        intern_put(&world.intern, refs[i]);
    world_end(&world);
}

static void no_room_changes_nothing(void **state)
{
    struct world world;
    world_begin(&world);
    arena_ref ref = intern_get(&world.intern, "@192.0.2.1", 10);
    world.arena.fail_at = 0;
    assert_int_equal(intern_get(&world.intern, "@192.0.2.2", 10), ARENA_NONE);
    assert_int_equal(world.intern.refused, 1);
    assert_int_equal(world.intern.table.count, 1);
    assert_int_equal(intern_get(&world.intern, "@192.0.2.1", 10), ref);
    intern_put(&world.intern, ref);
    intern_put(&world.intern, ref);
    world_end(&world);
}

static void too_many_users_keep_it_for_ever(void **state)
{
    struct world world;
    world_begin(&world);
    arena_ref ref = intern_get(&world.intern, "@192.0.2.1", 10);
    struct intern_block *block = arena_at(&world.arena, ref);
    block->users = UINT32_MAX - 1;
    assert_int_equal(intern_get(&world.intern, "@192.0.2.1", 10), ref);
    assert_int_equal(intern_get(&world.intern, "@192.0.2.1", 10), ref);
    assert_int_equal(block->users, UINT32_MAX);
    intern_put(&world.intern, ref);
    assert_int_equal(block->users, UINT32_MAX);
    assert_reads(&world, ref, "@192.0.2.1");
    block->users = 1;
    intern_put(&world.intern, ref);
    world_end(&world);
}

// The count of users is not part of what is checked; each bit of everything else is.
static void a_damaged_block_is_not_read(void **state)
{
    const uint8_t *octets;
    uint32_t length;
    struct world world;
    world_begin(&world);
    arena_ref ref = intern_get(&world.intern, "@sbc-7.example.net;lr>", 22);
    uint8_t *block = arena_at(&world.arena, ref);
    for (size_t bit = 0; bit < 8 * (offsetof(struct intern_block, octets) + 22); bit++) {
        bool users = bit / 8 >= 4 && bit / 8 < 8;
        block[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(intern_read(region_of(&world), ref, &octets, &length), users);
        block[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_reads(&world, ref, "@sbc-7.example.net;lr>");
    intern_put(&world.intern, ref);
    world_end(&world);
}

// The region is a heap block of its exact size: a sanitizer sees each octet read behind it.
static void a_reader_stays_inside(void **state)
{
    const uint8_t *octets;
    uint32_t length;
    for (size_t size = 0; size < 80; size++) {
        uint8_t *region = malloc(size + (size == 0));
        assert_non_null(region);
        memset(region, 6, size); // a length of 0x0606 is too long, one of 6 is not
        for (size_t at = 8; at + 2 <= size; at += 16) {
            region[at] = 6;
            region[at + 1] = 0;
        }
        const struct region given = {region, size};
        for (arena_ref ref = 0; ref < 8; ref++) {
            bool fits = ref != ARENA_NONE && (size_t)ref * ARENA_ALIGN + 16 <= size;
            assert_int_equal(intern_look(given, ref, &octets, &length), fits);
            assert_false(intern_read(given, ref, &octets, &length));
        }
        assert_false(intern_look(given, UINT32_MAX, &octets, &length));
        free(region);
    }
}

static void each_bit_changes_the_check(void **state)
{
    static uint8_t block[512];
    uint32_t x = 1;
    for (unsigned round = 0; round < 3; round++) {
        for (size_t length = 0; length <= sizeof(block); length += length < 72 ? 1 : 40) {
            for (size_t i = 0; i < length; i++)
                block[i] = round == 0 ? 0 : round == 1 ? 0xff : (uint8_t)((x = x * 69069 + 1) >> 24);
            uint32_t check = check_octets(block, length);
            assert_int_not_equal(check, 0);
            for (size_t bit = 0; bit < 8 * length; bit++) {
                block[bit / 8] ^= (uint8_t)(1u << bit % 8);
                if (check_octets(block, length) == check)
                    fail_msg("%zu octets, bit %zu", length, bit);
                block[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
        }
    }
}

// Octets that moved, and a length that changed, are damage too.
static void place_and_length_change_the_check(void **state)
{
    uint8_t block[130] = {0};
    uint32_t checks[128];
    for (size_t length = 0; length < 128; length++) {
        checks[length] = check_octets(block, length);
        for (size_t other = 0; other < length; other++)
            assert_int_not_equal(checks[length], checks[other]);
    }
    for (size_t i = 0; i < 128; i++) {
        block[i] = 1;
        checks[i] = check_octets(block, 128);
        block[i] = 0;
        for (size_t other = 0; other < i; other++)
            assert_int_not_equal(checks[i], checks[other]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_kept_once),
        cmocka_unit_test(one_text_may_begin_another),
        cmocka_unit_test(texts_of_one_place_are_two),
        cmocka_unit_test(lengths_have_bounds),
        cmocka_unit_test(the_cap_is_an_answer),
        cmocka_unit_test(no_room_changes_nothing),
        cmocka_unit_test(too_many_users_keep_it_for_ever),
        cmocka_unit_test(a_damaged_block_is_not_read),
        cmocka_unit_test(a_reader_stays_inside),
        cmocka_unit_test(each_bit_changes_the_check),
        cmocka_unit_test(place_and_length_change_the_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
