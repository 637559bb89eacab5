// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "table.h"

static uint64_t random_word(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15ULL);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

static void make(struct table *table, uint32_t capacity)
{
    void *memory = aligned_alloc(64, table_memory(capacity));
    assert_non_null(memory);
    memset(memory, 0x5a, table_memory(capacity));
    table_init(table, memory, capacity);
}

// How often index is among the candidates of hash.
static unsigned seen(const struct table *table, uint64_t hash, uint32_t index)
{
    struct table_cursor cursor;
    unsigned count = 0;
    for (uint32_t at = table_first(table, hash, &cursor); at != INDEX_NONE; at = table_next(table, &cursor))
        count += at == index;
    return count;
}

static void empty_finds_nothing(void **state)
{
    struct table table;
    struct table_cursor cursor;
    make(&table, 1000);
    assert_int_equal(table_first(&table, 0, &cursor), INDEX_NONE);
    assert_int_equal(table_first(&table, UINT64_MAX, &cursor), INDEX_NONE);
    assert_int_equal(table_remove(&table, 1, 1), -ENOENT);
    free(table.buckets);
}

static void holds_its_capacity(void **state)
{
    static const uint32_t capacities[] = {1, 7, 8, 9, 100, 255, 256, 4096, 100000};
    for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
        struct table table;
        uint64_t seed = 1;
        make(&table, capacities[c]);
        for (uint32_t i = 0; i < capacities[c]; i++)
            assert_int_equal(table_insert(&table, random_word(&seed), i), 0);
        assert_int_equal(table_insert(&table, random_word(&seed), 0), -ENOSPC);
        assert_int_equal(table.count, capacities[c]);
        seed = 1;
        for (uint32_t i = 0; i < capacities[c]; i++)
            assert_int_equal(seen(&table, random_word(&seed), i), 1);
        free(table.buckets);
    }
}

// A table that holds 16 octets an entry at the least fitting capacity and 8 at the best.
static void memory_is_bounded(void **state)
{
    assert_int_equal(table_memory(1u << 20), (size_t)(1u << 20) * 8);
    assert_true(table_memory((1u << 20) + 1) <= (size_t)(1u << 20) * 16);
}

static void thirty_two_of_a_hash_in_an_almost_full_table(void **state)
{
    struct table table;
    uint64_t seed = 3;
    make(&table, 8192);
    for (uint32_t i = 0; i < 8192 - 32; i++)
        assert_int_equal(table_insert(&table, random_word(&seed), i), 0);
    for (uint32_t i = 0; i < 32; i++)
        assert_int_equal(table_insert(&table, 0x1234567890abcdefULL, 100000 + i), 0);
    for (uint32_t i = 0; i < 32; i++)
        assert_int_equal(seen(&table, 0x1234567890abcdefULL, 100000 + i), 1);
    free(table.buckets);
}

// Equal hashes without end meet the probe bound long before the capacity, and the rest of the table does not
// notice.
static void one_hash_cannot_take_all(void **state)
{
    struct table table;
    uint32_t count = 0;
    make(&table, 8192);
    while (table_insert(&table, 42, count) == 0)
        count++;
    assert_in_range(count, 32, 1000);
    assert_int_equal(table.count, count);
    assert_int_equal(table_insert(&table, 42ULL << 40 | 4096, 1), 0);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(table_remove(&table, 42, i), 0);
    assert_int_equal(table.count, 1);
    free(table.buckets);
}

// Churn leaves nothing behind: after everything is removed the memory is what init made, but for the indexes.
static void no_tombstones(void **state)
{
    struct table table;
    struct table_cursor cursor;
    uint64_t seed = 9;
    make(&table, 800);
    for (unsigned round = 0; round < 200; round++) {
        uint64_t begin = seed;
        for (uint32_t i = 0; i < 800; i++)
            assert_int_equal(table_insert(&table, random_word(&seed) % 97 * 0x0101010101010101ULL, i), 0);
        seed = begin;
        for (uint32_t i = 0; i < 800; i++)
            assert_int_equal(table_remove(&table, random_word(&seed) % 97 * 0x0101010101010101ULL, i), 0);
        for (uint64_t hash = 0; hash < 97; hash++) {
            assert_int_equal(table_first(&table, hash * 0x0101010101010101ULL, &cursor), INDEX_NONE);
            assert_int_equal(cursor.probes, 1); // one bucket told that there is nothing
        }
    }
    free(table.buckets);
}

// 100,000 random operations against an array of pairs. Few distinct hashes, so that there are collisions of
// all kinds.
static void agrees_with_a_model(void **state)
{
    enum { CAPACITY = 500 };
    struct {
        uint64_t hash;
        uint32_t index;
    } model[CAPACITY];
    struct table table;
    uint32_t count = 0;
    uint64_t seed = 77;
    make(&table, CAPACITY);
    for (uint32_t step = 0; step < 100000; step++) {
        uint64_t choice = random_word(&seed);
        uint64_t hash = random_word(&seed);
        // Half of the hashes share low bits, fingerprint, or both.
        if (choice & 0x10)
            hash &= 0x0000000300000007ULL;
        if ((choice & 0xf) < 8 + (step / 10000 % 2) * 3) {
            int result = table_insert(&table, hash, step);
            if (count == CAPACITY) {
                assert_int_equal(result, -ENOSPC);
            } else {
                assert_int_equal(result, 0);
                model[count].hash = hash;
                model[count++].index = step;
            }
        } else if (count > 0) {
            uint32_t victim = (uint32_t)(random_word(&seed) % count);
            assert_int_equal(table_remove(&table, model[victim].hash, model[victim].index), 0);
            assert_int_equal(table_remove(&table, model[victim].hash, model[victim].index), -ENOENT);
            assert_int_equal(seen(&table, model[victim].hash, model[victim].index), 0);
            model[victim] = model[--count];
        }
        assert_int_equal(table.count, count);
        if (step % 100 == 0)
            for (uint32_t i = 0; i < count; i++)
                assert_int_equal(seen(&table, model[i].hash, model[i].index), 1);
    }
    free(table.buckets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_finds_nothing),
        cmocka_unit_test(holds_its_capacity),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(thirty_two_of_a_hash_in_an_almost_full_table),
        cmocka_unit_test(one_hash_cannot_take_all),
        cmocka_unit_test(no_tombstones),
        cmocka_unit_test(agrees_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
