// SPDX-License-Identifier: BSD-3-Clause
#include "transfer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "../log.h"

#define CLOCK_MS  500
#define ALONE_GAP 1000u // of CSeq

struct transfer *transfer_find(const struct ua *ua, uint64_t id)
{
    struct transfer *transfer;
    LIST_FOREACH(transfer, &ua->control->transfers.list, link)
    if (transfer->id == id)
        return transfer;
    return NULL;
}

unsigned transfer_count_of(const struct ua *ua, uint64_t dialog)
{
    const struct transfer *transfer;
    unsigned count = 0;
    LIST_FOREACH(transfer, &ua->control->transfers.list, link)
    count += transfer->dialog == dialog;
    return count;
}

static bool has_room(const struct transfers *transfers, const struct ua_app *app)
{
    const struct transfer *transfer;
    unsigned count = 0;
    if (transfers->count < TRANSFERS_APP_MAX)
        return true;
    LIST_FOREACH(transfer, &transfers->list, link)
    count += transfer->app == app;
    return transfers->count < TRANSFERS_MAX && count < TRANSFERS_APP_MAX;
}

struct transfer *transfer_begin_outside(struct ua *ua, struct ua_app *app, enum refer_state state,
                                        uint32_t cseq)
{
    struct transfers *transfers = &ua->control->transfers;
    struct transfer *transfer = has_room(transfers, app) ? calloc(1, sizeof(*transfer)) : NULL;
    if (!transfer)
        return NULL;
    refer_begin(&transfer->refer, state, cseq, clock_ms());
    transfer->id = ++transfers->last;
    transfer->app = app;
    transfer->to_peer = transfer->peer = transfer->member = NUMBER_NONE;
    LIST_INSERT_HEAD(&transfers->list, transfer, link);
    transfers->count++;
    return transfer;
}

struct transfer *transfer_begin(struct ua *ua, const struct ua_call *call, enum refer_state state,
                                uint32_t cseq)
{
    struct transfer *transfer = transfer_begin_outside(ua, call->app, state, cseq);
    if (!transfer)
        return NULL;
    transfer->dialog = call->by_id.key;
    transfer->depth = call->transfers;
    transfer->peer = call->peer;
    return transfer;
}

static void forget(struct transfers *transfers, struct transfer *transfer)
{
    char *const texts[] = {transfer->call_id, transfer->uri,    transfer->from,  transfer->from_tag,
                           transfer->to,      transfer->routes, transfer->offer, transfer->offer_type};
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free(texts[i]);
    const struct ua_outcome outcome = {.code = DG_UNAVAILABLE, .text = "the REFER could not be sent"};
    if (transfer->asker.done)
        transfer->asker.done(transfer->asker.context, &outcome);
    LIST_REMOVE(transfer, link);
    transfers->count--;
    free(transfer);
}

char *transfer_copy(const struct message *message, struct span span)
{
    return strndup((const char *)message_at(message, span), span.length);
}

// What the far end wrote, which may be no UTF-8, or what is left of it when it was cut.
static json_t *word(const char *text)
{
    return ua_text_json((const uint8_t *)text, strlen(text));
}

static json_t *word_if(const char *text)
{
    return text[0] ? word(text) : NULL;
}

json_t *transfer_json(const struct transfer *transfer)
{
    char id[UA_ID_SIZE], dialog[UA_ID_SIZE], target[UA_ID_SIZE];
    return json_pack(
        "{s:s, s:s*, s:s, s:s, s:s, s:o, s:o*, s:o*, s:i, s:o, s:s*, s:o*}", "refer", ua_id(transfer->id, id),
        "dialog", transfer->dialog ? ua_id(transfer->dialog, dialog) : NULL, "application",
        transfer->app->name, "role", transfer->ours ? "sender" : "receiver", "state",
        refer_state_name(transfer->refer.state), "to", word(transfer->ask.uri), "replaces",
        word_if(transfer->ask.replaces), "referred_by", word_if(transfer->ask.referred_by), "status",
        (int)transfer->refer.status, "reason", word(transfer->reason), "target",
        transfer->target ? ua_id(transfer->target, target) : NULL, "tag", word_if(transfer->label));
}

static void tell(struct ua *ua, const struct transfer *transfer, bool final)
{
    json_t *fields = transfer_json(transfer);
    json_object_set_new(fields, "final", json_boolean(final));
    json_object_del(fields, "dialog"); // which every event has
    json_object_del(fields, "application");
    struct ua_call *call = ua_call_by_id(ua, transfer->dialog);
    if (!call && transfer->dialog) {
        char id[UA_ID_SIZE];
        json_object_set_new(fields, "of", json_string(ua_id(transfer->dialog, id)));
    }
    ua_tell(ua, transfer->app, call, "refer_progress", fields);
}

void transfer_act(struct ua *ua, struct transfer *transfer, unsigned actions)
{
    if (actions && !(actions & REFER_DO_FORGET)) {
        transfer_keep(ua, transfer);
        keep_commit(ua->keep); // before the far end hears of it
    }
    while (actions) {
        unsigned more = 0;
        transfer_note(ua, transfer, actions);
        if ((actions & REFER_DO_ACCEPT) && transfer->outside) {
            transfer_open(ua, transfer, actions & ~REFER_DO_ACCEPT);
            return;
        }
        if (actions & REFER_DO_ACCEPT)
            transfer_respond(ua, transfer, 200); // RFC 7647 section 5: 202 is no more
        if (actions & REFER_DO_REFUSE)
            transfer_respond(ua, transfer, transfer->refusal ? transfer->refusal : 480);
        if (actions & (REFER_DO_ACCEPT | REFER_DO_REFUSE))
            transfer->request = 0;
        if ((actions & (REFER_DO_NOTIFY | REFER_DO_LAST)) &&
            !transfer_notify(ua, transfer, (actions & REFER_DO_LAST) != 0))
            more |= refer_notified(&transfer->refer, 503, clock_ms());
        if ((actions & REFER_DO_CALL) && !transfer_call(ua, transfer))
            more |= refer_step(&transfer->refer, REFER_ON_OUTCOME, 503, clock_ms());
        if (actions & REFER_DO_TELL)
            tell(ua, transfer, (actions & REFER_DO_END) != 0);
        if ((actions | more) & REFER_DO_FORGET) {
            if (more & REFER_DO_TELL)
                tell(ua, transfer, true);
            transfer_note(ua, transfer, more);
            keep_drop(ua->keep, KEEP_TRANSFER, transfer->id);
            forget(&ua->control->transfers, transfer);
            return;
        }
        actions = more;
        transfer_keep(ua, transfer);
    }
}

// --- replies ---

struct waiter {
    struct ua *ua;
    uint64_t id;
    void (*told)(struct ua *, struct transfer *, const struct ua_outcome *);
};

static void on_done(void *context, const struct ua_outcome *outcome)
{
    struct waiter *waiter = context;
    struct transfer *transfer = transfer_find(waiter->ua, waiter->id);
    if (transfer)
        waiter->told(waiter->ua, transfer, outcome);
    free(waiter);
}

struct ua_reply transfer_reply(struct ua *ua, const struct transfer *transfer,
                               void (*told)(struct ua *, struct transfer *, const struct ua_outcome *))
{
    struct waiter *waiter = malloc(sizeof(*waiter));
    if (!waiter)
        return (struct ua_reply){0};
    *waiter = (struct waiter){ua, transfer->id, told};
    return (struct ua_reply){on_done, waiter};
}

// --- what control/ua tells ---

static bool on_asked(struct ua *ua, struct ua_request *request, const struct message *message)
{
    if (!message || !message->is_request)
        return false;
    if (replaces_refuse(ua, request, message))
        return true;
    if (message->method == METHOD_NOTIFY)
        return transfer_take_notify(ua, request, message);
    if (message->method == METHOD_SUBSCRIBE)
        return transfer_take_subscribe(ua, request, message);
    if (message->method != METHOD_REFER)
        return false;
    return request->call ? transfer_take_refer(ua, request, message)
                         : transfer_take_outside(ua, request, message);
}

static void keep_reason(struct transfer *transfer, const struct ua_response *response)
{
    const struct message *message = response->message;
    if (message)
        snprintf(transfer->reason, sizeof(transfer->reason), "%.*s", (int)message->reason.length,
                 (const char *)message_at(message, message->reason));
    else // none came, or it came while nobody listened
        snprintf(transfer->reason, sizeof(transfer->reason), "%s",
                 response->status == 200   ? "OK"
                 : response->status == 408 ? "Request Timeout"
                                           : "Service Unavailable");
}

static bool is_lost(const struct ua_response *response)
{
    return !response->message && response->status == UA_LOST_STATUS;
}

static bool on_answered(struct ua *ua, uint64_t name, const struct ua_response *response)
{
    struct transfer *transfer;
    uint64_t now = clock_ms();
    LIST_FOREACH(transfer, &ua->control->transfers.list, link)
    {
        if (transfer->kept && is_lost(response) && (name == transfer->notify || name == transfer->invite))
            return name == transfer->notify; // what is true then, `resumed` says
        if (name == transfer->notify) {
            transfer_act(ua, transfer, refer_notified(&transfer->refer, response->status, now));
            return true;
        }
        if (name == transfer->invite) {
            keep_reason(transfer, response);
            if (!transfer->refer.out && !transfer->request) // what is told now is not told again then
                transfer->kept = false;
            enum refer_event event = response->status < 200 ? REFER_ON_PROGRESS : REFER_ON_OUTCOME;
            if (response->status > 100) // 100 was told when the call was placed
                transfer_act(
                    ua, transfer,
                    refer_step(&transfer->refer, event, is_lost(response) ? 503 : response->status, now));
            return false;
        }
        if (name == transfer->sent) {
            if (response->status < 200)
                return true;
            bool silent = response->message && refer_is_silent(response->message);
            enum refer_event event = response->status >= 300 ? REFER_ON_REFUSED
                                     : silent                ? REFER_ON_2XX_SILENT
                                                             : REFER_ON_2XX;
            keep_reason(transfer, response);
            if (response->message) // of the one that was accepted, after a challenge too
                transfer->refer.cseq = response->message->cseq_number;
            transfer_act(ua, transfer, refer_step(&transfer->refer, event, response->status, now));
            return true;
        }
    }
    return false;
}

bool transfer_leave(struct transfer *transfer)
{
    if (transfer->alone)
        return false;
    // What the call sent behind our last NOTIFY, its BYE at least, took numbers, too; a gap is legal
    // (RFC 3261 12.2.2).
    transfer->cseq += ALONE_GAP;
    return transfer->alone = true;
}

static void on_ended(struct ua *ua, struct ua_call *call)
{
    struct transfer *transfer, *next;
    uint64_t id = call->by_id.key, now = clock_ms();
    replaces_ended(ua, call);
    for (transfer = LIST_FIRST(&ua->control->transfers.list); transfer; transfer = next) {
        next = LIST_NEXT(transfer, link);
        unsigned actions = 0;
        const struct ua_call *fork = transfer->target == id ? ua_call_fork(ua, call) : NULL;
        if (fork) { // its INVITE goes on
            transfer->target = fork->by_id.key;
            transfer_keep(ua, transfer);
        } else if (transfer->target == id) {       // it has had no final response, or it was told already
            bool ended = call->round == ua->round; // else the data plane has lost it
            transfer->target = 0;
            actions = refer_step(&transfer->refer, REFER_ON_OUTCOME, ended ? 487 : 503, now);
            if (actions)
                snprintf(transfer->reason, sizeof(transfer->reason), "%s",
                         ended ? "Request Terminated" : "Service Unavailable");
        } else if (transfer->dialog == id && !transfer->outside) {
            // The response to a NOTIFY that went in the call finds nobody any more; the far end ended the
            // call, and is there.
            if (transfer_leave(transfer))
                actions = refer_notified(&transfer->refer, 200, now);
            if (!(actions & REFER_DO_FORGET)) {
                transfer->refusal = 487;
                actions |= refer_step(&transfer->refer, REFER_ON_GONE, 0, now);
            }
        }
        transfer_act(ua, transfer, actions);
    }
}

static void on_clock(evutil_socket_t fd, short what, void *context)
{
    struct control *control = context;
    struct transfer *transfer, *next;
    uint64_t now = clock_ms();
    replaces_clock(&control->ua);
    for (transfer = LIST_FIRST(&control->transfers.list); transfer; transfer = next) {
        next = LIST_NEXT(transfer, link);
        if (!transfer->kept)
            transfer_act(&control->ua, transfer, refer_clock(&transfer->refer, now));
    }
}

int transfers_start(struct control *control)
{
    static const struct timeval interval = {0, CLOCK_MS * 1000};
    struct transfers *transfers = &control->transfers;
    LIST_INIT(&transfers->list);
    transfers->last = (uint64_t)ua_unix_ms() << 16; // no two processes count alike
    transfers->clock = event_new(control->base, -1, EV_PERSIST, on_clock, control);
    if (!transfers->clock || event_add(transfers->clock, &interval) < 0)
        return -ENOMEM;
    replaces_start(&control->ua);
    control->ua.asked = on_asked;
    control->ua.answered = on_answered;
    control->ua.ended = on_ended;
    control->ua.resumed = transfers_resumed;
    control->ua.restarted = transfers_restarted;
    transfers_take(&control->ua);
    return 0;
}

void transfers_stop(struct control *control)
{
    struct transfers *transfers = &control->transfers;
    replaces_stop(control);
    control->ua.asked = NULL;
    control->ua.answered = NULL;
    control->ua.ended = NULL;
    control->ua.resumed = NULL;
    control->ua.restarted = NULL;
    while (!LIST_EMPTY(&transfers->list))
        forget(transfers, LIST_FIRST(&transfers->list));
    if (transfers->clock)
        event_free(transfers->clock);
    transfers->clock = NULL;
}
