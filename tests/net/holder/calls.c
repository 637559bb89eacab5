// SPDX-License-Identifier: BSD-3-Clause
#include "calls.h"

#include <stdlib.h>
#include <string.h>

bool calls_create(struct calls *calls, uint32_t capacity, uint32_t flights)
{
    memset(calls, 0, sizeof(*calls));
    calls->capacity = capacity;
    calls->flight_capacity = flights;
    calls->places = calloc(capacity, sizeof(*calls->places));
    calls->free = calloc(capacity, sizeof(*calls->free));
    calls->held = calloc(capacity, sizeof(*calls->held));
    calls->aging = calloc(capacity, sizeof(*calls->aging));
    calls->flights = calloc(flights, sizeof(*calls->flights));
    calls->repeats = calloc(flights, sizeof(*calls->repeats));
    calls->free_flights = calloc(flights, sizeof(*calls->free_flights));
    if (calls->places == NULL || calls->free == NULL || calls->held == NULL || calls->aging == NULL ||
        calls->flights == NULL || calls->repeats == NULL || calls->free_flights == NULL) {
        calls_destroy(calls);
        return false;
    }
    for (uint32_t i = 0; i < capacity; i++) {
        calls->free[i] = i;
        calls->places[i] = (struct call){.number = i, .flight = NONE};
    }
    calls->free_count = capacity;
    for (uint32_t i = 0; i < flights; i++)
        calls->free_flights[i] = i;
    calls->free_flight_count = flights;
    return true;
}

void calls_destroy(struct calls *calls)
{
    for (uint32_t i = 0; calls->places != NULL && i < calls->capacity; i++)
        free(calls->places[i].routes);
    free(calls->places);
    free(calls->free);
    free(calls->held);
    free(calls->aging);
    free(calls->flights);
    free(calls->repeats);
    free(calls->free_flights);
}

static uint32_t place(const struct calls *calls, const struct call *call)
{
    return (uint32_t)(call - calls->places);
}

struct flight *calls_fly(struct calls *calls, struct call *call)
{
    if (calls->free_flight_count == 0)
        return NULL;
    call->flight = calls->free_flights[--calls->free_flight_count];
    struct flight *flight = &calls->flights[call->flight];
    // The texts are written before they are read.
    memset(flight, 0, offsetof(struct flight, request));
    memset(calls->repeats[call->flight], 0, sizeof(calls->repeats[call->flight]));
    flight->call = call->number;
    return flight;
}

void calls_land(struct calls *calls, struct call *call)
{
    memset(calls->repeats[call->flight], 0, sizeof(calls->repeats[call->flight]));
    calls->free_flights[calls->free_flight_count++] = call->flight;
    call->flight = NONE;
}

struct call *calls_start(struct calls *calls)
{
    if (calls->free_count == 0 || calls->free_flight_count == 0)
        return NULL;
    struct call *call = &calls->places[calls->free[calls->free_first]];
    calls->free_first = (calls->free_first + 1) % calls->capacity;
    calls->free_count--;
    call->state = CALL_SETUP;
    calls_fly(calls, call);
    return call;
}

void calls_end(struct calls *calls, struct call *call)
{
    if (call->flight != NONE)
        calls_land(calls, call);
    free(call->routes);
    *call = (struct call){.number = call->number + calls->capacity, .flight = NONE};
    calls->free[(calls->free_first + calls->free_count) % calls->capacity] = place(calls, call);
    calls->free_count++;
}

struct call *calls_find(const struct calls *calls, uint32_t number)
{
    struct call *call = &calls->places[number % calls->capacity];
    return call->number == number && call->state != CALL_FREE ? call : NULL;
}

void calls_routes(struct call *call, const struct span *record_routes, unsigned count)
{
    size_t length = 1;
    for (unsigned i = 0; i < count; i++)
        length += record_routes[i].length + 1;
    free(call->routes);
    char *to = call->routes = malloc(length);
    if (to == NULL)
        abort();
    for (unsigned i = 0; i < count; i++) {
        memcpy(to, record_routes[i].at, record_routes[i].length);
        to += record_routes[i].length;
        *to++ = '\n';
    }
    *to = '\0';
}

uint32_t calls_busy(const struct calls *calls)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < calls->flight_capacity; i++) {
        const struct call *call = calls_find(calls, calls->flights[i].call);
        count += call != NULL && call->flight == i && call->held;
    }
    return count;
}

void calls_hold(struct calls *calls, const struct call *call)
{
    calls->held[calls->held_count++] = place(calls, call);
}

struct call *calls_take(struct calls *calls, uint32_t position, uint32_t limit)
{
    struct call *call = &calls->places[calls->held[position]];
    calls->held[position] = calls->held[limit - 1];
    calls->held[limit - 1] = calls->held[--calls->held_count];
    return call;
}

void calls_age(struct calls *calls, const struct call *call)
{
    calls->aging[(calls->aging_first + calls->aging_count) % calls->capacity] = place(calls, call);
    calls->aging_count++;
}

struct call *calls_aged(struct calls *calls, uint64_t now_us)
{
    if (calls->aging_count == 0)
        return NULL;
    struct call *call = &calls->places[calls->aging[calls->aging_first]];
    if (call->end_us > now_us)
        return NULL;
    calls->aging_first = (calls->aging_first + 1) % calls->capacity;
    calls->aging_count--;
    return call;
}
