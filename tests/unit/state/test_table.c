// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "siphash.h"
#include "table.h"
#include "table_bucket.h"

static uint64_t random_word(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15ULL);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

static uint64_t word_of(uint64_t number)
{
    return random_word(&number);
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

// A line for seven entries, whatever the capacity.
static void memory_is_bounded(void **state)
{
    assert_int_equal(table_memory(7000000), 64000000 + 64);
    assert_int_equal(table_memory(7000006), 64000000 + 64);
    assert_int_equal(table_memory(TABLE_CAPACITY_MAX), (size_t)(TABLE_CAPACITY_MAX / 7 + 1) * 64);
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

// Equal hashes without end meet the probe bound long before the capacity: the work for them and for whoever
// meets them stays bounded, and those who live elsewhere do not notice.
static void one_hash_cannot_take_all(void **state)
{
    static const uint64_t hash = 42;
    struct table table;
    struct table_cursor cursor;
    uint32_t count = 0;
    make(&table, 8192);
    while (table_insert(&table, hash, count) == 0)
        count++;
    assert_in_range(count, 32, 320);
    assert_int_equal(table.count, count);
    assert_int_equal(table_insert(&table, hash, count), -ENOSPC);
    assert_int_equal(table.count, count);
    assert_int_equal(table_first(&table, hash | 1ULL << 40, &cursor), INDEX_NONE);
    assert_in_range(cursor.probes, 1, 32);
    for (uint64_t elsewhere = 1; elsewhere < 32; elsewhere++)
        assert_int_equal(table_insert(&table, elsewhere << 27, 1), 0);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(table_remove(&table, hash, i), 0);
    assert_int_equal(table.count, 31);
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
            assert_int_equal(table_insert(&table, word_of(random_word(&seed) % 397), i), 0);
        seed = begin;
        for (uint32_t i = 0; i < 800; i++)
            assert_int_equal(table_remove(&table, word_of(random_word(&seed) % 397), i), 0);
        for (uint64_t hash = 0; hash < 397; hash++) {
            assert_int_equal(table_first(&table, word_of(hash), &cursor), INDEX_NONE);
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
        // Half of the hashes share home, fingerprint, or both.
        if (choice & 0x10)
            hash &= 0x00000003e0000000ULL;
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

// What finding entries costs, in buckets looked at.
struct probes {
    uint64_t sum;
    uint32_t most;
};

static void probe(const struct table *table, uint64_t hash, uint32_t index, struct probes *probes)
{
    struct table_cursor cursor;
    uint32_t at = table_first(table, hash, &cursor);
    while (at != INDEX_NONE && at != index)
        at = table_next(table, &cursor);
    assert_int_equal(at, index);
    probes->sum += cursor.probes;
    probes->most = cursor.probes > probes->most ? cursor.probes : probes->most;
}

// 1.04 buckets an entry; the farthest of so many seldom needs more than 13.
static void assert_short(struct probes probes, uint32_t count)
{
    assert_in_range(probes.sum * 1000 / count, 1000, 1050);
    assert_in_range(probes.most, 1, 20);
}

// Two million entries come and go in a table that stays full: finding them costs at the end what it cost in
// the beginning, and so does finding nothing.
static void churn_keeps_probes_short(void **state)
{
    enum { CAPACITY = 1 << 16, CHANGES = 2000000 };
    uint64_t *hashes = calloc(CAPACITY, sizeof(*hashes));
    struct table table;
    uint64_t seed = 21;
    make(&table, CAPACITY);
    for (uint32_t i = 0; i < CAPACITY; i++)
        assert_int_equal(table_insert(&table, hashes[i] = random_word(&seed), i), 0);
    for (uint32_t change = 0; change <= CHANGES; change++) {
        uint32_t i = (uint32_t)(random_word(&seed) % CAPACITY);
        if (change % (CHANGES / 4) == 0) {
            struct probes probes = {0, 0};
            struct probes misses = {0, 0};
            for (uint32_t n = 0; n < CAPACITY; n++) {
                struct table_cursor cursor;
                probe(&table, hashes[n], n, &probes);
                (void)table_first(&table, random_word(&seed), &cursor);
                misses.sum += cursor.probes;
            }
            assert_short(probes, CAPACITY);
            assert_in_range(misses.sum * 100 / CAPACITY, 100, 122);
            assert_int_equal(table_insert(&table, random_word(&seed), 0), -ENOSPC);
        }
        assert_int_equal(table_remove(&table, hashes[i], i), 0);
        assert_int_equal(table_insert(&table, hashes[i] = random_word(&seed), i), 0);
    }
    free(hashes);
    free(table.buckets);
}

// Whoever chooses Call-IDs without the key, in whatever pattern, chooses nothing.
static void chosen_call_ids_do_not_meet(void **state)
{
    enum { CAPACITY = 1 << 15 };
    static const struct {
        const char *before, *after;
    } patterns[] = {
        {"", ""}, {"", "@198.51.100.1"}, {"", "0000000"}, {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""}};
    for (uint64_t key = 0; key < 3; key++) {
        struct siphash_key siphash_key = {{key, ~key}};
        struct table table;
        struct probes probes = {0, 0};
        uint64_t *hashes = calloc(CAPACITY, sizeof(*hashes));
        make(&table, CAPACITY);
        for (uint32_t i = 0; i < CAPACITY; i++) {
            char call_id[64];
            int length = snprintf(call_id, sizeof(call_id), "%s%u%s", patterns[i % 4].before, i,
                                  patterns[i % 4].after);
            hashes[i] = siphash13(&siphash_key, call_id, (size_t)length);
            assert_int_equal(table_insert(&table, hashes[i], i), 0);
        }
        for (uint32_t i = 0; i < CAPACITY; i++)
            probe(&table, hashes[i], i, &probes);
        assert_short(probes, CAPACITY);
        free(hashes);
        free(table.buckets);
    }
}

// What bulk lookup finds is what table_first() finds, whatever the way there: entries far from home, hashes
// that several have, hashes that none has; in bursts of every length.
static void bulk_finds_what_first_finds(void **state)
{
    enum { CAPACITY = 4096 };
    static const uint32_t capacities[] = {1, 8, 9, CAPACITY};
    uint64_t hashes[CAPACITY];
    uint64_t asked[TABLE_BULK_MAX];
    uint32_t found[TABLE_BULK_MAX + 1];
    struct table_records records = {(const uint8_t *)hashes, sizeof(hashes[0])};
    uint64_t seed = 4;
    for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
        struct table table;
        make(&table, capacities[c]);
        for (uint32_t i = 0; i < capacities[c]; i++) {
            hashes[i] = i % 8 == 0 ? word_of(i / 256) : random_word(&seed);
            assert_int_equal(table_insert(&table, hashes[i], i), 0);
        }
        for (unsigned round = 0; round < 20000; round++) {
            unsigned count = round % (TABLE_BULK_MAX + 1);
            for (unsigned n = 0; n < count; n++) {
                uint64_t word = random_word(&seed);
                asked[n] = word % 4 == 0 ? random_word(&seed) : hashes[word / 4 % capacities[c]];
            }
            found[count] = 12345;
            table_first_bulk(&table, asked, count, records, found);
            for (unsigned n = 0; n < count; n++) {
                struct table_cursor cursor;
                assert_int_equal(found[n], table_first(&table, asked[n], &cursor));
            }
            assert_int_equal(found[count], 12345);
        }
        free(table.buckets);
    }
}

// Behind 310 of one hash lies one of another with the same home, in the last bucket that it may have.
static void bulk_goes_to_the_end(void **state)
{
    static const uint64_t asked[] = {1ULL << 40, 2ULL << 40, 0};
    struct table table;
    uint32_t found[3];
    make(&table, 8192);
    for (uint32_t i = 0; i < 310; i++)
        assert_int_equal(table_insert(&table, 0, i), 0);
    assert_int_equal(table_insert(&table, asked[0], 310), 0);
    table_first_bulk(&table, asked, 3, (struct table_records){(const uint8_t *)&table, 0}, found);
    assert_int_equal(found[0], 310);
    assert_int_equal(found[1], INDEX_NONE);
    assert_int_equal(found[2], 0);
    free(table.buckets);
}

// A bucket's slots by vectors and one by one, with neighbours that differ in one bit and with anything in
// what is no fingerprint.
static void vectors_agree(void **state)
{
    uint64_t seed = 6;
    for (unsigned round = 0; round < 100000; round++) {
        struct table_bucket bucket;
        uint16_t wanted = (uint16_t)(round % 3 == 0 ? 0 : random_word(&seed));
        memset(&bucket, (int)random_word(&seed), sizeof(bucket));
        bucket.passed = round % 2 == 0 ? (uint32_t)wanted << 16 | wanted : (uint32_t)random_word(&seed);
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            uint64_t word = random_word(&seed);
            bucket.fingerprints[i] = (uint16_t)(word & 1 ? wanted : wanted ^ 1u << (word >> 1 & 15));
        }
        assert_int_equal(bucket_matches(&bucket, wanted), bucket_matches_scalar(&bucket, wanted));
    }
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
        cmocka_unit_test(churn_keeps_probes_short),
        cmocka_unit_test(chosen_call_ids_do_not_meet),
        cmocka_unit_test(bulk_finds_what_first_finds),
        cmocka_unit_test(bulk_goes_to_the_end),
        cmocka_unit_test(vectors_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
