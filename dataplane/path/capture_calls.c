// SPDX-License-Identifier: BSD-3-Clause
#include "capture_calls.h"

#include <stdbool.h>
#include <string.h>

static uint16_t *head_of(struct capture_calls *calls, uint64_t hash)
{
    return &calls->heads[hash & (CAPTURE_CALLS - 1)];
}

static struct capture_call *row_of(struct capture_calls *calls, uint16_t number)
{
    return &calls->rows[number - 1];
}

static void unlink_age(struct capture_calls *calls, const struct capture_call *row)
{
    if (row->newer != 0)
        row_of(calls, row->newer)->older = row->older;
    else
        calls->newest = row->older;
    if (row->older != 0)
        row_of(calls, row->older)->newer = row->newer;
    else
        calls->oldest = row->newer;
}

static void make_newest(struct capture_calls *calls, uint16_t number)
{
    struct capture_call *row = row_of(calls, number);
    row->newer = 0;
    row->older = calls->newest;
    if (calls->newest != 0)
        row_of(calls, calls->newest)->newer = number;
    else
        calls->oldest = number;
    calls->newest = number;
}

static uint16_t find(struct capture_calls *calls, uint64_t hash)
{
    uint16_t number = *head_of(calls, hash);
    while (number != 0 && row_of(calls, number)->hash != hash)
        number = row_of(calls, number)->next;
    if (number != 0 && number != calls->newest) {
        unlink_age(calls, row_of(calls, number));
        make_newest(calls, number);
    }
    return number;
}

// The oldest row, unlinked.
static uint16_t evict(struct capture_calls *calls)
{
    uint16_t number = calls->oldest;
    struct capture_call *row = row_of(calls, number);
    uint16_t *link = head_of(calls, row->hash);
    while (*link != number)
        link = &row_of(calls, *link)->next;
    *link = row->next;
    unlink_age(calls, row);
    return number;
}

uint8_t capture_calls_find(struct capture_calls *calls, uint64_t hash)
{
    uint16_t number = find(calls, hash);
    return number == 0 ? 0 : row_of(calls, number)->captures;
}

uint8_t capture_calls_add(struct capture_calls *calls, uint64_t hash, uint8_t captures)
{
    uint16_t number = find(calls, hash);
    uint8_t displaced = 0;
    if (number != 0) {
        row_of(calls, number)->captures |= captures;
        return 0;
    }
    if (calls->used < CAPTURE_CALLS) {
        number = ++calls->used;
    } else {
        number = evict(calls);
        displaced = row_of(calls, number)->captures;
    }
    struct capture_call *row = row_of(calls, number);
    *row = (struct capture_call){.hash = hash, .next = *head_of(calls, hash), .captures = captures};
    *head_of(calls, hash) = number;
    make_newest(calls, number);
    return displaced;
}

void capture_calls_clear(struct capture_calls *calls, uint8_t captures)
{
    bool some = false;
    for (unsigned i = 0; i < calls->used; i++) {
        calls->rows[i].captures &= (uint8_t)~captures;
        some |= calls->rows[i].captures != 0;
    }
    if (some)
        return;
    memset(calls->heads, 0, sizeof(calls->heads));
    calls->used = calls->newest = calls->oldest = 0;
}
