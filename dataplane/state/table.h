// SPDX-License-Identifier: BSD-3-Clause
// Open-addressed hash table from a 64-bit keyed hash to 32-bit record indexes. It never grows; full is an
// answer. Several records may have the same hash (dialogs of one Call-ID, or a collision): the caller walks
// the candidates and compares.
#ifndef DIALGATE_STATE_TABLE_H
#define DIALGATE_STATE_TABLE_H

#include "endpoint.h"

#define TABLE_CAPACITY_MAX ((1u << 27) - 1)

struct table_bucket; // one cache line: fingerprints and indexes

struct table {
    struct table_bucket *buckets;
    uint32_t bucket_count;
    uint32_t count;    // entries now
    uint32_t capacity; // entries at most
    uint32_t probes;   // buckets that one hash may use
};

struct table_cursor {
    uint64_t hash;
    uint32_t bucket;  // less than twice the number of buckets
    uint32_t matches; // slots of the bucket with this fingerprint that were not handed out yet
    uint32_t probes;
};

// Octets of 64-octet aligned memory that a table of this capacity needs.
size_t table_memory(uint32_t capacity);
void table_init(struct table *table, void *memory, uint32_t capacity);
// index: less than TABLE_CAPACITY_MAX. Returns 0, or -ENOSPC when full or when the probe bound is reached. 32
// entries of one hash find room in a table that is not full.
int table_insert(struct table *table, uint64_t hash, uint32_t index);
// Removes exactly this pair. Returns 0, or -ENOENT.
int table_remove(struct table *table, uint64_t hash, uint32_t index);
// Candidates for hash, one after another; INDEX_NONE at the end. Only a fingerprint was compared: the record
// decides. No insert or remove in between.
uint32_t table_first(const struct table *table, uint64_t hash, struct table_cursor *cursor);
uint32_t table_next(const struct table *table, struct table_cursor *cursor);
// Prefetches what table_first() will touch.
void table_prefetch(const struct table *table, uint64_t hash);

#define TABLE_BULK_MAX 32u

// Where the records lie that indexes name.
struct table_records {
    const uint8_t *first;
    size_t stride; // octets from record to record
};
// What table_first() finds for each of up to TABLE_BULK_MAX hashes, with the misses of memory side by side;
// the first line of each record is prefetched too. A candidate that is not the one wanted is rare: then the
// caller begins again with table_first().
void table_first_bulk(const struct table *table, const uint64_t *hashes, unsigned count,
                      struct table_records records, uint32_t *indexes);

#endif
