// SPDX-License-Identifier: BSD-3-Clause
// Changes of members' health on their way from the workers' rings to the log and to control.
#ifndef DIALGATE_MEMBER_EVENTS_H
#define DIALGATE_MEMBER_EVENTS_H

#include "channel_server.h"
#include "workers.h"

struct member_events {
    struct channel_server *channel;
    struct workers *workers;
    struct log_limit limit;
    uint64_t lost[WORKERS_MAX]; // by each ring, as far as it was told
    bool changed;               // a member's health, since whoever looks here cleared it
};

void member_events_init(struct member_events *events, struct channel_server *channel,
                        struct workers *workers);
// Empties the rings: a line each, and an event for control when it is connected. Nothing here waits for it.
void member_events_poll(struct member_events *events);

#endif
