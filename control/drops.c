// SPDX-License-Identifier: BSD-3-Clause
#include "drops.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "control.h"
#include "drop_read.h"
#include "log.h"
#include "metrics_walk.h"

#define TURN_MS      250
#define NOTES_A_TURN 512u // of one network or worker: more than come in a turn
#define NS_PER_MS    1000000u
#define MS_PER_S     1000u

struct drops {
    struct event *turn;
    uint64_t boot; // of the data plane whose notes these are, 0: none yet
    uint64_t last;
    uint64_t lost; // of data planes that are gone
    struct drop_ring rings[NETWORKS_MAX];
    struct drop_gap ring_gaps[NETWORKS_MAX], worker_gaps[WORKERS_MAX];
    uint64_t next[WORKERS_MAX]; // number of each worker's next note, 0: not looked yet
    struct drop_row rows[DROPS_KEPT];
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * MS_PER_S * NS_PER_MS + (uint64_t)now.tv_nsec;
}

// What lies ahead of the clock is now.
static uint64_t unix_ms(uint64_t monotonic_ns)
{
    uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    uint64_t age_ns = now_ns > monotonic_ns ? now_ns - monotonic_ns : 0;
    return clock_ns(CLOCK_REALTIME) / NS_PER_MS - age_ns / NS_PER_MS;
}

static void keep(const struct control *control, uint32_t network, const struct prefilter_drop *drop)
{
    struct drops *drops = control->drops;
    struct drop_row *row = &drops->rows[++drops->last % DROPS_KEPT];
    *row = (struct drop_row){.time_ms = unix_ms(drop->time_ns), .drop = *drop};
    snprintf(row->network, sizeof(row->network), "%s", control_network_name(control, network));
}

static void take_ring(const struct control *control, uint32_t network)
{
    struct drop_ring *ring = &control->drops->rings[network];
    struct prefilter_drop drop;
    for (unsigned i = 0; ring->consumer && i < NOTES_A_TURN && drop_ring_next(ring, &drop); i++) {
        drop_gap_add(&control->drops->ring_gaps[network], drop.number);
        keep(control, network, &drop);
    }
}

static void take_notes(const struct control *control, uint32_t worker)
{
    const struct filter_notes *notes = counters_notes(control->counters, worker);
    uint64_t *next = &control->drops->next[worker];
    struct filter_note note;
    if (*next == 0)
        *next = drop_notes_first(notes);
    for (unsigned i = 0; i < NOTES_A_TURN && drop_notes_next(notes, next, &note); i++) {
        drop_gap_add(&control->drops->worker_gaps[worker], note.drop.number);
        if (note.network < control->networks)
            keep(control, (uint32_t)note.network, &note.drop);
    }
}

static void take_all(const struct control *control)
{
    for (uint32_t network = 0; network < NETWORKS_MAX; network++)
        take_ring(control, network);
    for (uint32_t worker = 0; control->counters && worker < counters_workers(control->counters); worker++)
        take_notes(control, worker);
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
    take_all(context);
}

int drops_start(struct control *control)
{
    static const struct timeval turn = {0, TURN_MS * 1000};
    struct drops *drops = calloc(1, sizeof(*drops));
    control->drops = drops;
    if (!drops)
        return -ENOMEM;
    drops->turn = event_new(control->base, -1, EV_PERSIST, on_turn, control);
    return drops->turn && event_add(drops->turn, &turn) == 0 ? 0 : -ENOMEM;
}

static void close_rings(struct drops *drops)
{
    for (uint32_t network = 0; network < NETWORKS_MAX; network++)
        drop_ring_close(&drops->rings[network]);
}

void drops_stop(struct control *control)
{
    if (!control->drops)
        return;
    close_rings(control->drops);
    if (control->drops->turn)
        event_free(control->drops->turn);
    free(control->drops);
    control->drops = NULL;
}

// Another process counts from 1.
static void begin_anew(struct drops *drops, uint64_t boot)
{
    drops->lost = drops_lost(drops);
    for (uint32_t network = 0; network < NETWORKS_MAX; network++)
        drops->ring_gaps[network] = (struct drop_gap){0};
    for (uint32_t worker = 0; worker < WORKERS_MAX; worker++) {
        drops->worker_gaps[worker] = (struct drop_gap){0};
        drops->next[worker] = 0;
    }
    drops->boot = boot;
}

void drops_connected(struct control *control)
{
    struct drops *drops = control->drops;
    close_rings(drops);
    if (drops->boot != control->hello.boot)
        begin_anew(drops, control->hello.boot);
    for (uint32_t network = 0; network < control->networks; network++) {
        if (!control_has_prefilter(control, network))
            continue;
        int result =
            drop_ring_open(&drops->rings[network], control->prefilters[network].fds[PREFILTER_MAP_DROPS]);
        if (result < 0)
            log_event(LEVEL_ERROR, "drops_not_mapped", "network=%s errno=%d",
                      control_network_name(control, network), -result);
    }
}

void drops_disconnected(struct control *control)
{
    if (!control->drops)
        return;
    take_all(control); // the last words of a data plane that is gone
    close_rings(control->drops);
}

uint64_t drops_last(const struct drops *drops)
{
    return drops->last;
}

uint64_t drops_first(const struct drops *drops)
{
    return drops->last < DROPS_KEPT ? 1 : drops->last - DROPS_KEPT + 1;
}

const struct drop_row *drops_row(const struct drops *drops, uint64_t number)
{
    return &drops->rows[number % DROPS_KEPT];
}

uint64_t drops_lost(const struct drops *drops)
{
    uint64_t lost = drops->lost;
    for (uint32_t network = 0; network < NETWORKS_MAX; network++)
        lost += drop_gap_lost(&drops->ring_gaps[network]);
    for (uint32_t worker = 0; worker < WORKERS_MAX; worker++)
        lost += drop_gap_lost(&drops->worker_gaps[worker]);
    return lost;
}

void drops_walk(const struct control *control, const struct metrics_visitor *visitor)
{
    walk_one(visitor, METRIC_DROP_NOTES, (double)drops_last(control->drops));
    walk_one(visitor, METRIC_DROP_NOTES_LOST, (double)drops_lost(control->drops));
}
