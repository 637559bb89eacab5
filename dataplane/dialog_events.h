// SPDX-License-Identifier: BSD-3-Clause
// Changes of dialogs' states on their way from the workers' rings to control.
#ifndef DIALGATE_DIALOG_EVENTS_H
#define DIALGATE_DIALOG_EVENTS_H

#include "channel_server.h"
#include "workers.h"

struct dialog_events {
    struct channel_server *channel;
    struct workers *workers;
    uint64_t workers_lost; // by the rings, as far as it was told
    uint64_t lost;         // not told yet
};

void dialog_events_init(struct dialog_events *events, struct channel_server *channel,
                        struct workers *workers);
// Empties the rings, for control when it is connected and reads. Nothing here waits for it.
void dialog_events_poll(struct dialog_events *events);

#endif
