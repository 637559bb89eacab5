// SPDX-License-Identifier: BSD-3-Clause
// events.follow, and the reference of what it brings.
#include "event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../event.h"
#include "call.h"
#include "dialog.h"
#include "follow.h"
#include "handlers.h"

// A follower whose Call-ID the data plane is asked about.
struct seeking {
    struct rpc_call *call;
    struct follower follower;
};

static uint32_t kinds_of(const json_t *list)
{
    uint32_t kinds = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++)
            if (strcmp(event_kinds[kind], json_string_value(json_array_get(list, i))) == 0)
                kinds |= 1u << kind;
    return kinds ? kinds : (1u << EVENT_KIND_COUNT) - 1;
}

// Where it begins. A number of another stream, or one that has not been given yet, names nothing here: it
// gets all that is kept.
static uint64_t place_of(const struct event_stream *stream, const char *id, int64_t since, bool *ours)
{
    char text[DIALOG_ID_SIZE];
    *ours = (!id || strcmp(id, dialog_id(stream->id, text)) == 0) &&
            (since < 0 || (uint64_t)since <= stream->ring.last);
    if (!*ours)
        return 1;
    return since < 0 ? stream->ring.last + 1 : (uint64_t)since + 1;
}

static void begin(struct rpc_call *call, struct follower *follower)
{
    struct event_stream *stream = &rpc_control(call)->events;
    const char *id = rpc_text(call, "stream");
    char text[DIALOG_ID_SIZE], of[DIALOG_ID_SIZE];
    bool ours;
    follower->next = place_of(stream, id, rpc_integer(call, "since", -1), &ours);
    if (!rpc_follow(call, follower)) {
        rpc_fail(call, DG_REFUSED, "events need a connection of their own");
        return;
    }
    events_serve_soon(stream);
    rpc_reply(call,
              json_pack("{s:b, s:s, s:b, s:I, s:I, s:I, s:s*}", "following", true, "stream",
                        dialog_id(stream->id, text), "same_stream", ours, "from", (json_int_t)follower->next,
                        "kept_from", (json_int_t)event_ring_first(&stream->ring), "last",
                        (json_int_t)stream->ring.last, "call",
                        follower->call ? dialog_id(follower->call, of) : NULL));
}

// Which dialogs it has now does not matter.
static void on_row(void *context, const struct channel_dialog_row *row, const char *text)
{
}

static void on_sought(void *context, const struct channel_done *done)
{
    struct seeking *seeking = context;
    if (done->cursor) {
        seeking->follower.call = done->cursor;
        begin(seeking->call, &seeking->follower);
    } else {
        rpc_fail_errno(seeking->call, done->result < 0 ? done->result : -EPROTO, done->text);
    }
    free(seeking);
}

static void seek(struct rpc_call *call, const char *call_id, const struct follower *follower)
{
    struct channel_dialog_select select;
    struct seeking *seeking = malloc(sizeof(*seeking));
    if (!seeking) {
        rpc_fail(call, DG_INTERNAL, "out of memory");
        return;
    }
    *seeking = (struct seeking){call, *follower};
    int result = dialog_by_call_id(call_id, &select) ? 0 : -EINVAL;
    if (result < 0)
        rpc_fail(call, DG_INVALID_PARAMS, "call_id can be no Call-ID");
    struct channel_answer answer = {on_row, on_sought, seeking, NULL};
    int asked = result == 0 ? dialog_ask(rpc_control(call), CHANNEL_DIALOG_SHOW, &select, &answer) : 0;
    if (asked < 0)
        rpc_fail_errno(call, asked, NULL);
    if (result < 0 || asked < 0)
        free(seeking);
}

void rpc_events_follow(struct rpc_call *call)
{
    const char *name = rpc_text(call, "peer"), *call_id = rpc_text(call, "call_id");
    int peer = name ? dialog_find_peer(rpc_control(call), name) : (int)NUMBER_NONE;
    if (peer < 0) {
        rpc_fail(call, DG_NOT_FOUND, "no peer is called %.64s; peer.list names them", name);
        return;
    }
    struct follower follower = {
        .on = true, .back = true, .kinds = kinds_of(rpc_list(call, "kinds")), .peer = (uint16_t)peer};
    if (call_id)
        seek(call, call_id, &follower);
    else
        begin(call, &follower);
}

json_t *event_api_notifications(void)
{
    static const struct {
        const char *name, *params, *help;
    } rows[] = {
        {"event", "stream, seq, time, kind, name, and the event's own fields",
         "after events.follow; seq grows by one over a stream, which is the life of a dialgate-control"},
        {"events.lost", "stream, first, last, count, cause",
         "after events.follow: the numbers first to last are not kept any more; cause is slow where the "
         "client did not read them in time, gone where they were gone when it came"},
        {"ua.event", "application, stream, seq, time, dialog, event, and the event's own fields",
         "after ua.attach; seq grows by one; event lost with count: so many are not kept any more"},
        {"dialog.page", "id, dialogs",
         "a part of the answer to dialog.list with stream; id is the request's"},
    };
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", rows[i].name, "params",
                                              rows[i].params, "help", rows[i].help));
    return list;
}

json_t *event_api_kinds(void)
{
    json_t *list = json_array();
    for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "kind", event_kinds[kind], "help", event_kinds_help[kind]));
    return list;
}

json_t *event_api_events(void)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < EVENT_COUNT; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "kind", event_kinds[event_rows[i].kind],
                                              "name", event_rows[i].name, "fields", event_rows[i].fields,
                                              "help", event_rows[i].help));
    return list;
}
