// SPDX-License-Identifier: BSD-3-Clause
// Lookups among so many entries, each of which ends with a look at the record's own key: what was found is
// what was wanted. Records are 64 octets apart, as those of dialogs are.
#include "bench_state.h"
#include "harness.h"
#include "table.h"

#include <stdlib.h>

#define TABLES_MAX 8u

struct record {
    uint64_t key;
    uint64_t rest[7];
};

struct subject {
    uint32_t count;
    uint32_t at;
    struct table table;
    struct record *records;
    const uint64_t *words;
};

static void *subject_of(const struct bench *bench)
{
    static struct subject subjects[TABLES_MAX];
    uint32_t count = (uint32_t)bench->size;
    struct subject *subject = subjects;
    while (subject < &subjects[TABLES_MAX - 1] && subject->count != 0 && subject->count != count)
        subject++;
    if (subject->count == count)
        return subject;
    subject->count = count;
    subject->words = bench_words(count);
    subject->records = bench_memory(count * sizeof(*subject->records));
    table_init(&subject->table, bench_memory(table_memory(count)), count);
    for (uint32_t i = 0; i < count; i++) {
        subject->records[i].key = bench_mix(i);
        if (table_insert(&subject->table, subject->records[i].key, i) != 0)
            abort();
    }
    return subject;
}

static inline uint64_t next_word(struct subject *subject)
{
    uint64_t word = subject->words[subject->at];
    subject->at = subject->at + 1 == subject->count ? 0 : subject->at + 1;
    return word;
}

static inline uint32_t find(const struct subject *subject, uint64_t key)
{
    struct table_cursor cursor;
    uint32_t index = table_first(&subject->table, key, &cursor);
    while (index != INDEX_NONE && subject->records[index].key != key)
        index = table_next(&subject->table, &cursor);
    return index;
}

static void run_single(void *data, uint64_t iterations)
{
    struct subject *subject = data;
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t index = find(subject, next_word(subject));
        bench_keep(&index);
    }
}

static inline void bulk(struct subject *subject, uint64_t salt)
{
    uint64_t keys[TABLE_BULK_MAX];
    uint32_t indexes[TABLE_BULK_MAX];
    struct table_records records = {(const uint8_t *)subject->records, sizeof(struct record)};
    for (unsigned n = 0; n < TABLE_BULK_MAX; n++)
        keys[n] = next_word(subject) ^ salt;
    table_first_bulk(&subject->table, keys, TABLE_BULK_MAX, records, indexes);
    for (unsigned n = 0; n < TABLE_BULK_MAX; n++)
        if (indexes[n] != INDEX_NONE && subject->records[indexes[n]].key != keys[n])
            indexes[n] = find(subject, keys[n]);
    bench_keep(indexes);
}

static void run_bulk(void *data, uint64_t iterations)
{
    for (uint64_t i = 0; i < iterations; i++)
        bulk(data, 0);
}

// Calls that are not there yet.
static void run_bulk_miss(void *data, uint64_t iterations)
{
    for (uint64_t i = 0; i < iterations; i++)
        bulk(data, 0x5bd1e995a3c59ac3u);
}

// Any line of the table, then any record's, each for 32 at once: no table that keeps its records elsewhere
// can find one with less.
static void run_lines(void *data, uint64_t iterations)
{
    struct subject *subject = data;
    const uint8_t *lines = (const uint8_t *)subject->table.buckets;
    for (uint64_t i = 0; i < iterations; i++) {
        const uint8_t *at[TABLE_BULK_MAX];
        for (unsigned n = 0; n < TABLE_BULK_MAX; n++) {
            at[n] =
                lines + (size_t)((next_word(subject) & UINT32_MAX) * subject->table.bucket_count >> 32) * 64;
            __builtin_prefetch(at[n]);
        }
        for (unsigned n = 0; n < TABLE_BULK_MAX; n++) {
            uint64_t number = *at[n] + bench_mix(i * TABLE_BULK_MAX + n);
            at[n] = (const uint8_t *)&subject->records[(number >> 32) * subject->count >> 32];
            __builtin_prefetch(at[n]);
        }
        for (unsigned n = 0; n < TABLE_BULK_MAX; n++)
            bench_keep((const void *)(uintptr_t)*at[n]);
    }
}

// Out and in again in a full table.
static void run_change(void *data, uint64_t iterations)
{
    struct subject *subject = data;
    for (uint64_t i = 0; i < iterations; i++) {
        uint64_t word = next_word(subject);
        uint32_t index = find(subject, word);
        if (table_remove(&subject->table, word, index) != 0 ||
            table_insert(&subject->table, word, index) != 0)
            abort();
    }
}

#define LINES  .setup = subject_of, .run = run_lines, .items = TABLE_BULK_MAX
#define SINGLE .setup = subject_of, .run = run_single
#define BULK   .setup = subject_of, .run = run_bulk, .items = TABLE_BULK_MAX

// Of an entry. The table is one piece of memory, whose size follows from its capacity.
static double octets(const struct bench *bench)
{
    return (double)table_memory((uint32_t)bench->size) / (double)bench->size;
}

#define OCTETS .figure = octets, .unit = "octets"

static const struct bench benches[] = {
    {"floor_lines/1m", 1000000, NULL, LINES},
    {"floor_lines/4m", 4000000, NULL, LINES},
    {"floor_lines/10m", 10000000, NULL, LINES},
    {"table_lookup/1k", 1000, NULL, SINGLE, .peer = "rte_hash_lookup/1k"},
    {"table_lookup/100k", 100000, NULL, SINGLE, .peer = "rte_hash_lookup/100k"},
    {"table_lookup/1m", 1000000, NULL, SINGLE, .peer = "rte_hash_lookup/1m"},
    {"table_lookup/4m", 4000000, NULL, SINGLE, .peer = "rte_hash_lookup/4m"},
    {"table_lookup/10m", 10000000, NULL, SINGLE, .peer = "rte_hash_lookup/10m"},
    {"table_bulk/1k", 1000, NULL, BULK, .peer = "rte_hash_bulk/1k"},
    {"table_bulk/100k", 100000, NULL, BULK, .peer = "rte_hash_bulk/100k"},
    {"table_bulk/1m", 1000000, NULL, BULK, .floor = "floor_lines/1m", .peer = "rte_hash_bulk/1m"},
    {"table_bulk/4m", 4000000, NULL, BULK, .floor = "floor_lines/4m", .peer = "rte_hash_bulk/4m"},
    {"table_bulk/10m", 10000000, NULL, BULK, .floor = "floor_lines/10m", .peer = "rte_hash_bulk/10m"},
    {"table_bulk_miss/1m", 1000000, NULL, .setup = subject_of, .run = run_bulk_miss, .items = TABLE_BULK_MAX},
    {"table_remove_insert/1m", 1000000, NULL, .setup = subject_of, .run = run_change,
     .peer = "rte_hash_remove_insert/1m"},
    {"table_octets/1k", 1000, OCTETS, .peer = "rte_hash_octets/1k"},
    {"table_octets/1m", 1000000, OCTETS, .peer = "rte_hash_octets/1m"},
    {"table_octets/4m", 4000000, OCTETS, .peer = "rte_hash_octets/4m"},
};

void bench_state_table(void)
{
    for (unsigned i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
        bench_add(&benches[i]);
}
