// SPDX-License-Identifier: BSD-3-Clause
// Each message has a word before it with its length, and is padded to 8 octets. One that does not fit before
// the end begins at the start again; the word SKIP stands where it would have been.
#include "ua_ring.h"

#include <assert.h>
#include <stddef.h>

#define WORD 8u
#define SKIP UINT64_MAX

static_assert(offsetof(struct ua_ring, octets) % 64 == 0, "each side's words in lines of their own");

static uint64_t *word_at(const struct ua_ring *ring, uint64_t at)
{
    return (uint64_t *)(uintptr_t)(ring->octets + (at & (ring->size - 1)));
}

static uint64_t room_of(uint32_t length)
{
    return WORD + (((uint64_t)length + WORD - 1) & ~(uint64_t)(WORD - 1));
}

void *ua_ring_add(struct ua_ring *ring, uint32_t length)
{
    uint64_t needed = room_of(length), begin = ring->added;
    uint64_t left = ring->size - (begin & (ring->size - 1)); // before the end, a word at least
    uint64_t skipped = left < needed ? left : 0;
    uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    if (length > UA_RING_MESSAGE_MAX || begin + skipped + needed - tail > ring->size) {
        __atomic_store_n(&ring->lost, ring->lost + 1, __ATOMIC_RELAXED);
        return NULL;
    }
    if (skipped > 0)
        *word_at(ring, begin) = SKIP;
    begin += skipped;
    *word_at(ring, begin) = length;
    ring->added = begin + needed;
    return word_at(ring, begin) + 1;
}

void ua_ring_publish(struct ua_ring *ring)
{
    __atomic_store_n(&ring->head, ring->added, __ATOMIC_RELEASE);
}

bool ua_ring_is_half_full(const struct ua_ring *ring)
{
    return ring->added - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) >= ring->size / 2;
}

// Where the oldest message's word is; the head when there is none.
static uint64_t first_at(const struct ua_ring *ring)
{
    uint64_t at = ring->tail;
    if (at == __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) || *word_at(ring, at) != SKIP)
        return at;
    return at + ring->size - (at & (ring->size - 1)); // what was skipped for stands behind
}

const void *ua_ring_first(const struct ua_ring *ring, uint32_t *length)
{
    uint64_t at = first_at(ring);
    if (at == __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE))
        return NULL;
    *length = (uint32_t)*word_at(ring, at);
    return word_at(ring, at) + 1;
}

void ua_ring_drop(struct ua_ring *ring)
{
    uint64_t at = first_at(ring);
    if (at == __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE))
        return;
    __atomic_store_n(&ring->tail, at + room_of((uint32_t)*word_at(ring, at)), __ATOMIC_RELEASE);
}
