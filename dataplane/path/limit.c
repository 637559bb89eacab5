// SPDX-License-Identifier: BSD-3-Clause
#include "limit.h"
#include <emmintrin.h>

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static struct limit_words *own_words(const struct limits *limits, uint32_t row)
{
    return &limits->words[limits->own][row];
}

static uint64_t slot_number(uint64_t now_us)
{
    return now_us / LIMIT_SLOT_US & UINT32_MAX;
}

// Calls of the slot with this number, 0 when the word is of another one.
static uint64_t slot_count(const struct limit_words *words, uint64_t number)
{
    uint64_t word = load(&words->slots[number % LIMIT_SLOTS]);
    return word >> 32 == number ? word & UINT32_MAX : 0;
}

static void slot_add(struct limit_words *words, uint64_t number, int change)
{
    uint64_t count = slot_count(words, number);
    if (change < 0 && count == 0)
        return; // taken in a slot that is gone
    store(&words->slots[number % LIMIT_SLOTS], number << 32 | (count + (uint64_t)(int64_t)change));
}

uint64_t limit_held(const struct limits *limits, uint32_t row)
{
    uint64_t held = 0;
    for (unsigned i = 0; i < limits->workers; i++)
        held += load(&limits->words[i][row].held);
    return held;
}

static uint64_t calls_in_slot(const struct limits *limits, uint32_t row, uint64_t number)
{
    uint64_t calls = 0;
    for (unsigned i = 0; i < limits->workers; i++)
        calls += slot_count(&limits->words[i][row], number);
    return calls;
}

uint64_t limit_rate(const struct limits *limits, uint32_t row, uint64_t now_us)
{
    uint64_t number = slot_number(now_us), calls = 0;
    for (unsigned i = 0; i + 1 < LIMIT_SLOTS; i++)
        calls += calls_in_slot(limits, row, (number - i) & UINT32_MAX);
    uint64_t oldest = calls_in_slot(limits, row, (number - (LIMIT_SLOTS - 1)) & UINT32_MAX);
    uint64_t left_us = LIMIT_SLOT_US - now_us % LIMIT_SLOT_US;
    return calls + (oldest * left_us + LIMIT_SLOT_US - 1) / LIMIT_SLOT_US;
}

static bool is_too_much(const struct limits *limits, uint32_t row, const struct call_limit *limit,
                        uint64_t now_us)
{
    if (limit->concurrent != 0 && limit_held(limits, row) > limit->concurrent)
        return true;
    if (limit->rate == 0)
        return false;
    return limit_rate(limits, row, now_us) > limit->rate ||
           calls_in_slot(limits, row, slot_number(now_us)) > limit->burst;
}

bool limit_take(struct limits *limits, uint32_t row, const struct call_limit *limit, uint64_t now_us)
{
    struct limit_words *words = own_words(limits, row);
    slot_add(words, slot_number(now_us), 1);
    store(&words->held, words->held + 1);
    if (limit->rate == 0 && limit->concurrent == 0)
        return true;
    _mm_mfence(); // our words are out before we read the others'; a fence of C11 would be a locked
                  // instruction
    if (!is_too_much(limits, row, limit, now_us))
        return true;
    limit_untake(limits, row, now_us);
    return false;
}

void limit_untake(struct limits *limits, uint32_t row, uint64_t now_us)
{
    slot_add(own_words(limits, row), slot_number(now_us), -1);
    limit_release(limits, row);
}

void limit_release(struct limits *limits, uint32_t row)
{
    struct limit_words *words = own_words(limits, row);
    store(&words->held, words->held - 1);
}

void limit_hold(struct limits *limits, uint32_t row)
{
    struct limit_words *words = own_words(limits, row);
    store(&words->held, words->held + 1);
}
