// SPDX-License-Identifier: BSD-3-Clause
// Changes of dialogs' states, from the workers' rings to the queue of control's events.
#ifndef DIALGATE_DIALOG_EVENTS_H
#define DIALGATE_DIALOG_EVENTS_H

#include "event_queue.h"
#include "siphash.h"
#include "workers.h"

#define DIALOG_EVENTS_KEPT 65536u // 3 MiB; at 1,000 calls a second what happens in 13 s

struct dialog_events {
    const struct workers *workers;
    struct event_queue *queue;
    uint64_t lost[WORKERS_MAX]; // by each ring, as far as it was noted
};

// The queue has rows of struct channel_event.
void dialog_events_init(struct dialog_events *events, const struct workers *workers,
                        struct event_queue *queue);
// Empties a worker's ring.
void dialog_events_take(struct dialog_events *events, unsigned worker, struct dialog_transitions *ring);

// What stands for a Call-ID in events: the hash by which workers find it, hashed once more, so that whoever
// reads events learns nothing of what lies where in the tables.
static inline uint64_t dialog_events_call(const struct workers *workers, uint64_t call_hash)
{
    return siphash13(&workers->parts[0].keys.table, &call_hash, sizeof(call_hash));
}

#endif
