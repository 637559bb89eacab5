// SPDX-License-Identifier: BSD-3-Clause
// Changes of members' health, from the workers' rings to the log and to the queue of control's events.
#ifndef DIALGATE_MEMBER_EVENTS_H
#define DIALGATE_MEMBER_EVENTS_H

#include "event_queue.h"
#include "workers.h"

#define MEMBER_EVENTS_KEPT 4096u // 224 KiB

struct member_events {
    const struct workers *workers;
    struct event_queue *queue;
    struct log_limit limit;
    uint64_t lost[WORKERS_MAX]; // by each ring, as far as it was noted
    bool changed;               // a member's health, since whoever looks here cleared it
};

// The queue has rows of struct channel_member_event. The workers' published rules name the peers.
void member_events_init(struct member_events *events, const struct workers *workers,
                        struct event_queue *queue);
// Empties a worker's ring: a line each, and an event.
void member_events_take(struct member_events *events, unsigned worker, struct member_transitions *ring);

#endif
