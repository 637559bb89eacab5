// SPDX-License-Identifier: BSD-3-Clause
#include "dialog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../drain.h"
#include "handlers.h"
#include "text.h"

#define LIMIT_DEFAULT 100

static const char *const state_names[CHANNEL_DIALOG_TERMINATED + 1] = {
    "any", "none", "early", "confirmed", "terminating", "terminated"};

struct listing {
    struct rpc_call *call;
    json_t *dialogs;
    uint64_t handle;        // of dialog.show
    const char *by_call_id; // dialog.show: what is tried when nothing has the handle; borrowed from the call
};

const char *dialog_id(uint64_t handle, char id[DIALOG_ID_SIZE])
{
    snprintf(id, DIALOG_ID_SIZE, "%016" PRIx64, handle);
    return id;
}

bool dialog_handle(const char *text, uint64_t *handle)
{
    if (strlen(text) != DIALOG_ID_SIZE - 1 || strspn(text, "0123456789abcdefABCDEF") != DIALOG_ID_SIZE - 1)
        return false;
    *handle = strtoull(text, NULL, 16);
    return *handle != 0;
}

bool dialog_by_call_id(const char *text, struct channel_dialog_select *select)
{
    *select = (struct channel_dialog_select){0};
    long length = text_octets(text, select->call_id, sizeof(select->call_id));
    select->call_id_length = length > 0 ? (uint16_t)length : 0;
    return length > 0;
}

int dialog_ask(struct control *control, enum channel_type type, const void *body,
               const struct channel_answer *answer)
{
    struct channel_request request = {
        .type = type, .body = body, .fd = -1, .timeout_ms = DATAPLANE_DEADLINE_MS};
    return channel_ask(control->channel, &request, answer);
}

const char *dialog_state_name(unsigned int state)
{
    return state_names[state];
}

json_t *dialog_member_json(const struct control *control, uint32_t number)
{
    struct ip_address address;
    uint16_t port;
    char text[ADDRESS_TEXT_SIZE];
    if (number >= MEMBERS_MAX || manifest_member_name(control->manifest, number, NULL, &address, &port) < 0)
        return json_string("-");
    return json_string(text_address(&address, port, text));
}

json_t *dialog_json(const struct control *control, const struct channel_dialog_row *row, const char *text)
{
    char id[DIALOG_ID_SIZE];
    json_t *texts[CHANNEL_TEXT_COUNT];
    for (size_t i = 0; i < CHANNEL_TEXT_COUNT; i++) {
        texts[i] = text_json(text, row->text_lengths[i]);
        text += row->text_lengths[i];
    }
    const char *caller_peer = control_peer_name(control, row->caller_peer);
    const char *callee_peer = control_peer_name(control, row->callee_peer);
    json_t *caller =
        json_pack("{s:o, s:o, s:o, s:o, s:I}", "peer", text_json(caller_peer, strlen(caller_peer)), "uri",
                  texts[CHANNEL_TEXT_CALLER_URI], "tag", texts[CHANNEL_TEXT_CALLER_TAG], "target",
                  texts[CHANNEL_TEXT_CALLER_TARGET], "cseq", (json_int_t)row->caller_cseq);
    json_t *callee =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "peer", text_json(callee_peer, strlen(callee_peer)),
                  "member", dialog_member_json(control, row->callee_member), "uri",
                  texts[CHANNEL_TEXT_CALLEE_URI], "tag", texts[CHANNEL_TEXT_CALLEE_TAG], "target",
                  texts[CHANNEL_TEXT_CALLEE_TARGET], "cseq", (json_int_t)row->callee_cseq);
    return json_pack("{s:s, s:o, s:s, s:b, s:I, s:I, s:i, s:o, s:o}", "id", dialog_id(row->handle, id),
                     "call_id", texts[CHANNEL_TEXT_CALL_ID], "state", state_names[row->state], "acked",
                     row->acked != 0, "age_ms", (json_int_t)row->age_ms, "state_ms",
                     (json_int_t)row->state_ms, "worker", (int)row->worker, "caller", caller, "callee",
                     callee);
}

static void on_row(void *context, const struct channel_dialog_row *row, const char *text)
{
    struct listing *listing = context;
    // More than was asked for would let the dataplane fill our memory.
    if (json_array_size(listing->dialogs) < CHANNEL_LIST_MAX)
        json_array_append_new(listing->dialogs, dialog_json(rpc_control(listing->call), row, text));
}

static void on_list_done(void *context, const struct channel_done *done)
{
    struct listing *listing = context;
    if (done->result < 0) {
        json_decref(listing->dialogs);
        rpc_fail_errno(listing->call, done->result, done->text);
    } else {
        char cursor[DIALOG_ID_SIZE];
        json_t *next = done->cursor ? json_string(dialog_id(done->cursor, cursor)) : json_null();
        rpc_reply(listing->call, json_pack("{s:o, s:o}", "dialogs", listing->dialogs, "cursor", next));
    }
    free(listing);
}

static struct listing *listing_create(struct rpc_call *call)
{
    struct listing *listing = calloc(1, sizeof(*listing));
    if (!listing) {
        rpc_fail(call, DG_INTERNAL, "out of memory");
        return NULL;
    }
    listing->call = call;
    listing->dialogs = json_array();
    return listing;
}

static void listing_fail(struct listing *listing, int result)
{
    json_decref(listing->dialogs);
    rpc_fail_errno(listing->call, result, NULL);
    free(listing);
}

int dialog_find_peer(const struct control *control, const char *name)
{
    uint32_t configured;
    if (drain_peer(control, name, &configured))
        return (int)configured; // before one that had the name
    for (int number = 0; number < (int)PEERS_MAX; number++) {
        const char *known = manifest_peer_name(control->manifest, (uint32_t)number);
        if (known && strcmp(known, name) == 0)
            return number;
    }
    return -ENOENT;
}

bool dialog_read_filters(struct rpc_call *call, struct channel_dialog_list *list)
{
    const char *peer = rpc_text(call, "peer");
    const char *state = rpc_text(call, "state");
    const char *cursor = rpc_text(call, "cursor");
    bool stream = rpc_boolean(call, "stream");
    int64_t limit = stream ? CHANNEL_LIST_MAX : rpc_integer(call, "limit", LIMIT_DEFAULT);
    int number = peer ? dialog_find_peer(rpc_control(call), peer) : (int)NUMBER_NONE;
    size_t state_number = 0;
    if (number < 0) {
        rpc_fail(call, DG_NOT_FOUND, "no peer is called %.64s; peer.list names them", peer);
        return false;
    }
    if (limit < 1 || limit > CHANNEL_LIST_MAX) {
        rpc_fail(call, DG_INVALID_PARAMS, "limit must be 1 to %u", CHANNEL_LIST_MAX);
        return false;
    }
    // The row of the method has checked that it is one of them.
    while (state && strcmp(state_names[state_number], state) != 0)
        state_number++;
    *list = (struct channel_dialog_list){.older_ms = (uint64_t)rpc_integer(call, "older_ms", 0),
                                         .peer = (uint16_t)number,
                                         .state = (uint16_t)state_number,
                                         .limit = (uint32_t)limit};
    if (cursor && !dialog_handle(cursor, &list->cursor)) {
        rpc_fail(call, DG_INVALID_PARAMS, "cursor is not one that dialog.list gave");
        return false;
    }
    return true;
}

void rpc_dialog_list(struct rpc_call *call)
{
    struct channel_dialog_list list;
    if (!dialog_read_filters(call, &list))
        return;
    if (rpc_boolean(call, "stream")) {
        dialog_stream(call, &list);
        return;
    }
    struct listing *listing = listing_create(call);
    if (!listing)
        return;
    struct channel_answer answer = {on_row, on_list_done, listing, NULL};
    int result = dialog_ask(rpc_control(call), CHANNEL_DIALOG_LIST, &list, &answer);
    if (result < 0)
        listing_fail(listing, result);
}

static void show_by_call_id(struct listing *listing);

static void on_show_done(void *context, const struct channel_done *done)
{
    struct listing *listing = context;
    bool none = done->result == -ENOENT || (done->result == 0 && json_array_size(listing->dialogs) == 0);
    if (none && listing->by_call_id) {
        show_by_call_id(listing);
        return;
    }
    if (none) {
        json_decref(listing->dialogs);
        rpc_fail(listing->call, DG_NOT_FOUND,
                 "no dialog has this id or Call-ID; dialog.list shows those there are");
    } else if (done->result < 0) {
        json_decref(listing->dialogs);
        rpc_fail_errno(listing->call, done->result, done->text);
    } else {
        rpc_reply(listing->call, json_pack("{s:o}", "dialogs", listing->dialogs));
    }
    free(listing);
}

static void show(struct listing *listing, const struct channel_dialog_select *select)
{
    struct channel_answer answer = {on_row, on_show_done, listing, NULL};
    int result = dialog_ask(rpc_control(listing->call), CHANNEL_DIALOG_SHOW, select, &answer);
    if (result < 0)
        listing_fail(listing, result);
}

static void show_by_call_id(struct listing *listing)
{
    struct channel_dialog_select select;
    const char *text = listing->by_call_id;
    listing->by_call_id = NULL;
    if (dialog_by_call_id(text, &select)) {
        show(listing, &select);
        return;
    }
    json_decref(listing->dialogs);
    rpc_fail(listing->call, DG_INVALID_PARAMS, "id is neither a short id nor a Call-ID");
    free(listing);
}

// What looks like a short id may be a Call-ID of 16 hex digits: the handle is tried first.
void rpc_dialog_show(struct rpc_call *call)
{
    struct channel_dialog_select select = {0};
    struct listing *listing = listing_create(call);
    if (!listing)
        return;
    listing->by_call_id = rpc_text(call, "id");
    if (dialog_handle(listing->by_call_id, &select.handle))
        show(listing, &select);
    else
        show_by_call_id(listing);
}

void rpc_dialog_count(struct rpc_call *call)
{
    const struct control *control = rpc_control(call);
    const struct counters *counters = control->counters;
    if (!counters) {
        rpc_fail(call, DG_UNAVAILABLE, "the dataplane is %s: no counters; system.status says more",
                 control_dataplane_state(control));
        return;
    }
#define NOW(name) (json_int_t) counters_sum(counters, COUNTER_DIALOG_##name##_NOW)
    json_t *states = json_pack("{s:I, s:I, s:I, s:I}", "none", NOW(NONE), "early", NOW(EARLY), "confirmed",
                               NOW(CONFIRMED), "terminating", NOW(TERMINATING));
    json_int_t total = NOW(NONE) + NOW(EARLY) + NOW(CONFIRMED) + NOW(TERMINATING);
#undef NOW
    json_t *peers = json_array();
    for (uint32_t number = 0; number < PEERS_MAX; number++) {
        const char *name = manifest_peer_name(control->manifest, number);
        struct counters_peer sum = counters_peer(counters, number);
        bool configured = configuration_peer(&control->active, number) != NULL;
        if (name && (configured || sum.calls_in || sum.calls_out))
            json_array_append_new(peers,
                                  json_pack("{s:o, s:I, s:I}", "name", text_json(name, strlen(name)), "in",
                                            (json_int_t)sum.calls_in, "out", (json_int_t)sum.calls_out));
    }
    rpc_reply(call, json_pack("{s:I, s:o, s:o}", "total", total, "states", states, "peers", peers));
}
