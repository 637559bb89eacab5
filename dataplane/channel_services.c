// SPDX-License-Identifier: BSD-3-Clause
#include "channel_services.h"

#include <errno.h>
#include <string.h>

static const struct {
    enum channel_type type;
    uint32_t row_size;
    uint32_t kept; // rows
} kinds[CHANNEL_EVENT_KINDS] = {
    [CHANNEL_EVENT_DIALOG] = {CHANNEL_EVENTS, sizeof(struct channel_event), DIALOG_EVENTS_KEPT},
    [CHANNEL_EVENT_MEMBER] = {CHANNEL_MEMBER_EVENTS, sizeof(struct channel_member_event), MEMBER_EVENTS_KEPT},
    [CHANNEL_EVENT_BAN] = {CHANNEL_BAN_EVENTS, sizeof(struct channel_ban_event), BAN_EVENTS_KEPT},
};

void channel_services_init(struct channel_services *services, int listen_fd,
                           const struct channel_owner *owner)
{
    memset(services, 0, sizeof(*services));
    services->state = CHANNEL_WAITING;
    services->owner = *owner;
    channel_server_init(&services->server, listen_fd);
}

static int start_events(struct channel_services *services)
{
    int result = 0;

    for (unsigned kind = 0; kind < CHANNEL_EVENT_KINDS && result == 0; kind++)
        result = event_queue_init(&services->events[kind], kinds[kind].row_size, kinds[kind].kept);
    dialog_events_init(&services->dialog_events, services->workers, &services->events[CHANNEL_EVENT_DIALOG]);
    member_events_init(&services->member_events, services->workers, &services->events[CHANNEL_EVENT_MEMBER]);
    return result;
}

static int start_names(struct channel_services *services, const struct channel_services_options *options)
{
    struct name_asks *asks[WORKERS_MAX];

    for (unsigned i = 0; i < services->workers->count; i++)
        asks[i] = services->rings[i].names;
    return name_cache_init(&services->names,
                           &(struct name_cache_options){.channel = &services->server,
                                                        .asks = asks,
                                                        .ask_count = services->workers->count,
                                                        .key = &services->workers->parts[0].keys.table,
                                                        .publish = options->publish_names,
                                                        .context = options->publish_context});
}

int channel_services_start(struct channel_services *services, const struct channel_services_options *options)
{
    struct workers *workers = options->workers;

    services->workers = workers;
    services->records = options->records;
    memcpy(services->rings, options->rings, workers->count * sizeof(services->rings[0]));
    if (start_events(services) == 0)
        services->bans = bans_create(&(struct bans_options){.place = options->bans,
                                                            .events = &services->events[CHANNEL_EVENT_BAN],
                                                            .counters = options->ban_counters,
                                                            .state_directory = options->state_directory,
                                                            .boot_id = options->boot_id,
                                                            .key = workers->parts[0].keys.table});
    if (services->bans == NULL || start_names(services, options) < 0) {
        channel_services_stop(services);
        return -ENOMEM;
    }
    dialog_requests_init(&services->requests, &services->server, workers);
    capture_requests_init(&services->captures,
                          &(struct capture_requests_options){.channel = &services->server,
                                                             .published = &workers->published,
                                                             .counts = options->capture_counts,
                                                             .key = &workers->parts[0].keys.table});
    ua_channel_init(&services->ua, &services->server, workers);
    if (services->server.greeted)
        ua_channel_begin(&services->ua);
    return 0;
}

static void poll_events(struct channel_services *services, uint64_t now_ms)
{
    for (unsigned i = 0; i < services->workers->count; i++) {
        dialog_events_take(&services->dialog_events, i, services->rings[i].dialogs);
        member_events_take(&services->member_events, i, services->rings[i].members);
        ban_requests_take(services->bans, services->workers, services->rings[i].suspects, now_ms);
    }
    for (unsigned kind = 0; kind < CHANNEL_EVENT_KINDS; kind++)
        event_queue_send(&services->events[kind], &services->server, kinds[kind].type);
}

void channel_services_poll(struct channel_services *services, uint64_t now_ms)
{
    ua_channel_poll(&services->ua);
    dialog_requests_poll(&services->requests, now_ms);
    poll_events(services, now_ms);
    call_records_poll(services->records, &services->server);
    name_cache_poll(&services->names, now_ms);
    capture_requests_poll(&services->captures, now_ms);
}

bool channel_services_busy(const struct channel_services *services)
{
    return dialog_requests_busy(&services->requests) || ua_channel_heard(&services->ua);
}

void channel_services_forget(struct channel_services *services)
{
    if (services->state != CHANNEL_RUNNING)
        return;
    dialog_requests_forget(&services->requests);
    name_cache_forget(&services->names);
    capture_requests_forget(&services->captures);
    ua_channel_forget(&services->ua);
}

void channel_services_stop(struct channel_services *services)
{
    dialog_requests_fini(&services->requests);
    ua_channel_fini(&services->ua);
    name_cache_fini(&services->names);
    bans_destroy(services->bans);
    services->bans = NULL;
    capture_requests_fini(&services->captures);
    for (unsigned kind = 0; kind < CHANNEL_EVENT_KINDS; kind++)
        event_queue_fini(&services->events[kind]);
}
