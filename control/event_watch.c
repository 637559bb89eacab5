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

static uint64_t now_s(void)
{
    return clock_ms() / 1000;
}

static void look_at_bans(struct control *control)
{
    struct event_watch *watch = &control->watch;
    uint64_t now = now_s();
    for (size_t i = 0; i < watch->ban_count;) {
        struct watched_ban *ban = &watch->bans[i];
        if (ban->ends_s == 0 || ban->ends_s > now) {
            i++;
            continue;
        }
        event_emit(control, EVENT_BAN_EXPIRED, NULL, json_pack("{s:s}", "address", ban->address));
        *ban = watch->bans[--watch->ban_count];
    }
}

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
    look_at_bans(control);
    look_at_records(control);
    event_load_look(control, control->watch.load);
    events_serve_soon(&control->events); // what was not taken is tried again
}

int event_watch_start(struct control *control)
{
    static const struct timeval second = {1, 0};
    struct event_watch *watch = &control->watch;
    watch->load = event_load_create();
    watch->tick = event_new(control->base, -1, EV_PERSIST, on_second, control);
    return watch->load && watch->tick && event_add(watch->tick, &second) == 0 ? 0 : -ENOMEM;
}

void event_watch_stop(struct control *control)
{
    struct event_watch *watch = &control->watch;
    if (watch->tick)
        event_free(watch->tick);
    free(watch->load);
    free(watch->bans);
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

static struct watched_ban *find_ban(const struct event_watch *watch, const char *address)
{
    for (size_t i = 0; i < watch->ban_count; i++)
        if (strcmp(watch->bans[i].address, address) == 0)
            return &watch->bans[i];
    return NULL;
}

// Without memory its end is not told.
static void add_ban(struct event_watch *watch, const char *address, uint64_t seconds)
{
    if (watch->ban_count == watch->ban_room) {
        size_t room = watch->ban_room ? watch->ban_room * 2 : 64;
        struct watched_ban *grown = realloc(watch->bans, room * sizeof(*grown));
        if (!grown)
            return;
        watch->bans = grown;
        watch->ban_room = room;
    }
    struct watched_ban *ban = &watch->bans[watch->ban_count++];
    *ban = (struct watched_ban){.ends_s = seconds ? now_s() + seconds : 0};
    snprintf(ban->address, sizeof(ban->address), "%s", address);
}

void event_watch_ban(struct control *control, const char *address, uint32_t seconds, const char *who)
{
    struct watched_ban *ban = find_ban(&control->watch, address);
    if (ban)
        ban->ends_s = seconds ? now_s() + seconds : 0;
    else
        add_ban(&control->watch, address, seconds);
    event_emit(control, EVENT_BAN_ADDED, NULL,
               json_pack("{s:s, s:o, s:s}", "address", address, "seconds",
                         seconds ? json_integer(seconds) : json_null(), "who", who));
}

void event_watch_unban(struct control *control, const char *address, const char *who)
{
    struct event_watch *watch = &control->watch;
    struct watched_ban *ban = find_ban(watch, address);
    if (ban)
        *ban = watch->bans[--watch->ban_count];
    event_emit(control, EVENT_BAN_REMOVED, NULL, json_pack("{s:s, s:s}", "address", address, "who", who));
}

static int by_address(const void *a, const void *b)
{
    return strcmp(((const struct watched_ban *)a)->address, ((const struct watched_ban *)b)->address);
}

// A ban is the same on every network; were one to end later somewhere, that end counts.
static void join_bans(struct event_watch *watch)
{
    size_t kept = 0;
    if (watch->ban_count == 0)
        return;
    qsort(watch->bans, watch->ban_count, sizeof(*watch->bans), by_address);
    for (size_t i = 1; i < watch->ban_count; i++) {
        struct watched_ban *last = &watch->bans[kept];
        const struct watched_ban *ban = &watch->bans[i];
        if (strcmp(last->address, ban->address) != 0)
            watch->bans[++kept] = *ban;
        else if (last->ends_s != 0 && (ban->ends_s == 0 || ban->ends_s > last->ends_s))
            last->ends_s = ban->ends_s;
    }
    watch->ban_count = kept + 1;
}

void event_watch_bans(struct control *control)
{
    struct event_watch *watch = &control->watch;
    struct prefilter_ban_row *rows = NULL;
    watch->ban_count = 0;
    for (uint32_t network = 0; network < control->networks; network++) {
        if (!control_has_prefilter(control, network))
            continue;
        rows = rows ? rows : calloc(PREFILTER_BANS_MAX, sizeof(*rows));
        int count = rows ? prefilter_list_bans(&control->prefilters[network], rows, PREFILTER_BANS_MAX) : 0;
        for (int i = 0; i < count && i < (int)PREFILTER_BANS_MAX; i++)
            add_ban(watch, rows[i].address, rows[i].remaining_s);
    }
    free(rows);
    join_bans(watch);
}
