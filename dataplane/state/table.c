// SPDX-License-Identifier: BSD-3-Clause
// A bucket is one cache line of 10 slots: 16-bit fingerprints, 27-bit indexes, and the number of entries that
// found the bucket full and went on to the next. A lookup stops at the first bucket that nobody went past.
// With each index stands how many buckets its entry is from home, so that a removal can fill its place with
// one that had gone past, and that one's place in turn: a bucket with room has been passed by nobody,
// whatever came and went before. At most 70 % of the slots are used, which is 9.1 octets an entry. In a full
// table 1.04 buckets are looked at for an entry and 1.20 for what is not there, and the second lies beside
// the first; among four million entries the most was 18. A hash has at most 32 buckets, so that the work is
// bounded whatever comes; the hash is keyed, so that nobody can choose who meets.
//
// Rejected: rte_hash (29 to 36 octets an entry, three lines where a bucket and the record are two); cuckoo
// moves (an insertion of unbounded cost, two lines a lookup); a stride made from the fingerprint (an entry
// that went past a bucket cannot be found again from there: after all entries had been replaced twice, an
// entry took 1.31 buckets and a miss 4.9); 80 % of the slots (entries up to 32 buckets from home, so that
// insertions fail).
#include "table.h"
#include "table_bucket.h"

#include <errno.h>
#include <string.h>

#define LOAD        7u // slots of a bucket that the capacity counts on
#define PROBES_MAX  32u
#define INDEX_BITS  27u
#define INDEX_MASK  ((1u << INDEX_BITS) - 1)
#define REFILLS_MAX 64u // entries that one removal moves; what it leaves then costs a look, no more
static_assert(PROBES_MAX == 1u << (32 - INDEX_BITS), "distance from home and index are one word");
static_assert(TABLE_CAPACITY_MAX == INDEX_MASK, "the highest index is the last but one");

static uint32_t bucket_count(uint32_t capacity)
{
    return capacity / LOAD + 1;
}

// The highest bits choose the owner core and are the same for many entries of one table, the low half chooses
// the bucket.
static inline uint16_t fingerprint_of(uint64_t hash)
{
    uint16_t fingerprint = (uint16_t)(hash >> 32);
    return fingerprint != 0 ? fingerprint : 1;
}

static inline uint32_t home_of(const struct table *table, uint64_t hash)
{
    return (uint32_t)((hash & UINT32_MAX) * table->bucket_count >> 32);
}

// at: less than twice the number of buckets.
static inline struct table_bucket *bucket_at(const struct table *table, uint32_t at)
{
    return &table->buckets[at < table->bucket_count ? at : at - table->bucket_count];
}

size_t table_memory(uint32_t capacity)
{
    return bucket_count(capacity) * sizeof(struct table_bucket);
}

void table_init(struct table *table, void *memory, uint32_t capacity)
{
    uint32_t count = bucket_count(capacity);
    assert(capacity <= TABLE_CAPACITY_MAX && (uintptr_t)memory % sizeof(struct table_bucket) == 0);
    memset(memory, 0, count * sizeof(struct table_bucket));
    table->buckets = memory;
    table->bucket_count = count;
    table->count = 0;
    table->capacity = capacity;
    table->probes = count < PROBES_MAX ? count : PROBES_MAX;
}

static inline void put(struct table_bucket *bucket, uint32_t room, uint16_t fingerprint, uint32_t word)
{
    unsigned slot = (unsigned)__builtin_ctz(room);
    bucket->fingerprints[slot] = fingerprint;
    bucket->indexes[slot] = word;
}

int table_insert(struct table *table, uint64_t hash, uint32_t index)
{
    uint32_t home = home_of(table, hash);
    uint32_t distance = 0;
    uint32_t room;
    assert(index <= INDEX_MASK);
    if (table->count >= table->capacity)
        return -ENOSPC;
    while ((room = bucket_matches(bucket_at(table, home + distance), 0)) == 0)
        if (++distance == table->probes)
            return -ENOSPC;
    for (uint32_t passed = 0; passed < distance; passed++)
        bucket_at(table, home + passed)->passed++;
    put(bucket_at(table, home + distance), room, fingerprint_of(hash), distance << INDEX_BITS | index);
    table->count++;
    return 0;
}

// A slot of the bucket whose entry is at least `distance` buckets from home, or BUCKET_SLOTS.
static unsigned far_from_home(const struct table_bucket *bucket, uint32_t distance)
{
    for (unsigned slot = 0; slot < BUCKET_SLOTS; slot++)
        if (bucket->fingerprints[slot] != 0 && bucket->indexes[slot] >> INDEX_BITS >= distance)
            return slot;
    return BUCKET_SLOTS;
}

// Moves the nearest entry that went past the bucket into it. Returns how far it came, 0: there is none.
static uint32_t refill(struct table *table, uint32_t at)
{
    struct table_bucket *bucket = bucket_at(table, at);
    if (bucket->passed == 0)
        return 0;
    for (uint32_t distance = 1; distance < table->probes; distance++) {
        struct table_bucket *from = bucket_at(table, at + distance);
        unsigned slot = far_from_home(from, distance);
        if (slot == BUCKET_SLOTS)
            continue;
        put(bucket, bucket_matches(bucket, 0), from->fingerprints[slot],
            from->indexes[slot] - (distance << INDEX_BITS));
        from->fingerprints[slot] = 0;
        for (uint32_t passed = 0; passed < distance; passed++)
            bucket_at(table, at + passed)->passed--;
        return distance;
    }
    return 0;
}

// Slot of this pair in the bucket, or BUCKET_SLOTS.
static unsigned slot_of(const struct table_bucket *bucket, uint16_t fingerprint, uint32_t word)
{
    for (uint32_t matches = bucket_matches(bucket, fingerprint); matches != 0; matches &= matches - 1) {
        unsigned slot = (unsigned)__builtin_ctz(matches);
        if (bucket->indexes[slot] == word)
            return slot;
    }
    return BUCKET_SLOTS;
}

int table_remove(struct table *table, uint64_t hash, uint32_t index)
{
    uint16_t fingerprint = fingerprint_of(hash);
    uint32_t home = home_of(table, hash);
    uint32_t distance = 0;
    unsigned slot;
    while ((slot = slot_of(bucket_at(table, home + distance), fingerprint, distance << INDEX_BITS | index)) ==
           BUCKET_SLOTS)
        if (bucket_at(table, home + distance)->passed == 0 || ++distance == table->probes)
            return -ENOENT;
    for (uint32_t passed = 0; passed < distance; passed++)
        bucket_at(table, home + passed)->passed--;
    bucket_at(table, home + distance)->fingerprints[slot] = 0;
    table->count--;
    uint32_t hole = (home + distance) % table->bucket_count;
    for (unsigned refills = 0; refills < REFILLS_MAX && (distance = refill(table, hole)) != 0; refills++)
        hole = (hole + distance) % table->bucket_count;
    return 0;
}

uint32_t table_first(const struct table *table, uint64_t hash, struct table_cursor *cursor)
{
    cursor->hash = hash;
    cursor->bucket = home_of(table, hash);
    cursor->probes = 1;
    cursor->matches = bucket_matches(bucket_at(table, cursor->bucket), fingerprint_of(hash));
    return table_next(table, cursor);
}

uint32_t table_next(const struct table *table, struct table_cursor *cursor)
{
    uint16_t fingerprint = fingerprint_of(cursor->hash);
    while (cursor->matches == 0) {
        if (bucket_at(table, cursor->bucket)->passed == 0 || cursor->probes == table->probes)
            return INDEX_NONE;
        cursor->probes++;
        cursor->bucket++;
        cursor->matches = bucket_matches(bucket_at(table, cursor->bucket), fingerprint);
    }
    unsigned slot = (unsigned)__builtin_ctz(cursor->matches);
    cursor->matches &= cursor->matches - 1;
    return bucket_at(table, cursor->bucket)->indexes[slot] & INDEX_MASK;
}

void table_prefetch(const struct table *table, uint64_t hash)
{
    __builtin_prefetch(bucket_at(table, home_of(table, hash)));
}

// All that are still on their way look at one bucket each, whose line was asked for a round before; those
// that have to go on ask for their next. Almost all end in the first round. Measured and rejected: a first
// round without branches, which is more work than the wrong guesses of one hash in twenty cost.
void table_first_bulk(const struct table *table, const uint64_t *hashes, unsigned count,
                      struct table_records records, uint32_t *indexes)
{
    uint32_t homes[TABLE_BULK_MAX];
    uint8_t waiting[TABLE_BULK_MAX];
    assert(count <= TABLE_BULK_MAX);
    for (unsigned i = 0; i < count; i++) {
        waiting[i] = (uint8_t)i;
        homes[i] = home_of(table, hashes[i]);
        __builtin_prefetch(&table->buckets[homes[i]]);
    }
    for (uint32_t distance = 0; count > 0; distance++) {
        unsigned left = 0;
        for (unsigned n = 0; n < count; n++) {
            unsigned i = waiting[n];
            const struct table_bucket *bucket = bucket_at(table, homes[i] + distance);
            uint32_t matches = bucket_matches(bucket, fingerprint_of(hashes[i]));
            if (matches != 0) {
                indexes[i] = bucket->indexes[__builtin_ctz(matches)] & INDEX_MASK;
                __builtin_prefetch(records.first + indexes[i] * records.stride);
            } else if (bucket->passed == 0 || distance + 1 == table->probes) {
                indexes[i] = INDEX_NONE;
            } else {
                __builtin_prefetch(bucket_at(table, homes[i] + distance + 1));
                waiting[left++] = (uint8_t)i;
            }
        }
        count = left;
    }
}
