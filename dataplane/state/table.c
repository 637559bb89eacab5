// SPDX-License-Identifier: BSD-3-Clause
// A bucket is one cache line of 10 slots: 16-bit fingerprints, 32-bit indexes, and the number of entries that
// found the bucket full and went on. A hash starts at its home bucket and goes on by an odd stride made from
// its fingerprint, so that hashes which share a home part at once and a small table is covered whole. A
// lookup stops at the first bucket that nobody went past; removal walks the same way and takes the passage
// back, so churn leaves no tombstones and lookups stay as short as in a fresh table. At most 80 % of the
// slots are used (6.4 octets a slot, about 8 an entry when the capacity suits the power of two); then almost
// every entry is in its home bucket. A hash has at most 32 buckets, so that the work is bounded whatever
// comes; the hash is keyed, so that nobody can choose who meets. Rejected: rte_hash (55 octets an entry),
// cuckoo moves (an insertion of unbounded cost, two lines a lookup), linear probing (32 dialogs of one
// Call-ID would clog neighbours).
#include "table.h"

#include <errno.h>
#include <string.h>

#define SLOTS      10u
#define LOAD       8u // slots of a bucket that the capacity counts on
#define PROBES_MAX 32u

struct table_bucket {
    uint16_t fingerprints[SLOTS]; // 0: free
    uint32_t passed;              // entries that went on from here
    uint32_t indexes[SLOTS];
};
static_assert(sizeof(struct table_bucket) == 64, "one line");
static_assert(offsetof(struct table_bucket, passed) == 20, "no hole");

static uint32_t bucket_count(uint32_t capacity)
{
    uint32_t count = 1;
    while ((uint64_t)count * LOAD < capacity)
        count *= 2;
    return count;
}

// The highest bits choose the owner core and are the same for many entries of one table, the lowest choose
// the bucket.
static inline uint16_t fingerprint_of(uint64_t hash)
{
    uint16_t fingerprint = (uint16_t)(hash >> 32);
    return fingerprint != 0 ? fingerprint : 1;
}

static inline uint32_t next_bucket(const struct table *table, uint32_t bucket, uint16_t fingerprint)
{
    return (bucket + 2u * fingerprint + 1u) & table->mask;
}

static inline uint32_t matches_of(const struct table_bucket *bucket, uint16_t fingerprint)
{
    uint32_t matches = 0;
#pragma GCC unroll 10
    for (unsigned i = 0; i < SLOTS; i++)
        matches |= (uint32_t)(bucket->fingerprints[i] == fingerprint) << i;
    return matches;
}

size_t table_memory(uint32_t capacity)
{
    return bucket_count(capacity) * sizeof(struct table_bucket);
}

void table_init(struct table *table, void *memory, uint32_t capacity)
{
    uint32_t count = bucket_count(capacity);
    assert(capacity <= 1u << 30 && (uintptr_t)memory % sizeof(struct table_bucket) == 0);
    memset(memory, 0, count * sizeof(struct table_bucket));
    table->buckets = memory;
    table->mask = count - 1;
    table->count = 0;
    table->capacity = capacity;
    table->probes = count < PROBES_MAX ? count : PROBES_MAX;
}

int table_insert(struct table *table, uint64_t hash, uint32_t index)
{
    uint16_t fingerprint = fingerprint_of(hash);
    uint32_t home = (uint32_t)hash & table->mask;
    uint32_t at = home;
    uint32_t probe = 0;
    uint32_t room;
    if (table->count >= table->capacity)
        return -ENOSPC;
    while ((room = matches_of(&table->buckets[at], 0)) == 0) {
        if (++probe == table->probes)
            return -ENOSPC;
        at = next_bucket(table, at, fingerprint);
    }
    for (uint32_t passed = home; probe > 0; probe--) {
        table->buckets[passed].passed++;
        passed = next_bucket(table, passed, fingerprint);
    }
    unsigned slot = (unsigned)__builtin_ctz(room);
    table->buckets[at].fingerprints[slot] = fingerprint;
    table->buckets[at].indexes[slot] = index;
    table->count++;
    return 0;
}

// Slot of this pair in the bucket, or SLOTS.
static unsigned slot_of(const struct table_bucket *bucket, uint16_t fingerprint, uint32_t index)
{
    for (uint32_t matches = matches_of(bucket, fingerprint); matches != 0; matches &= matches - 1) {
        unsigned slot = (unsigned)__builtin_ctz(matches);
        if (bucket->indexes[slot] == index)
            return slot;
    }
    return SLOTS;
}

int table_remove(struct table *table, uint64_t hash, uint32_t index)
{
    uint16_t fingerprint = fingerprint_of(hash);
    uint32_t home = (uint32_t)hash & table->mask;
    uint32_t at = home;
    uint32_t probe = 0;
    unsigned slot;
    while ((slot = slot_of(&table->buckets[at], fingerprint, index)) == SLOTS) {
        if (table->buckets[at].passed == 0 || ++probe == table->probes)
            return -ENOENT;
        at = next_bucket(table, at, fingerprint);
    }
    for (uint32_t passed = home; probe > 0; probe--) {
        table->buckets[passed].passed--;
        passed = next_bucket(table, passed, fingerprint);
    }
    table->buckets[at].fingerprints[slot] = 0;
    table->count--;
    return 0;
}

uint32_t table_first(const struct table *table, uint64_t hash, struct table_cursor *cursor)
{
    cursor->hash = hash;
    cursor->bucket = (uint32_t)hash & table->mask;
    cursor->probes = 1;
    cursor->matches = matches_of(&table->buckets[cursor->bucket], fingerprint_of(hash));
    return table_next(table, cursor);
}

uint32_t table_next(const struct table *table, struct table_cursor *cursor)
{
    uint16_t fingerprint = fingerprint_of(cursor->hash);
    while (cursor->matches == 0) {
        if (table->buckets[cursor->bucket].passed == 0 || cursor->probes == table->probes)
            return INDEX_NONE;
        cursor->probes++;
        cursor->bucket = next_bucket(table, cursor->bucket, fingerprint);
        cursor->matches = matches_of(&table->buckets[cursor->bucket], fingerprint);
    }
    unsigned slot = (unsigned)__builtin_ctz(cursor->matches);
    cursor->matches &= cursor->matches - 1;
    return table->buckets[cursor->bucket].indexes[slot];
}

void table_prefetch(const struct table *table, uint64_t hash)
{
    __builtin_prefetch(&table->buckets[(uint32_t)hash & table->mask]);
}
