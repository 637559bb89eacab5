// SPDX-License-Identifier: BSD-3-Clause
#include "channel_handlers.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "rules_receive.h"

// Control has greeted: what none has taken goes out again.
static void take_hello(struct channel_services *services, const struct channel_input *in, uint64_t now_ms)
{
    services->owner.say_hello(services->owner.context, NULL);
    if (services->state != CHANNEL_RUNNING)
        return;
    call_records_begin(services->records);
    for (unsigned kind = 0; kind < CHANNEL_EVENT_KINDS; kind++)
        event_queue_begin(&services->events[kind]);
    ua_channel_begin(&services->ua);
}

static void take_snapshot(struct channel_services *services, const struct channel_input *in, uint64_t now_ms)
{
    const struct channel_owner *owner = &services->owner;
    bool first = services->state == CHANNEL_WAITING;
    struct channel_done done = {0};
    struct fault fault = {.text = ""};
    struct rules *rules = rules_receive(in->fd, &in->body.snapshot, &fault);

    done.result = rules == NULL ? -errno : 0;
    close(in->fd);
    if (rules != NULL)
        done.result = owner->take_rules(owner->context, rules, &fault);
    if (done.result < 0) {
        memcpy(done.text, fault.text, sizeof(done.text));
        // A failed start says it in the process's last line.
        if (services->state != CHANNEL_FAILED && log_allowed(&services->snapshot_limit, "snapshot_refused"))
            log_event(LOG_WARNING, "snapshot_refused", "reason=\"%s\"", fault.text);
    }
    channel_server_done(&services->server, CHANNEL_SNAPSHOT_RESULT, in->header.request, &done);
    if (first && rules != NULL)
        owner->say_hello(owner->context, done.result < 0 ? fault.text : NULL);
}

static void take_dialog_request(struct channel_services *services, const struct channel_input *in,
                                uint64_t now_ms)
{
    dialog_requests_begin(&services->requests, in, now_ms);
}

static void take_records_done(struct channel_services *services, const struct channel_input *in,
                              uint64_t now_ms)
{
    call_records_done(services->records, &in->body.records_done);
}

static void take_events_done(struct channel_services *services, const struct channel_input *in,
                             uint64_t now_ms)
{
    for (unsigned kind = 0; kind < CHANNEL_EVENT_KINDS; kind++)
        event_queue_done(&services->events[kind], in->body.events_done.numbers[kind]);
}

static void take_name_answer(struct channel_services *services, const struct channel_input *in,
                             uint64_t now_ms)
{
    name_cache_answer(&services->names, &in->body.name, now_ms);
}

static void take_capture_set(struct channel_services *services, const struct channel_input *in,
                             uint64_t now_ms)
{
    capture_requests_begin(&services->captures, in, now_ms);
}

static void take_capture_end(struct channel_services *services, const struct channel_input *in,
                             uint64_t now_ms)
{
    capture_requests_end(&services->captures, in);
}

static void take_ua_command(struct channel_services *services, const struct channel_input *in,
                            uint64_t now_ms)
{
    ua_channel_take(&services->ua, in);
}

static void take_ban(struct channel_services *services, const struct channel_input *in, uint64_t now_ms)
{
    ban_requests_set(services->bans, services->workers->published.rules, &services->server, in, now_ms);
}

static void take_ban_list(struct channel_services *services, const struct channel_input *in, uint64_t now_ms)
{
    ban_requests_list(services->bans, &services->server, in, now_ms);
}

static void take_ua_taken(struct channel_services *services, const struct channel_input *in, uint64_t now_ms)
{
    ua_channel_taken(&services->ua, &in->body.ua_taken);
}

// What becomes of it before the workers run.
enum before_start { TAKE, NOT_YET, NOTHING };

static const struct {
    void (*take)(struct channel_services *services, const struct channel_input *in, uint64_t now_ms);
    enum before_start before_start;
} handlers[CHANNEL_TYPE_COUNT] = {
    [CHANNEL_HELLO] = {take_hello, TAKE},
    [CHANNEL_SNAPSHOT] = {take_snapshot, TAKE},
    [CHANNEL_DIALOG_LIST] = {take_dialog_request, NOT_YET},
    [CHANNEL_DIALOG_SHOW] = {take_dialog_request, NOT_YET},
    [CHANNEL_DIALOG_END] = {take_dialog_request, NOT_YET},
    [CHANNEL_RECORDS_DONE] = {take_records_done, NOTHING},
    [CHANNEL_EVENTS_DONE] = {take_events_done, NOTHING},
    [CHANNEL_NAME_ANSWER] = {take_name_answer, NOTHING},
    [CHANNEL_CAPTURE_SET] = {take_capture_set, NOT_YET},
    [CHANNEL_CAPTURE_END] = {take_capture_end, NOT_YET},
    [CHANNEL_BAN] = {take_ban, NOT_YET},
    [CHANNEL_BAN_LIST] = {take_ban_list, NOT_YET},
    // HELLO says that nobody is there to take it.
    [CHANNEL_UA_COMMAND] = {take_ua_command, NOTHING},
    [CHANNEL_UA_TAKEN] = {take_ua_taken, NOTHING},
};

void channel_handlers_take(struct channel_services *services, const struct channel_input *in, uint64_t now_ms)
{
    static const struct channel_done not_yet = {.result = -EAGAIN,
                                                .text = "the data plane has no configuration yet"};
    enum before_start before_start = handlers[in->header.type].before_start;

    assert(handlers[in->header.type].take != NULL);
    if (services->state == CHANNEL_RUNNING || before_start == TAKE)
        handlers[in->header.type].take(services, in, now_ms);
    else if (before_start == NOT_YET)
        channel_server_done(&services->server, CHANNEL_DONE, in->header.request, &not_yet);
}
