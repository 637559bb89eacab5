// SPDX-License-Identifier: BSD-3-Clause
// What the data plane tells becomes the change of a call and an event of its application.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "../control.h"
#include "../log.h"
#include "../rpc/text.h"
#include "ua.h"

struct told { // an event with what it is about
    const struct channel_ua_event *event;
    const struct message *message; // NULL: none
    struct ua_app *app;
    struct ua_call *call; // NULL: outside dialogs, or not known
    struct ua_sent *sent; // whose tag it has; NULL: none
};

static json_t *message_of(const struct told *told)
{
    return told->message ? ua_message_json(told->message) : json_null();
}

static const char *method_of(const struct told *told, char method[32])
{
    struct span cseq = told->message ? told->message->cseq : (struct span){0};
    const char *text = cseq.length ? (const char *)message_at(told->message, cseq) : "";
    size_t digits = 0;
    while (digits < cseq.length &&
           ((text[digits] >= '0' && text[digits] <= '9') || text[digits] == ' ' || text[digits] == '\t'))
        digits++;
    snprintf(method, 32, "%.*s", (int)(cseq.length - digits), text + digits);
    return method;
}

static json_t *source_of(const struct told *told)
{
    char text[ADDRESS_TEXT_SIZE];
    return json_string(text_address(&told->event->source, told->event->source_port, text));
}

static json_t *reason_of(const struct told *told)
{
    unsigned status = told->event->status;
    return told->message
               ? ua_text_json(message_at(told->message, told->message->reason), told->message->reason.length)
               : json_string(status < 300               ? "told while nobody listened"
                             : status == 408            ? "no answer"
                             : status == UA_LOST_STATUS ? "lost in a restart"
                                                        : "not sent");
}

static void note_peer(struct ua_call *call, const struct message *message)
{
    if (message && message_first_header(message, HEADER_ALLOW) != MESSAGE_NO_HEADER)
        call->updates = ua_message_names(message, HEADER_ALLOW, "UPDATE");
}

static const char *tag_of(const struct ua_sent *sent)
{
    return sent && sent->label[0] ? sent->label : NULL;
}

// A call that was not known: a fork of ours, or one that was there before this process.
static struct ua_call *adopt(struct ua *ua, const struct told *told)
{
    const struct channel_ua_event *event = told->event;
    struct ua_node *node = ua_table_find(&ua->numbers, event->call);
    const struct ua_call *first = node ? UA_OF(node, struct ua_call, by_number) : NULL;
    struct ua_call *call = ua_call_begin(ua, told->app, event->dialog, event->call);
    char id[UA_ID_SIZE];
    if (!call)
        return NULL;
    call->callee = (event->flags & CHANNEL_UA_CALLEE) != 0;
    call->peer = event->peer;
    if (first && first->app == call->app && !first->callee && !call->callee) {
        call->transfers = first->transfers;
        call->user = first->user ? strdup(first->user) : NULL;
        call->password = first->password ? strdup(first->password) : NULL;
        call->realm = first->realm ? strdup(first->realm) : NULL;
        if (first->realm && !call->realm) { // nobody is answered without knowing whom
            free(call->user);
            call->user = NULL;
        }
        ua_tell(ua, call->app, call, "forked", json_pack("{s:s}", "of", ua_id(first->by_id.key, id)));
    }
    return call;
}

static void refuse(struct ua *ua, struct ua_request *request, uint16_t status)
{
    struct ua_fault fault;
    struct ua_wish wish = {.op = CHANNEL_UA_RESPOND,
                           .request = request,
                           .status = status,
                           .peer = NUMBER_NONE,
                           .member = NUMBER_NONE};
    (void)ua_do(ua, &wish, NULL, &fault); // without a data plane nobody waits for it
    request->app->refused++;
}

// RFC 3261 21.4.18: nobody is there who could answer.
static void expect_program(struct ua *ua, struct ua_request *request)
{
    if (request->app->attached == 0)
        refuse(ua, request, 480);
}

void ua_call_arrived(struct ua *ua, struct ua_call *call, json_t *fields, bool automatic)
{
    call->untold = false;
    ua_call_keep(ua, call);
    ua_tell(ua, call->app, call, "incoming", fields);
    if (!automatic || !ua_automatic_begin(ua, call))
        expect_program(ua, call->invite);
}

static void on_call(struct ua *ua, struct told *told)
{
    char id[UA_ID_SIZE];
    struct ua_call *call = told->call ? told->call : adopt(ua, told);
    struct ua_request *request = call ? ua_request_begin(ua, told->event, told->app, call) : NULL;
    if (!request)
        return; // the data plane gives up by itself
    call->callee = true;
    call->invite = request;
    snprintf(request->method, sizeof(request->method), "INVITE");
    told->app->taken++;
    if (told->message)
        note_peer(call, told->message);
    json_t *fields = json_pack("{s:s, s:s, s:o, s:o}", "request", ua_id(told->event->transaction, id), "peer",
                               control_peer_name(ua->control, told->event->peer), "source", source_of(told),
                               "message", message_of(told));
    if (!ua->called || !ua->called(ua, request, told->message, fields))
        ua_call_arrived(ua, call, fields, true);
}

static struct ua_request *wait_for_answer(struct ua *ua, const struct told *told, const char *method)
{
    struct ua_request *request = ua_request_begin(ua, told->event, told->app, told->call);
    if (!request)
        return NULL;
    snprintf(request->method, sizeof(request->method), "%s", method);
    if (strcmp(method, "INVITE") == 0) {
        if (told->call)
            told->call->invite = request;
        return request;
    }
    request->deadline_ms = clock_ms() + UA_ANSWER_MS;
    TAILQ_INSERT_TAIL(&ua->unanswered, request, link);
    return request;
}

static void on_asked(struct ua *ua, struct told *told)
{
    char id[UA_ID_SIZE], method[32];
    struct ua_call *call = told->call;
    method_of(told, method);
    if (call) {
        call->active_ms = ua_unix_ms();
        note_peer(call, told->message);
    }
    if (call && strcmp(method, "BYE") == 0 && !call->ender)
        call->ender = UA_BY_REMOTE;
    if (strcmp(method, "ACK") == 0) {
        ua_tell(ua, told->app, call, "ack", json_pack("{s:o}", "message", message_of(told)));
        return;
    }
    struct ua_request *request = told->event->transaction ? wait_for_answer(ua, told, method) : NULL;
    if (request && ua->asked && ua->asked(ua, request, told->message))
        return;
    json_t *fields = json_pack("{s:s, s:s, s:o, s:o}", "method", method, "peer",
                               control_peer_name(ua->control, told->event->peer), "source", source_of(told),
                               "message", message_of(told));
    if (request)
        json_object_set_new(fields, "request", json_string(ua_id(told->event->transaction, id)));
    else
        json_object_set_new(fields, "status", json_integer(told->event->status));
    ua_tell(ua, told->app, call, "request", fields);
    if (request && !call)
        expect_program(ua, request);
    if (request && !request->answering)
        ua_request_keep(ua, request);
}

static void tell_response(struct ua *ua, const struct told *told, const char *event, bool final)
{
    char method[32], name[UA_ID_SIZE];
    json_t *fields =
        json_pack("{s:i, s:o, s:s, s:b, s:o}", "status", (int)told->event->status, "reason", reason_of(told),
                  "method", method_of(told, method), "final", final, "message", message_of(told));
    if (tag_of(told->sent))
        json_object_set_new(fields, "tag", json_string(told->sent->label));
    if (told->sent)
        json_object_set_new(fields, "request", json_string(ua_id(told->sent->name, name)));
    ua_tell(ua, told->app, told->call, event, fields);
}

static const char *event_of_call(unsigned status)
{
    return status < 200 ? "progress" : status < 300 ? "answered" : "failed";
}

static bool is_taken(struct ua *ua, const struct ua_sent *sent, const struct ua_response *response)
{
    return ua->answered && ua->answered(ua, sent->name, response);
}

static void finish(struct ua *ua, const struct told *told, const struct ua_response *response)
{
    // A final response before its command is said to be done: no data plane of ours does that.
    static const struct ua_outcome early = {.code = DG_UNAVAILABLE,
                                            .text = "the data plane answered out of turn"};
    struct ua_sent *sent = told->sent;
    ua_sent_tell(sent, &early);
    if (sent->registration)
        ua_registered(ua, sent, response);
    else if (sent->purpose == UA_FOR_CALL) {
        tell_response(ua, told, event_of_call(response->status), true);
        (void)is_taken(ua, sent, response);
    } else if (sent->purpose != UA_FOR_END && !sent->quiet && !is_taken(ua, sent, response))
        tell_response(ua, told, "response", true);
    ua_sent_free(ua, sent);
}

void ua_give_up(struct ua *ua, struct ua_sent *sent, const struct ua_response *response)
{
    const struct channel_ua_event event = {.status = (uint16_t)response->status,
                                           .peer = response->peer,
                                           .source = response->source,
                                           .source_port = response->source_port};
    struct ua_call *call = sent->call;
    bool over = call && sent->purpose == UA_FOR_CALL && call->over;
    struct told told = {&event, response->message, sent->app, call, sent};
    finish(ua, &told, response);
    if (over)
        ua_call_end(ua, call, CHANNEL_REASON_REFUSED);
}

static void on_answered(struct ua *ua, struct told *told)
{
    const struct channel_ua_event *event = told->event;
    const struct ua_response response = {event->status, told->message, event->source, event->source_port,
                                         event->peer};
    bool call = told->sent && told->sent->purpose == UA_FOR_CALL;
    if (told->call) {
        told->call->active_ms = ua_unix_ms();
        note_peer(told->call, told->message);
    }
    if (event->status < 200) {
        bool taken = told->sent && is_taken(ua, told->sent, &response) && !call;
        if (!told->sent || (!taken && !told->sent->quiet && told->sent->purpose != UA_FOR_END))
            tell_response(ua, told, call ? "progress" : "response", false);
    } else if (!told->sent) {
        tell_response(ua, told, "response", true);
    } else if (event->status < 300 || !ua_retry(ua, told->sent, &response)) {
        if (call && told->call && event->status < 300) // with what the far end takes
            ua_call_keep(ua, told->call);
        finish(ua, told, &response);
    }
}

static void on_cancelled(struct ua *ua, struct told *told)
{
    char id[UA_ID_SIZE];
    struct ua_request *request = ua_request_find(ua, told->event->transaction);
    if (told->call && !told->call->ender && told->call->state < CHANNEL_DIALOG_CONFIRMED)
        told->call->ender = UA_BY_REMOTE;
    ua_tell(
        ua, told->app, told->call, "cancelled",
        json_pack("{s:s, s:o}", "request", ua_id(told->event->transaction, id), "message", message_of(told)));
    if (request)
        ua_request_end(ua, request);
}

static void on_state(struct ua *ua, struct told *told)
{
    const struct channel_ua_event *event = told->event;
    struct ua_call *call = told->call;
    if (event->state != CHANNEL_DIALOG_TERMINATED) {
        if (call)
            ua_call_change(ua, call, event->state, event->reason);
        return;
    }
    if (!call)
        return;
    // Our INVITE failed and is tried again: for the application it is the same call.
    if (call->placing && ua_try_is_waiting(call->placing->again))
        call->over = true;
    else
        ua_call_end(ua, call, event->reason);
}

static void on_done(struct ua *ua, struct told *told)
{
    if (told->sent)
        ua_sent_done(ua, told->sent, told->event, told->message);
}

static void on_retry(struct ua *ua, struct told *told)
{
    if (told->call)
        ua_session_retry(ua, told->call);
}

static void on_refresh(struct ua *ua, struct told *told)
{
    if (told->call)
        ua_session_refresh(ua, told->call);
}

static void on_extend(struct ua *ua, struct told *told)
{
    if (told->call)
        ua_session_extend(ua, told->call);
}

static void on_resync(struct ua *ua, struct told *told)
{
    if (told->call)
        ua_session_resync(ua, told->call);
}

// After a restart of the data plane an event may name a call before the list of them does.
static struct ua_call *find_call(struct ua *ua, const struct channel_ua_event *event)
{
    struct ua_call *call = ua_call_by_handle(ua, event->dialog);
    struct ua_app *app = call || !event->dialog ? NULL : ua_app_at(ua, event->application);
    return app && event->state >= CHANNEL_DIALOG_CONFIRMED
               ? ua_call_moved(ua, app, event->dialog, event->call, (event->flags & CHANNEL_UA_CALLEE) != 0)
               : call;
}

void ua_take(struct control *control, const struct channel_ua_event *event, const uint8_t *octets)
{
    static void (*const takers[CHANNEL_UA_KINDS])(struct ua *, struct told *) = {
        [CHANNEL_UA_CALL] = on_call,         [CHANNEL_UA_ASKED] = on_asked,
        [CHANNEL_UA_ANSWERED] = on_answered, [CHANNEL_UA_CANCELLED] = on_cancelled,
        [CHANNEL_UA_STATE] = on_state,       [CHANNEL_UA_DONE] = on_done,
        [CHANNEL_UA_RETRY] = on_retry,       [CHANNEL_UA_REFRESH] = on_refresh,
        [CHANNEL_UA_EXTEND] = on_extend,     [CHANNEL_UA_RESYNC] = on_resync,
    };
    struct ua *ua = &control->ua;
    struct message message;
    struct told told = {.event = event, .sent = ua_sent_find(ua, event->tag)};
    told.call = find_call(ua, event);
    told.app = told.call ? told.call->app : told.sent ? told.sent->app : ua_app_at(ua, event->application);
    if (!told.app || event->kind >= CHANNEL_UA_KINDS || !takers[event->kind])
        return;
    // What has a fault came through the data plane's parser all the same: what is readable is told.
    if (event->length > 0) {
        (void)message_parse(octets, event->length, &message);
        told.message = &message;
    }
    bool tied = event->kind == CHANNEL_UA_DONE && told.sent;
    bool gone = event->kind == CHANNEL_UA_STATE && event->state == CHANNEL_DIALOG_TERMINATED;
    if (!told.call && event->dialog && !tied && !gone && event->kind != CHANNEL_UA_CALL)
        told.call = adopt(ua, &told);
    takers[event->kind](ua, &told);
}
