// SPDX-License-Identifier: BSD-3-Clause
// Changes of dialogs' states on their way from the workers' rings to control.
#ifndef DIALGATE_DIALOG_EVENTS_H
#define DIALGATE_DIALOG_EVENTS_H

#include "channel_server.h"
#include "event_queue.h"
#include "siphash.h"
#include "workers.h"

#define DIALOG_EVENTS_KEPT 65536u // 3 MiB; at 1,000 calls a second what happens in 13 s

struct dialog_events {
    struct channel_server *channel;
    struct workers *workers;
    struct event_queue queue;
    uint64_t lost[WORKERS_MAX]; // by each ring, as far as it was noted
};

// Returns 0 or -ENOMEM.
int dialog_events_init(struct dialog_events *events, struct channel_server *channel, struct workers *workers);
void dialog_events_fini(struct dialog_events *events);
// Empties the rings, and sends what control takes. Nothing here waits for it.
void dialog_events_poll(struct dialog_events *events);

// What stands for a Call-ID in events: the hash by which workers find it, hashed once more, so that whoever
// reads events learns nothing of what lies where in the tables.
static inline uint64_t dialog_events_call(const struct workers *workers, uint64_t call_hash)
{
    return siphash13(&workers->parts[0].keys.table, &call_hash, sizeof(call_hash));
}

#endif
