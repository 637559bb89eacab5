// SPDX-License-Identifier: BSD-3-Clause
#include "event_watch.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "control.h"
#include "event.h"
#include "log.h"
#include "rpc/text.h"

static void look_at_records(struct control *control)
{
    struct event_watch *watch = &control->watch;
    const struct record_keeper *keeper = &control->records;
    uint64_t lost = keeper->counts.lost;
    if (keeper->failing && !watch->records_failing)
        event_emit(control, EVENT_RECORDS_FAILING, NULL,
                   json_pack("{s:I}", "waiting_octets", (json_int_t)keeper->counts.waiting));
    if (!keeper->failing && watch->records_failing)
        event_emit(control, EVENT_RECORDS_WRITTEN, NULL, json_pack("{s:I}", "lost", (json_int_t)lost));
    if (lost > watch->records_lost)
        event_emit(control, EVENT_RECORDS_LOST, NULL,
                   json_pack("{s:I, s:I}", "count", (json_int_t)(lost - watch->records_lost), "total",
                             (json_int_t)lost));
    watch->records_failing = keeper->failing;
    watch->records_lost = lost;
}

static void on_second(evutil_socket_t fd, short what, void *context)
{
    struct control *control = context;
    look_at_records(control);
    event_load_look(control, control->watch.load);
    drop_watch_look(control, control->watch.drops);
    events_serve_soon(&control->events); // what was not taken is tried again
}

int event_watch_start(struct control *control)
{
    static const struct timeval second = {1, 0};
    struct event_watch *watch = &control->watch;
    watch->load = event_load_create();
    watch->drops = drop_watch_create();
    watch->tick = event_new(control->base, -1, EV_PERSIST, on_second, control);
    return watch->load && watch->drops && watch->tick && event_add(watch->tick, &second) == 0 ? 0 : -ENOMEM;
}

void event_watch_stop(struct control *control)
{
    struct event_watch *watch = &control->watch;
    if (watch->tick)
        event_free(watch->tick);
    free(watch->load);
    free(watch->drops);
    *watch = (struct event_watch){.tick = NULL};
}

void event_watch_hello(struct control *control, const struct channel_hello *hello)
{
    static const char *const states[] = {"control", "waiting", "starting", "running", "failed"};
    struct event_watch *watch = &control->watch;
    char boot[17];
    snprintf(boot, sizeof(boot), "%016" PRIx64, hello->boot);
    bool restarted = watch->boot != 0 && watch->boot != hello->boot;
    if (!watch->connected)
        event_emit(control, restarted ? EVENT_DATAPLANE_RESTARTED : EVENT_DATAPLANE_CONNECTED, NULL,
                   json_pack("{s:s, s:I, s:s, s:I}", "state", states[hello->state], "pid",
                             (json_int_t)hello->pid, "boot", boot, "sequence",
                             (json_int_t)hello->snapshot_sequence));
    else if (watch->state != hello->state)
        event_emit(control, EVENT_DATAPLANE_STATE, NULL,
                   json_pack("{s:s, s:o}", "state", states[hello->state], "text",
                             text_json(hello->text, strlen(hello->text))));
    watch->connected = true;
    watch->boot = hello->boot;
    watch->state = hello->state;
}

void event_watch_away(struct control *control)
{
    const char *reason = channel_fault(control->channel);
    if (control->watch.connected)
        event_emit(control, EVENT_DATAPLANE_AWAY, NULL,
                   json_pack("{s:o}", "reason", text_json(reason, strlen(reason))));
    control->watch.connected = false;
}

void event_watch_ban(struct control *control, const char *address, uint32_t seconds, const char *who)
{
    event_emit(control, EVENT_BAN_ADDED, NULL,
               json_pack("{s:s, s:o, s:s}", "address", address, "seconds",
                         seconds ? json_integer(seconds) : json_null(), "who", who));
}

void event_watch_unban(struct control *control, const char *address, const char *who)
{
    event_emit(control, EVENT_BAN_REMOVED, NULL, json_pack("{s:s, s:s}", "address", address, "who", who));
}
