// SPDX-License-Identifier: BSD-3-Clause
// A table from the keyed hash of a text to its block. The hash is keyed because others choose the texts; it
// is made anew for a release, which is rarer than a use and saves eight octets a block.
#include "intern.h"

#include <string.h>

#include "check.h"
#include "text_vector.h"

#define USERS_MAX UINT32_MAX // one that gets here stays for ever

static_assert(offsetof(struct intern_block, octets) == 10, "the check covers length and octets in one piece");

static struct intern_block *block_at(const struct intern *intern, arena_ref ref)
{
    return (struct intern_block *)arena_at(intern->arena, ref);
}

static uint32_t block_check(const struct intern_block *block)
{
    return check_octets(&block->length, sizeof(block->length) + block->length);
}

size_t intern_memory(uint32_t capacity)
{
    return table_memory(capacity);
}

void intern_init(struct intern *intern, void *memory, uint32_t capacity, struct arena *arena)
{
    *intern = (struct intern){.arena = arena};
    table_init(&intern->table, memory, capacity);
}

static bool is_text(const struct intern *intern, arena_ref ref, const void *octets, uint32_t length)
{
    const struct intern_block *block = block_at(intern, ref);
    return block->length == length && text_same(block->octets, octets, length);
}

// Hosts of one network differ in the middle.
static arena_ref *recent_of(struct intern *intern, const uint8_t *octets, uint32_t length)
{
    static_assert(INTERN_LENGTH_MIN >= sizeof(uint32_t), "these lie within the text");
    uint64_t head = text_half(octets), tail = text_half(octets + length - sizeof(uint32_t)), middle = 0;
    if (length >= sizeof(uint64_t)) {
        head = text_word(octets);
        middle = text_word(octets + (length - sizeof(uint64_t)) / 2);
        tail = text_word(octets + length - sizeof(uint64_t));
    }
    uint64_t mixed = (head ^ length) * 0x9e3779b97f4a7c15ull ^ (middle * 0xc2b2ae3d27d4eb4full) ^
                     (tail * 0x165667b19e3779f9ull);
    return &intern->recent[(mixed ^ mixed >> 29) * 0x9e3779b97f4a7c15ull >> (64 - 8)];
}
static_assert(INTERN_RECENT == 1u << 8, "recent_of()");

static arena_ref text_find(const struct intern *intern, uint64_t hash, const void *octets, uint32_t length)
{
    struct table_cursor cursor;
    for (arena_ref ref = table_first(&intern->table, hash, &cursor); ref != INDEX_NONE;
         ref = table_next(&intern->table, &cursor)) {
        if (is_text(intern, ref, octets, length))
            return ref;
    }
    return ARENA_NONE;
}

static arena_ref text_add(struct intern *intern, uint64_t hash, const void *octets, uint32_t length)
{
    if (intern->table.count >= intern->table.capacity)
        return ARENA_NONE;
    arena_ref ref = arena_get(intern->arena, offsetof(struct intern_block, octets) + length);
    if (ref == ARENA_NONE)
        return ARENA_NONE;
    if (table_insert(&intern->table, hash, ref) != 0) {
        arena_put(intern->arena, ref);
        return ARENA_NONE;
    }
    struct intern_block *block = block_at(intern, ref);
    block->users = 1;
    block->length = (uint16_t)length;
    memcpy(block->octets, octets, length);
    block->check = block_check(block);
    return ref;
}

static arena_ref user_add(struct intern *intern, arena_ref ref)
{
    struct intern_block *block = block_at(intern, ref);
    block->users += block->users != USERS_MAX;
    return ref;
}

arena_ref intern_get(struct intern *intern, const void *octets, uint32_t length)
{
    if (length < INTERN_LENGTH_MIN || length > INTERN_LENGTH_MAX)
        return ARENA_NONE;
    arena_ref *recent = recent_of(intern, octets, length);
    if (*recent != ARENA_NONE && is_text(intern, *recent, octets, length))
        return user_add(intern, *recent);
    uint64_t hash = siphash13(&intern->key, octets, length);
    arena_ref ref = text_find(intern, hash, octets, length);
    if (ref != ARENA_NONE)
        return *recent = user_add(intern, ref);
    ref = text_add(intern, hash, octets, length);
    if (ref == ARENA_NONE) // an older text keeps its place
        intern->refused++;
    else
        *recent = ref;
    return ref;
}

void intern_put(struct intern *intern, arena_ref ref)
{
    struct intern_block *block = block_at(intern, ref);
    if (block->users == USERS_MAX || --block->users != 0)
        return;
    arena_ref *recent = recent_of(intern, block->octets, block->length);
    if (*recent == ref)
        *recent = ARENA_NONE;
    table_remove(&intern->table, siphash13(&intern->key, block->octets, block->length), ref);
    arena_put(intern->arena, ref);
}

bool intern_look(struct region region, arena_ref ref, const uint8_t **octets, uint32_t *length)
{
    size_t offset = (size_t)ref * ARENA_ALIGN;
    const size_t head = offsetof(struct intern_block, octets);
    if (ref == ARENA_NONE || region.size < head || offset > region.size - head)
        return false;
    // The region's first octet need not be aligned for a reader of a file.
    uint16_t said;
    memcpy(&said, region.octets + offset + offsetof(struct intern_block, length), sizeof(said));
    if (said < INTERN_LENGTH_MIN || said > INTERN_LENGTH_MAX || region.size - offset - head < said)
        return false;
    *octets = region.octets + offset + head;
    *length = said;
    return true;
}

bool intern_read(struct region region, arena_ref ref, const uint8_t **octets, uint32_t *length)
{
    uint32_t check;
    if (!intern_look(region, ref, octets, length))
        return false;
    const uint8_t *block = *octets - offsetof(struct intern_block, octets);
    memcpy(&check, block, sizeof(check));
    return check == check_octets(block + offsetof(struct intern_block, length), sizeof(uint16_t) + *length);
}
