// SPDX-License-Identifier: BSD-3-Clause
#include <stddef.h>
#include <stdlib.h>
#include "calls.h"

bool calls_create(struct calls *calls, uint32_t capacity)
{
    *calls = (struct calls){.capacity = capacity};
    calls->places = calloc(capacity, sizeof(*calls->places));
    calls->free = calloc(capacity, sizeof(*calls->free));
    if (calls->places == NULL || calls->free == NULL) {
        calls_destroy(calls);
        return false;
    }
    // Places are written when they are used first: those that never are cost no memory.
    for (uint32_t i = 0; i < capacity; i++)
        calls->free[i] = i;
    calls->free_count = capacity;
    return true;
}

void calls_destroy(struct calls *calls)
{
    free(calls->places);
    free(calls->free);
}

struct call *calls_take(struct calls *calls)
{
    if (calls->free_count == 0)
        return NULL;
    uint32_t place = calls->free[calls->free_first];
    struct call *call = &calls->places[place];
    calls->free_first = (calls->free_first + 1) % calls->capacity;
    calls->free_count--;
    // The texts are written before they are read. A place that was never used has the number 0.
    uint32_t number = call->number;
    if (number % calls->capacity != place)
        number = place;
    memset(call, 0, offsetof(struct call, branch));
    call->number = number;
    call->taken = true;
    wheel_node_init(&call->client_timer);
    wheel_node_init(&call->server_timer);
    return call;
}

void calls_free(struct calls *calls, struct call *call)
{
    uint32_t place = calls_place(calls, call);
    call->taken = false;
    // Numbers go on until they wrap, and then on from the place's own.
    call->number = call->number > UINT32_MAX - calls->capacity ? place : call->number + calls->capacity;
    calls->free[(calls->free_first + calls->free_count) % calls->capacity] = place;
    calls->free_count++;
}

bool calls_keep(char *to, uint16_t *length, size_t room, const struct values *values)
{
    size_t used = 0;
    for (unsigned i = 0; i < values->count; i++) {
        struct span value = values->list[i];
        if (used + value.length + 1 > room)
            return false;
        memcpy(to + used, value.at, value.length);
        used += value.length;
        to[used++] = '\n';
    }
    *length = (uint16_t)used;
    return true;
}

bool calls_same(const char *kept, uint16_t length, const struct values *values)
{
    size_t at = 0;
    for (unsigned i = 0; i < values->count; i++) {
        struct span value = values->list[i];
        if (at + value.length + 1 > length || memcmp(kept + at, value.at, value.length) != 0 ||
            kept[at + value.length] != '\n')
            return false;
        at += value.length + 1;
    }
    return at == length;
}
