// SPDX-License-Identifier: BSD-3-Clause
#include "rates.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include "control.h"
#include "log.h"

#define SAMPLES 11u // ten seconds lie between the first and the last

struct sample {
    uint64_t time_ms;
    uint64_t in[PEERS_MAX];
    uint64_t out[PEERS_MAX];
};

struct rates {
    const struct control *control;
    struct event *timer;
    const struct counters *seen; // whose totals the samples are
    unsigned int count;          // samples taken
    struct sample samples[SAMPLES];
};

static void on_second(evutil_socket_t fd, short what, void *context)
{
    struct rates *rates = context;
    const struct counters *counters = rates->control->counters;
    uint32_t count;
    const struct snapshot_peer *peers = configuration_section(&rates->control->active, SECTION_PEERS, &count);
    if (counters != rates->seen)
        rates->count = 0; // another dataplane counts from 0
    rates->seen = counters;
    if (!counters)
        return;
    struct sample *sample = &rates->samples[rates->count++ % SAMPLES];
    memset(sample, 0, sizeof(*sample));
    sample->time_ms = clock_ms();
    for (uint32_t number = 0; number < count; number++) {
        if (!(peers[number].flags & SNAPSHOT_PRESENT))
            continue;
        struct counters_peer sum = counters_peer(counters, number);
        sample->in[number] = sum.calls_in_total;
        sample->out[number] = sum.calls_out_total;
    }
}

struct rates *rates_create(const struct control *control)
{
    static const struct timeval second = {1, 0};
    struct rates *rates = calloc(1, sizeof(*rates));
    if (!rates)
        return NULL;
    rates->control = control;
    rates->timer = event_new(control->base, -1, EV_PERSIST, on_second, rates);
    if (rates->timer && event_add(rates->timer, &second) == 0)
        return rates;
    rates_destroy(rates);
    return NULL;
}

void rates_destroy(struct rates *rates)
{
    if (!rates)
        return;
    if (rates->timer)
        event_free(rates->timer);
    free(rates);
}

// A peer that came with a reload has no total in the samples of before, one whose number went to another name
// may have fewer.
static double rate(uint64_t first, uint64_t last, double seconds)
{
    return last > first ? (double)(last - first) / seconds : 0.0;
}

struct rate rates_of(const struct rates *rates, uint32_t peer)
{
    if (rates->count < 2 || rates->seen != rates->control->counters || peer >= PEERS_MAX)
        return (struct rate){0};
    const struct sample *last = &rates->samples[(rates->count - 1) % SAMPLES];
    const struct sample *first =
        rates->count > SAMPLES ? &rates->samples[rates->count % SAMPLES] : &rates->samples[0];
    double seconds = (double)(last->time_ms - first->time_ms) / 1000.0;
    if (seconds <= 0)
        return (struct rate){0};
    return (struct rate){rate(first->in[peer], last->in[peer], seconds),
                         rate(first->out[peer], last->out[peer], seconds)};
}
