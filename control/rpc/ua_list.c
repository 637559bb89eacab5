// SPDX-License-Identifier: BSD-3-Clause
// The methods of applications that look, attach and note.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dialog.h"
#include "follow.h"
#include "handlers.h"
#include "ua.h"

void rpc_application_list(struct rpc_call *call)
{
    const struct ua *ua = &rpc_control(call)->ua;
    json_t *rows = json_array();
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        const struct ua_app *app = ua->apps[i];
        if (!app || (!app->served && app->calls == 0))
            continue;
        json_array_append_new(
            rows, json_pack("{s:s, s:b, s:i, s:I, s:I, s:I, s:I, s:I}", "application", app->name, "served",
                            app->served, "attached", (int)app->attached, "dialogs", (json_int_t)app->calls,
                            "placed", (json_int_t)app->placed, "offered", (json_int_t)app->taken,
                            "unattended", (json_int_t)app->refused, "events", (json_int_t)app->events));
    }
    rpc_reply(call, json_pack("{s:o}", "applications", rows));
}

void rpc_ua_attach(struct rpc_call *call)
{
    struct control *control = rpc_control(call);
    const char *name = rpc_text(call, "application"), *stream = rpc_text(call, "stream");
    struct ua_app *app = ua_app_find(&control->ua, name);
    int64_t since = rpc_integer(call, "since", -1);
    char id[UA_ID_SIZE];
    if (!app) {
        rpc_fail(call, DG_NOT_FOUND, "no application is called %.64s; application.list names them", name);
        return;
    }
    bool ours = (!stream || strcmp(stream, ua_id(control->ua.stream, id)) == 0) &&
                (since < 0 || (uint64_t)since <= app->ring.last);
    struct follower follower = {
        .on = true, .back = true, .app = app, .next = 1, .listens = rpc_boolean(call, "listen")};
    if (ours)
        follower.next = since < 0 ? app->ring.last + 1 : (uint64_t)since + 1;
    if (!rpc_attach(call, &follower)) {
        rpc_fail(call, DG_REFUSED, "an application needs a connection of its own");
        return;
    }
    events_serve_soon(&control->events);
    rpc_reply(call, json_pack("{s:s, s:s, s:b, s:I, s:I, s:I}", "application", app->name, "stream",
                              ua_id(control->ua.stream, id), "same_stream", ours, "next",
                              (json_int_t)follower.next, "kept_from",
                              (json_int_t)event_ring_first(&app->ring), "dialogs", (json_int_t)app->calls));
}

void rpc_ua_detach(struct rpc_call *call)
{
    const struct follower none = {.on = false};
    bool was = rpc_attached(call) != NULL;
    if (was)
        rpc_attach(call, &none);
    rpc_reply(call, json_pack("{s:b}", "was_attached", was));
}

void rpc_ua_context(struct rpc_call *call)
{
    struct ua_call *dialog = rpc_ua_dialog(call);
    char *context = dialog ? strdup(rpc_text(call, "context")) : NULL;
    if (!dialog)
        return;
    free(dialog->context);
    dialog->context = context;
    ua_call_keep(&rpc_control(call)->ua, dialog);
    rpc_reply(call, json_pack("{s:b}", "kept", context != NULL));
}

// --- one dialog, with what the data plane knows of it ---

struct getting {
    struct rpc_call *call;
    json_t *json;
    bool callee, found;
};

static void on_get_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct getting *getting = context;
    json_t *there = dialog_json(rpc_control(getting->call), row, text);
    if (!getting->found) {
        json_object_set(getting->json, "call_id", json_object_get(there, "call_id"));
        json_object_set(getting->json, "acked", json_object_get(there, "acked"));
        json_object_set(getting->json, "local",
                        json_object_get(there, getting->callee ? "callee" : "caller"));
        json_object_set(getting->json, "remote",
                        json_object_get(there, getting->callee ? "caller" : "callee"));
        getting->found = true;
    }
    json_decref(there);
}

static void on_get_done(void *context, const struct channel_done *done)
{
    struct getting *getting = context;
    // What went meanwhile is shown as control has it; so it is without a data plane.
    rpc_reply(getting->call, getting->json);
    free(getting);
}

void rpc_ua_get(struct rpc_call *call)
{
    struct ua_call *dialog = rpc_ua_dialog(call);
    struct getting *getting = dialog ? calloc(1, sizeof(*getting)) : NULL;
    if (!dialog)
        return;
    if (!getting) {
        rpc_fail(call, DG_INTERNAL, "out of memory");
        return;
    }
    getting->call = call;
    getting->callee = dialog->callee;
    getting->json = ua_call_json(&rpc_control(call)->ua, dialog);
    struct channel_dialog_select select = {.handle = dialog->by_handle.key};
    struct channel_answer answer = {on_get_row, on_get_done, getting, NULL};
    if (dialog_ask(rpc_control(call), CHANNEL_DIALOG_SHOW, &select, &answer) < 0)
        on_get_done(getting, NULL);
}

// --- lists ---

static json_t *row_json(const struct rpc_call *call, const struct ua_call *dialog)
{
    char id[UA_ID_SIZE];
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "dialog", ua_id(dialog->by_id.key, id), "application",
                  dialog->app->name, "peer", control_peer_name(rpc_control(call), dialog->peer), "role",
                  dialog->callee ? "server" : "client", "state", dialog_state_name(dialog->state),
                  "created_ms", (json_int_t)dialog->created_ms);
    if (dialog->context)
        json_object_set_new(row, "context", json_string(dialog->context));
    if (dialog->invite)
        json_object_set_new(row, "request", json_string(ua_id(dialog->invite->node.key, id)));
    return row;
}

// An application that has not heard of a call, and perhaps never will, has it not in its lists either: it
// would wait for its end for ever. app NULL: of all.
static bool is_listed(const struct ua_call *dialog, const struct ua_app *app)
{
    return !dialog->untold && (!app || dialog->app == app);
}

static bool is_state(const struct ua_call *dialog, const char *state)
{
    return !state || strcmp(dialog_state_name(dialog->state), state) == 0;
}

// Those of a Call-ID, which the data plane finds.
struct seeking {
    struct rpc_call *call;
    const struct ua_app *app;
    json_t *rows;
};

static bool has_tag(const struct seeking *seeking, const char *param, const struct channel_dialog_row *row,
                    const char *text, enum channel_dialog_text which)
{
    const char *tag = rpc_text(seeking->call, param);
    for (unsigned i = 0; i < (unsigned)which; i++)
        text += row->text_lengths[i];
    return !tag || (strlen(tag) == row->text_lengths[which] && memcmp(tag, text, strlen(tag)) == 0);
}

static void on_sought_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct seeking *seeking = context;
    const struct ua_call *dialog = ua_call_by_handle(&rpc_control(seeking->call)->ua, row->handle);
    if (!dialog || !is_listed(dialog, seeking->app) || !is_state(dialog, rpc_text(seeking->call, "state")) ||
        json_array_size(seeking->rows) >= 1000)
        return;
    enum channel_dialog_text local = dialog->callee ? CHANNEL_TEXT_CALLEE_TAG : CHANNEL_TEXT_CALLER_TAG;
    enum channel_dialog_text remote = dialog->callee ? CHANNEL_TEXT_CALLER_TAG : CHANNEL_TEXT_CALLEE_TAG;
    if (has_tag(seeking, "local_tag", row, text, local) && has_tag(seeking, "remote_tag", row, text, remote))
        json_array_append_new(seeking->rows, row_json(seeking->call, dialog));
}

static void on_sought(void *context, const struct channel_done *done)
{
    struct seeking *seeking = context;
    if (done->result < 0 && done->result != -ENOENT) {
        json_decref(seeking->rows);
        rpc_fail_errno(seeking->call, done->result, done->text);
    } else {
        rpc_reply(seeking->call, json_pack("{s:o, s:n}", "dialogs", seeking->rows, "after"));
    }
    free(seeking);
}

static void seek(struct rpc_call *call, const struct ua_app *app)
{
    struct channel_dialog_select select;
    struct seeking *seeking = calloc(1, sizeof(*seeking));
    if (!seeking || !dialog_by_call_id(rpc_text(call, "call_id"), &select)) {
        rpc_fail(call, seeking ? DG_INVALID_PARAMS : DG_INTERNAL, "call_id can be no Call-ID");
        free(seeking);
        return;
    }
    *seeking = (struct seeking){call, app, json_array()};
    struct channel_answer answer = {on_sought_row, on_sought, seeking, NULL};
    int result = dialog_ask(rpc_control(call), CHANNEL_DIALOG_SHOW, &select, &answer);
    if (result < 0) {
        json_decref(seeking->rows);
        free(seeking);
        rpc_fail_errno(call, result, NULL);
    }
}

// Newest first; a cursor is the number of the last that was shown.
void rpc_ua_list(struct rpc_call *call)
{
    const struct ua *ua = &rpc_control(call)->ua;
    const bool narrow = rpc_text(call, "application") || rpc_attached(call);
    const int64_t limit = rpc_integer(call, "limit", 100);
    const struct ua_app *app = narrow ? rpc_ua_app(call) : NULL;
    uint64_t before = UINT64_MAX, last = 0;
    char cursor[UA_ID_SIZE];
    if (narrow && !app)
        return;
    if (rpc_text(call, "call_id")) {
        seek(call, app);
        return;
    }
    if (rpc_text(call, "after") && !dialog_handle(rpc_text(call, "after"), &before)) {
        rpc_fail(call, DG_INVALID_PARAMS, "after is no cursor");
        return;
    }
    json_t *rows = json_array();
    const struct ua_call *dialog;
    LIST_FOREACH(dialog, &ua->calls, link)
    {
        if (dialog->serial >= before || !is_listed(dialog, app) || !is_state(dialog, rpc_text(call, "state")))
            continue;
        if ((int64_t)json_array_size(rows) == limit)
            break;
        json_array_append_new(rows, row_json(call, dialog));
        last = dialog->serial;
    }
    rpc_reply(call, json_pack("{s:o, s:s?}", "dialogs", rows, "after", dialog ? ua_id(last, cursor) : NULL));
}

void rpc_ua_count(struct rpc_call *call)
{
    const struct ua *ua = &rpc_control(call)->ua;
    const bool narrow = rpc_text(call, "application") || rpc_attached(call);
    const struct ua_app *app = narrow ? rpc_ua_app(call) : NULL;
    const struct ua_call *dialog;
    json_int_t counts[CHANNEL_DIALOG_TERMINATED + 1] = {0}, all = 0;
    if (narrow && !app)
        return;
    LIST_FOREACH(dialog, &ua->calls, link)
    {
        if (!is_listed(dialog, app))
            continue;
        counts[dialog->state]++;
        all++;
    }
    json_t *result = json_pack("{s:I}", "dialogs", all);
    for (unsigned state = CHANNEL_DIALOG_NONE; state < CHANNEL_DIALOG_TERMINATED; state++)
        json_object_set_new(result, dialog_state_name(state), json_integer(counts[state]));
    rpc_reply(call, result);
}
