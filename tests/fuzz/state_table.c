// SPDX-License-Identifier: BSD-3-Clause
// Any sequence of insertions and removals, with hashes that often share home, fingerprint or both, against a
// list of pairs; and what the table promises of itself: distances and passages add up, and a bucket with room
// has been passed by nobody.
#include <errno.h>
#include <string.h>

#include "sip_check.h"
#include "table.h"
#include "table_bucket.h"

#define CAPACITY_MAX 440u // 63 buckets: no removal has more places to fill than it may
#define INDEX_BITS   27u
#define CHECK_EVERY  64u

struct pair {
    uint64_t hash;
    uint32_t index;
};

struct subject {
    struct table table;
    struct pair pairs[CAPACITY_MAX];
    uint32_t count;
    uint32_t next; // index of the next pair
};

static uint64_t hash_of(const uint8_t *octets)
{
    return (uint64_t)(octets[1] % 4) << 32 | (uint64_t)octets[0] << 24 | (uint64_t)(octets[1] / 4) << 48;
}

// 0 is a free slot's and means 1.
static uint16_t fingerprint_of(uint64_t hash)
{
    uint16_t fingerprint = (uint16_t)(hash >> 32);
    return fingerprint != 0 ? fingerprint : 1;
}

// The pairs of this hash are candidates, each once, and so are others only where fingerprints agree.
static void check_find(const struct subject *subject, uint64_t hash)
{
    bool seen[CAPACITY_MAX] = {false};
    struct table_cursor cursor;
    uint32_t at = table_first(&subject->table, hash, &cursor);
    for (; at != INDEX_NONE; at = table_next(&subject->table, &cursor)) {
        uint32_t n = 0;
        while (n < subject->count && (seen[n] || subject->pairs[n].index != at))
            n++;
        CHECK(n < subject->count && fingerprint_of(subject->pairs[n].hash) == fingerprint_of(hash));
        seen[n] = true;
    }
    CHECK(cursor.probes <= subject->table.probes);
    for (uint32_t n = 0; n < subject->count; n++)
        CHECK(seen[n] || subject->pairs[n].hash != hash);
}

static void check_bulk(const struct subject *subject)
{
    struct table_records records = {(const uint8_t *)subject->pairs, 0};
    uint64_t hashes[TABLE_BULK_MAX];
    uint32_t found[TABLE_BULK_MAX];
    for (uint32_t from = 0; from < subject->count; from += TABLE_BULK_MAX) {
        uint32_t count =
            subject->count - from < TABLE_BULK_MAX ? subject->count - from : (uint32_t)TABLE_BULK_MAX;
        for (uint32_t n = 0; n < count; n++)
            hashes[n] = subject->pairs[from + n].hash ^ (uint64_t)(n % 3) << 25;
        table_first_bulk(&subject->table, hashes, count, records, found);
        for (uint32_t n = 0; n < count; n++) {
            struct table_cursor cursor;
            CHECK(found[n] == table_first(&subject->table, hashes[n], &cursor));
        }
    }
}

static void check_buckets(const struct subject *subject)
{
    const struct table *table = &subject->table;
    uint32_t passed[CAPACITY_MAX] = {0};
    uint32_t entries = 0;
    for (uint32_t at = 0; at < table->bucket_count; at++) {
        const struct table_bucket *bucket = &table->buckets[at];
        for (unsigned slot = 0; slot < BUCKET_SLOTS; slot++) {
            if (bucket->fingerprints[slot] == 0)
                continue;
            entries++;
            for (uint32_t back = bucket->indexes[slot] >> INDEX_BITS; back > 0; back--)
                passed[(at + table->bucket_count - back) % table->bucket_count]++;
        }
    }
    CHECK(entries == subject->count && table->count == subject->count);
    for (uint32_t at = 0; at < table->bucket_count; at++) {
        CHECK(table->buckets[at].passed == passed[at]);
        CHECK(passed[at] == 0 || bucket_matches(&table->buckets[at], 0) == 0);
    }
}

static void insert(struct subject *subject, uint64_t hash)
{
    int result = table_insert(&subject->table, hash, subject->next);
    bool full = subject->count == subject->table.capacity;
    // Full, or 32 buckets in a row are.
    CHECK(result == 0 ? !full : result == -ENOSPC && (full || subject->count >= 32 * BUCKET_SLOTS));
    if (result == 0)
        subject->pairs[subject->count++] = (struct pair){hash, subject->next++};
}

static void take(struct subject *subject, uint32_t n)
{
    struct pair pair = subject->pairs[n];
    CHECK(table_remove(&subject->table, pair.hash, pair.index) == 0);
    subject->pairs[n] = subject->pairs[--subject->count];
    CHECK(table_remove(&subject->table, pair.hash, pair.index) == -ENOENT);
    check_find(subject, pair.hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct subject subject;
    static _Alignas(64) struct table_bucket memory[CAPACITY_MAX / 7 + 1];
    if (size < 2)
        return 0;
    subject = (struct subject){.count = 0};
    table_init(&subject.table, memory, 1 + (data[0] | (unsigned)data[1] << 8) % CAPACITY_MAX);
    CHECK(table_memory(subject.table.capacity) <= sizeof(memory));
    unsigned step = 0;
    for (size_t at = 2; at + 3 <= size; at += 3) {
        uint64_t hash = hash_of(data + at + 1);
        // More go in than come out.
        if (data[at] % 8 < 5)
            insert(&subject, hash);
        else if (data[at] % 8 < 7 && subject.count > 0)
            take(&subject, (data[at + 1] | (unsigned)data[at + 2] << 8) % subject.count);
        else
            check_find(&subject, hash);
        if (++step % CHECK_EVERY == 0)
            check_buckets(&subject);
    }
    check_buckets(&subject);
    check_bulk(&subject);
    while (subject.count > 0)
        take(&subject, subject.count / 2);
    check_buckets(&subject);
    return 0;
}
