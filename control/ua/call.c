// SPDX-License-Identifier: BSD-3-Clause
// One dialog of an application, and the requests in it that wait for an answer.
#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "../rpc/dialog.h"
#include "ua.h"

static_assert(sizeof(struct ua_call) <= 280, "as README says");

static const char *const reasons[UA_REASONS] = {
#define R(name, word) [CHANNEL_REASON_##name] = word,
    CHANNEL_REASONS(R)
#undef R
        [UA_REASON_CLOSED] = "closed",
    [UA_REASON_LOST] = "lost",
};

const char *ua_reason_name(unsigned reason)
{
    return reasons[reason];
}

static const char *const enders[] = {NULL, "local", "remote", "operator", "timeout"};

struct ua_call *ua_call_by_handle(const struct ua *ua, uint64_t handle)
{
    struct ua_node *node = handle ? ua_table_find(&ua->handles, handle) : NULL;
    return node ? UA_OF(node, struct ua_call, by_handle) : NULL;
}

struct ua_call *ua_call_by_id(const struct ua *ua, uint64_t id)
{
    struct ua_node *node = id ? ua_table_find(&ua->ids, id) : NULL;
    return node ? UA_OF(node, struct ua_call, by_id) : ua_call_by_handle(ua, id);
}

struct ua_call *ua_call_begin(struct ua *ua, struct ua_app *app, uint64_t handle, uint64_t number)
{
    struct ua_call *call = calloc(1, sizeof(*call));
    if (!call)
        return NULL;
    call->app = app;
    call->state = CHANNEL_DIALOG_NONE;
    call->peer = NUMBER_NONE;
    call->created_ms = call->active_ms = ua_unix_ms();
    call->round = ua->round;
    LIST_INIT(&call->sent);
    LIST_INIT(&call->requests);
    call->serial = ++ua->last_serial;
    LIST_INSERT_HEAD(&ua->calls, call, link);
    app->calls++;
    ua_table_add(&ua->handles, &call->by_handle, handle);
    ua_table_add(&ua->ids, &call->by_id, handle);
    ua_table_add(&ua->numbers, &call->by_number, number);
    return call;
}

void ua_call_rename(struct ua *ua, struct ua_call *call, uint64_t handle)
{
    ua_call_lift(ua, call);
    ua_table_add(&ua->handles, &call->by_handle, handle);
    call->moved = false;
}

void ua_call_lift(struct ua *ua, struct ua_call *call)
{
    if (!call->moved)
        ua_table_remove(&ua->handles, &call->by_handle);
    call->moved = true;
}

static void remember(struct ua_call *call, unsigned state, unsigned reason)
{
    if (call->changes == UA_HISTORY) // the beginning and the newest stay
        memmove(&call->history[1], &call->history[2], sizeof(call->history[0]) * (UA_HISTORY - 2));
    else
        call->changes++;
    call->history[call->changes - 1] = (struct ua_change){(uint32_t)(call->active_ms - call->created_ms),
                                                          call->state, (uint8_t)state, (uint8_t)reason};
}

void ua_call_change(struct ua *ua, struct ua_call *call, unsigned state, unsigned reason)
{
    call->active_ms = ua_unix_ms();
    if (state == call->state)
        return;
    remember(call, state, reason);
    ua_tell(ua, call->app, call, "state",
            json_pack("{s:s, s:s, s:s}", "from", dialog_state_name(call->state), "to",
                      dialog_state_name(state), "reason", reasons[reason]));
    ua->counts.transitions[call->state][state][reason]++;
    call->state = (uint8_t)state;
    if (state == CHANNEL_DIALOG_CONFIRMED)
        ua_automatic_answered(ua, call);
    if (state == CHANNEL_DIALOG_CONFIRMED && ua->confirmed)
        ua->confirmed(ua, call);
    if (state != CHANNEL_DIALOG_TERMINATED)
        ua_call_keep(ua, call);
}

struct ua_call *ua_call_moved(struct ua *ua, const struct ua_app *app, uint64_t handle, uint64_t number,
                              bool callee)
{
    struct ua_call *found = NULL;
    for (struct ua_node *node = number ? ua_table_find(&ua->numbers, number) : NULL; node;
         node = ua_table_next(node)) {
        struct ua_call *call = UA_OF(node, struct ua_call, by_number);
        if (!call->moved || call->app != app || call->callee != callee)
            continue;
        // Of forks the one that was answered.
        if (!found || call->state == CHANNEL_DIALOG_CONFIRMED)
            found = call;
    }
    if (!found)
        return NULL;
    ua_call_rename(ua, found, handle);
    found->active_ms = ua_unix_ms();
    remember(found, found->state, CHANNEL_REASON_RESTORED);
    ua_call_keep(ua, found);
    return found;
}

static enum ua_ender ender_of(unsigned reason)
{
    switch (reason) {
    case CHANNEL_REASON_OPERATOR:
        return UA_BY_OPERATOR;
    case CHANNEL_REASON_TIMEOUT:
    case CHANNEL_REASON_NO_ACK:
    case CHANNEL_REASON_SESSION_END:
    case CHANNEL_REASON_DEAD:
        return UA_BY_TIMEOUT;
    default:
        return UA_BY_REMOTE;
    }
}

// Forks: our INVITE goes on with another of its dialogs.
struct ua_call *ua_call_fork(const struct ua *ua, const struct ua_call *call)
{
    struct ua_node *node =
        call->placing && call->by_number.key ? ua_table_find(&ua->numbers, call->by_number.key) : NULL;
    while (node == &call->by_number)
        node = ua_table_next(node);
    struct ua_call *other = node ? UA_OF(node, struct ua_call, by_number) : NULL;
    return other && other->app == call->app && !other->callee ? other : NULL;
}

static void hand_on(struct ua *ua, struct ua_call *call)
{
    struct ua_sent *sent = call->placing;
    struct ua_call *other = ua_call_fork(ua, call);
    struct timeval at;
    if (!other)
        return;
    if (call->limit && !other->limit && event_pending(call->limit, EV_TIMEOUT, &at)) {
        uint64_t limit_ms = (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_usec / 1000, now = ua_unix_ms();
        ua_call_limit(ua, other, limit_ms > now ? limit_ms - now : 1);
    }
    LIST_REMOVE(sent, of_call);
    LIST_INSERT_HEAD(&other->sent, sent, of_call);
    sent->call = other;
    other->placing = sent;
    call->placing = NULL;
    ua_call_keep(ua, other);
    ua_invite_keep(ua, sent);
}

void ua_call_forget(struct ua *ua, struct ua_call *call)
{
    struct ua_sent *sent, *next;
    struct ua_request *request;
    ua_automatic_end(call);
    if (call->placing)
        keep_drop(ua->keep, KEEP_INVITE, call->by_id.key);
    hand_on(ua, call);
    keep_drop(ua->keep, KEEP_CALL, call->by_id.key);
    if (call->invite)
        ua_request_end(ua, call->invite);
    // Those that still wait are owed an answer all the same (RFC 3261 15.1.2).
    while ((request = LIST_FIRST(&call->requests))) {
        LIST_REMOVE(request, of_call);
        request->call = NULL;
    }
    for (sent = LIST_FIRST(&call->sent); sent; sent = next) {
        next = LIST_NEXT(sent, of_call);
        if (sent->done)
            ua_sent_free(ua, sent);
        else // what came of it is told later than the end that it was
            ua_sent_untie(sent);
    }
    if (call->limit)
        event_free(call->limit);
    ua_call_lift(ua, call);
    ua_table_remove(&ua->ids, &call->by_id);
    ua_table_remove(&ua->numbers, &call->by_number);
    LIST_REMOVE(call, link);
    call->app->calls--;
    free(call->context);
    free(call->description);
    free(call->user);
    free(call->password);
    free(call->realm);
    free(call);
}

// A BYE of the data plane's own, because of a timer: the step before its response says which.
static unsigned cause_of(const struct ua_call *call, unsigned reason)
{
    const struct ua_change *last = call->changes ? &call->history[call->changes - 1] : NULL;
    bool ours = last && last->to == CHANNEL_DIALOG_TERMINATING && ender_of(last->reason) != UA_BY_REMOTE;
    return ours && reason == CHANNEL_REASON_BYE_DONE ? last->reason : reason;
}

void ua_call_end(struct ua *ua, struct ua_call *call, unsigned reason)
{
    unsigned cause = cause_of(call, reason);
    unsigned ender = call->ender ? call->ender : ender_of(cause);
    ua_call_change(ua, call, CHANNEL_DIALOG_TERMINATED, reason);
    if (ua->ended) // what it tells of the dialog comes before `ended`, the dialog's last event
        ua->ended(ua, call);
    ua_tell(ua, call->app, call, "ended",
            json_pack("{s:s, s:s, s:s*}", "reason", reasons[cause], "by", enders[ender], "context",
                      call->context));
    ua_call_forget(ua, call);
}

json_t *ua_call_json(const struct ua *ua, const struct ua_call *call)
{
    char id[UA_ID_SIZE], handle[UA_ID_SIZE];
    json_t *history = json_array();
    for (unsigned i = 0; i < call->changes; i++)
        json_array_append_new(history, json_pack("{s:I, s:s, s:s, s:s}", "after_ms",
                                                 (json_int_t)call->history[i].after_ms, "from",
                                                 dialog_state_name(call->history[i].from), "to",
                                                 dialog_state_name(call->history[i].to), "reason",
                                                 reasons[call->history[i].reason]));
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "dialog", ua_id(call->by_id.key, id),
                  "handle", ua_id(call->by_handle.key, handle), "application", call->app->name, "peer",
                  control_peer_name(ua->control, call->peer), "role", call->callee ? "server" : "client",
                  "state", dialog_state_name(call->state), "created_ms", (json_int_t)call->created_ms,
                  "active_ms", (json_int_t)call->active_ms, "history", history);
    if (call->context)
        json_object_set_new(json, "context", json_string(call->context));
    if (call->invite)
        json_object_set_new(json, "request", json_string(ua_id(call->invite->node.key, id)));
    if (call->invite && call->invite->replaces)
        json_object_set_new(json, "replaces", json_string(ua_id(call->invite->replaces, id)));
    return json;
}

void ua_call_keep_description(struct ua_call *call, const void *octets, size_t length)
{
    char *kept = malloc(length + 1);
    if (!kept)
        return;
    memcpy(kept, octets, length);
    kept[length] = '\0';
    free(call->description);
    call->description = kept;
    call->description_length = (uint32_t)length;
}

struct ua_request *ua_request_find(const struct ua *ua, uint64_t transaction)
{
    struct ua_node *node = transaction ? ua_table_find(&ua->requests, transaction) : NULL;
    return node ? UA_OF(node, struct ua_request, node) : NULL;
}

struct ua_request *ua_request_begin(struct ua *ua, const struct channel_ua_event *event, struct ua_app *app,
                                    struct ua_call *call)
{
    struct ua_request *old = ua_request_find(ua, event->transaction);
    if (old)
        ua_request_end(ua, old);
    struct ua_request *request = ua->requests.count < UA_REQUESTS_MAX ? calloc(1, sizeof(*request)) : NULL;
    if (!request)
        return NULL;
    request->call = call;
    request->app = app;
    request->source = event->source;
    request->source_port = event->source_port;
    request->peer = event->peer;
    if (call) {
        ua_id(call->by_id.key, request->dialog_id);
        LIST_INSERT_HEAD(&call->requests, request, of_call);
    }
    ua_table_add(&ua->requests, &request->node, event->transaction);
    return request;
}

void ua_request_end(struct ua *ua, struct ua_request *request)
{
    if (ua->settled)
        ua->settled(ua, request);
    if (request->deadline_ms)
        TAILQ_REMOVE(&ua->unanswered, request, link);
    if (request->call && request->call->invite == request)
        request->call->invite = NULL;
    if (request->call)
        LIST_REMOVE(request, of_call);
    if (request->kept)
        keep_drop(ua->keep, KEEP_REQUEST, request->node.key);
    ua_table_remove(&ua->requests, &request->node);
    free(request->last);
    free(request);
}
