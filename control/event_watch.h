// SPDX-License-Identifier: BSD-3-Clause
// What becomes an event by being looked at: the connection to the data plane, records that the
// disk does not take and, once a second from the counters, limits, overload and workers that stand still.
#ifndef DIALGATE_CONTROL_EVENT_WATCH_H
#define DIALGATE_CONTROL_EVENT_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel_hello;
struct control;
struct event;
struct watched_load;

struct event_watch {
    struct event *tick;
    uint64_t boot; // of the data plane that was connected last, 0: none was
    bool connected;
    uint32_t state; // enum channel_state
    bool records_failing;
    uint64_t records_lost;
    struct watched_load *load; // event_load.c
    struct drop_watch *drops;  // drop_watch.c
};

// Behind events_start(). Returns 0 or -ENOMEM.
int event_watch_start(struct control *control);
void event_watch_stop(struct control *control);

// A hello came; control->hello is still the one before.
void event_watch_hello(struct control *control, const struct channel_hello *hello);
void event_watch_away(struct control *control);

// The operator's bans; those of rules, and what ends, the data plane tells (event_take.c).
void event_watch_ban(struct control *control, const char *address, uint32_t seconds, const char *who);
void event_watch_unban(struct control *control, const char *address, const char *who);

// event_load.c
struct watched_load *event_load_create(void); // NULL without memory
void event_load_look(struct control *control, struct watched_load *load);

#endif
