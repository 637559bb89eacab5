// SPDX-License-Identifier: BSD-3-Clause
// Events of the data plane into the stream. Its numbers tell what is here already, after a connection that
// ended before we could say so, and what is missing.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "control.h"
#include "dialgate/counters.h"
#include "event.h"
#include "event_line.h"
#include "rpc/dialog.h"
#include "rpc/text.h"

// Returns how many rows are known already, and tells what is missing before the others.
static uint32_t arrive(struct control *control, struct event_source *source,
                       const struct channel_event_run *run, enum event_name loss)
{
    static const struct event_about about = {.peers = {NUMBER_NONE, NUMBER_NONE}, .everybody = true};
    uint64_t boot = control->hello.boot, end = run->first + run->count;
    // What another control has taken before us is no loss of ours.
    if (source->boot != boot)
        *source = (struct event_source){.boot = boot, .next = run->first - run->lost};
    uint64_t missing = source->next;
    control->events.acknowledge = true;
    if (run->first > missing) {
        uint64_t count = run->first - missing;
        control->events.lost[EVENT_LOSS_DATAPLANE] += count;
        event_emit(control, loss, &about,
                   json_pack("{s:I, s:I, s:I}", "count", (json_int_t)count, "first", (json_int_t)missing,
                             "last", (json_int_t)run->first - 1));
    }
    uint32_t known = source->next <= run->first ? 0
                     : source->next >= end      ? run->count
                                                : (uint32_t)(source->next - run->first);
    source->next = end > source->next ? end : source->next;
    return known;
}

static json_t *name_json(const char *name)
{
    return text_json(name, strlen(name));
}

void events_take(struct control *control, const struct channel_events *events)
{
    for (uint32_t i = arrive(control, &control->events.dialogs, &events->run, EVENT_DIALOG_LOST);
         i < events->run.count; i++) {
        const struct channel_event *event = &events->rows[i];
        const struct event_about about = {.peers = {event->caller_peer, event->callee_peer},
                                          .call = event->call,
                                          .time_ms = event->time_ms};
        char text[EVENT_LINE_SIZE];
        event_emit_text(control, EVENT_DIALOG_CHANGED, &about, text,
                        event_line_dialog(control, event, events->run.first + i, text));
        if (event->to == CHANNEL_DIALOG_TERMINATED) {
            refer_watch_ended(control, event);
            operator_ended(control, event);
        }
    }
}

static json_t *member_fields(const struct control *control, const struct channel_member_event *event,
                             uint64_t number)
{
    static const char *const states[] = {"unknown", "up", "down"};
    char address[ADDRESS_TEXT_SIZE], reason[REASON_TEXT_SIZE];
    return json_pack("{s:I, s:o, s:s, s:s, s:s?, s:i, s:I}", "dataplane_seq", (json_int_t)number, "peer",
                     name_json(control_peer_name(control, event->peer)), "member",
                     text_address(&event->address, event->port, address), "from", states[event->from],
                     "reason", event->to == MEMBER_DOWN ? text_member_reason(event->reason, reason) : NULL,
                     "in_row", (int)event->in_row, "probes_total", (json_int_t)event->probes);
}

void events_take_members(struct control *control, const struct channel_member_events *events)
{
    static const enum event_name names[] = {[MEMBER_UNKNOWN] = EVENT_MEMBER_UNKNOWN,
                                            [MEMBER_UP] = EVENT_MEMBER_UP,
                                            [MEMBER_DOWN] = EVENT_MEMBER_DOWN};
    for (uint32_t i = arrive(control, &control->events.members, &events->run, EVENT_MEMBER_LOST);
         i < events->run.count; i++) {
        const struct channel_member_event *event = &events->rows[i];
        const struct event_about about = {.peers = {event->peer, NUMBER_NONE}, .time_ms = event->time_ms};
        event_emit(control, names[event->to], &about, member_fields(control, event, events->run.first + i));
    }
}

const char *ban_reason_name(unsigned int reason)
{
    static const char *const names[CHANNEL_BAN_REASON_COUNT] = {
#define R(name, word) [CHANNEL_BAN_##name] = word,
        CHANNEL_BAN_REASONS(R)
#undef R
    };
    return names[reason];
}

void events_take_bans(struct control *control, const struct channel_ban_events *events)
{
    static const enum event_name names[] = {[CHANNEL_BAN_BEGAN] = EVENT_BAN_BY_RULE,
                                            [CHANNEL_BAN_EXPIRED] = EVENT_BAN_EXPIRED,
                                            [CHANNEL_BAN_ENDED] = EVENT_BAN_ENDED};
    for (uint32_t i = arrive(control, &control->events.bans, &events->run, EVENT_BAN_LOST);
         i < events->run.count; i++) {
        const struct channel_ban_event *event = &events->rows[i];
        const struct event_about about = {.peers = {NUMBER_NONE, NUMBER_NONE}, .time_ms = event->time_ms};
        char address[ADDRESS_TEXT_SIZE];
        const json_int_t number = (json_int_t)events->run.first + i;
        json_t *seconds =
            event->lifetime_ms ? json_integer((json_int_t)(event->lifetime_ms / 1000)) : json_null();
        event_emit(control, names[event->change], &about,
                   json_pack("{s:I, s:s, s:s, s:o, s:i, s:b}", "dataplane_seq", number, "address",
                             text_source(&event->address, event->length, address), "reason",
                             ban_reason_name(event->reason), "seconds", seconds, "times", (int)event->times,
                             "dry_run", event->dry_run != 0));
    }
}

// What this boot's data plane need not send again.
static uint64_t taken(const struct control *control, const struct event_source *source)
{
    return source->boot == control->hello.boot && source->next > 0 ? source->next - 1 : 0;
}

// What does not find room in the socket is said with the next event: the numbers cover all before them.
void events_acknowledge(struct control *control)
{
    struct event_stream *stream = &control->events;
    const struct channel_events_done done = {{[CHANNEL_EVENT_DIALOG] = taken(control, &stream->dialogs),
                                              [CHANNEL_EVENT_MEMBER] = taken(control, &stream->members),
                                              [CHANNEL_EVENT_BAN] = taken(control, &stream->bans)}};
    if (stream->acknowledge && channel_ready(control->channel) &&
        channel_tell(control->channel, CHANNEL_EVENTS_DONE, &done) == 0)
        stream->acknowledge = false;
}
