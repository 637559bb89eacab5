// SPDX-License-Identifier: BSD-3-Clause
#include "merged.h"

#include <errno.h>
#include <string.h>

#define LINE 64u

static size_t entries_size(uint32_t capacity)
{
    return ((size_t)capacity * sizeof(struct merged_entry) + LINE - 1) / LINE * LINE;
}

size_t merged_memory(uint32_t capacity)
{
    return entries_size(capacity) + table_memory(capacity);
}

void merged_init(struct merged *set, void *memory, uint32_t capacity, struct siphash_key key)
{
    memset(memory, 0, entries_size(capacity));
    *set = (struct merged){.entries = memory, .capacity = capacity, .key = key};
    table_init(&set->table, (uint8_t *)memory + entries_size(capacity), capacity);
}

// Each text is hashed by itself: nobody can move an octet from one to the other.
static uint64_t hash_of(const struct merged *set, const struct merged_request *request)
{
    const uint64_t words[] = {
        siphash13(&set->key, request->call_id.octets, request->call_id.length),
        siphash13(&set->key, request->from_tag.octets, request->from_tag.length),
        (uint64_t)request->method << 32 | request->cseq,
    };
    return siphash13(&set->key, words, sizeof(words));
}

static void forget(struct merged *set, uint32_t index)
{
    (void)table_remove(&set->table, set->entries[index].hash, index);
    set->entries[index].noted = false;
}

bool merged_is(struct merged *set, const struct transactions *transactions,
               const struct merged_request *request)
{
    struct table_cursor cursor;
    uint64_t hash = hash_of(set, request);
    uint32_t gone = INDEX_NONE;
    bool found = false;
    if (request->to_tag.length > 0)
        return false;
    for (uint32_t at = table_first(&set->table, hash, &cursor); at != INDEX_NONE && !found;
         at = table_next(&set->table, &cursor)) {
        if (set->entries[at].hash != hash)
            continue;
        if (set->entries[at].generation != transactions->records[at].generation)
            gone = at;
        else
            found = transactions->records[at].key != request->key;
    }
    // One a time is enough: no more than one is noted a time.
    if (gone != INDEX_NONE)
        forget(set, gone);
    return found;
}

int merged_note(struct merged *set, const struct transactions *transactions, uint32_t index,
                const struct merged_request *request)
{
    struct merged_entry *entry = &set->entries[index];
    assert(index < set->capacity);
    if (entry->noted)
        forget(set, index);
    entry->hash = hash_of(set, request);
    entry->generation = transactions->records[index].generation;
    entry->noted = table_insert(&set->table, entry->hash, index) == 0;
    return entry->noted ? 0 : -ENOSPC;
}
