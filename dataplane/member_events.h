// SPDX-License-Identifier: BSD-3-Clause
// Changes of members' health on their way from the workers' rings to the log and to control.
#ifndef DIALGATE_MEMBER_EVENTS_H
#define DIALGATE_MEMBER_EVENTS_H

#include "channel_server.h"
#include "event_queue.h"
#include "workers.h"

#define MEMBER_EVENTS_KEPT 4096u // 224 KiB

struct member_events {
    struct channel_server *channel;
    struct workers *workers;
    struct event_queue queue;
    struct log_limit limit;
    uint64_t lost[WORKERS_MAX]; // by each ring, as far as it was noted
    bool changed;               // a member's health, since whoever looks here cleared it
};

// Returns 0 or -ENOMEM.
int member_events_init(struct member_events *events, struct channel_server *channel, struct workers *workers);
void member_events_fini(struct member_events *events);
// Empties the rings: a line each, and an event that goes to control when it takes it. Nothing here waits for
// it.
void member_events_poll(struct member_events *events);

#endif
