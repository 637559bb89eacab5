// SPDX-License-Identifier: BSD-3-Clause
// What Dialgate tells changes the handles when it is read, and waits in the queue for callbacks.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "message.h"
#include "wire.h"

#define TURN 256u // callbacks of one dg_agent_process(), that the caller's loop gets its turn

struct queued {
    TAILQ_ENTRY(queued) link;
    json_t *params; // texts of the event
    struct dg_event event;
    struct dg_dialog *dialog; // references
    struct dg_dialog *replaces;
    struct dg_request *request;
    struct dg_message *message;
    struct rpc *result; // of a call that does not wait; NULL: an event
};

static void queued_free(struct queued *queued)
{
    if (queued->result) {
        rpc_fini(queued->result);
        free(queued->result);
    }
    dg_message_unref(queued->message);
    dg_request_unref(queued->request);
    dg_dialog_unref(queued->replaces);
    dg_dialog_unref(queued->dialog);
    json_decref(queued->params);
    free(queued);
}

static void drop_oldest(struct dg_agent *agent)
{
    struct queued *queued = TAILQ_FIRST(&agent->queue);
    while (queued->result) // each of these is waited for
        queued = TAILQ_NEXT(queued, link);
    TAILQ_REMOVE(&agent->queue, queued, link);
    agent->queued--;
    agent->dropped++;
    queued_free(queued);
}

static void enqueue(struct dg_agent *agent, struct queued *queued)
{
    if (agent->queued == agent->queue_max)
        drop_oldest(agent);
    TAILQ_INSERT_TAIL(&agent->queue, queued, link);
    agent->queued++;
    wire_wake(agent, true);
    pthread_cond_broadcast(&agent->changed);
}

static struct queued *make(struct dg_agent *agent, enum dg_event_kind kind, struct dg_dialog *dialog)
{
    struct queued *queued = calloc(1, sizeof(*queued));
    if (!queued) {
        agent->dropped++;
        return NULL;
    }
    queued->dialog = dialog ? dg_dialog_ref(dialog) : NULL;
    queued->event = (struct dg_event){.kind = kind,
                                      .agent = agent,
                                      .dialog = dialog,
                                      .method = "",
                                      .reason = "",
                                      .tag = "",
                                      .by = "",
                                      .peer = "",
                                      .source = ""};
    return queued;
}

void event_plain(struct dg_agent *agent, enum dg_event_kind kind, uint64_t count)
{
    struct queued *queued = make(agent, kind, NULL);
    if (!queued)
        return;
    queued->event.count = count;
    enqueue(agent, queued);
}

void event_ended(struct dg_dialog *dialog, const char *reason)
{
    struct queued *queued = make(dialog->agent, DG_EVENT_ENDED, dialog);
    if (queued) {
        queued->event.reason = reason;
        queued->event.by = "timeout";
        queued->event.from = dialog->state;
        queued->event.to = DG_STATE_TERMINATED;
        enqueue(dialog->agent, queued);
    }
    handle_end_dialog(dialog);
}

void event_result(struct dg_agent *agent, struct rpc *rpc)
{
    struct queued *queued = make(agent, DG_EVENT_KINDS, NULL);
    if (!queued) { // nobody can be told
        rpc_fini(rpc);
        free(rpc);
        return;
    }
    queued->result = rpc;
    TAILQ_INSERT_TAIL(&agent->queue, queued, link);
    wire_wake(agent, true);
}

static char *copy(const char *text)
{
    return *text ? strdup(text) : NULL;
}

// One of theirs that waits for an answer.
static struct dg_request *theirs(struct dg_agent *agent, const struct line_event *said,
                                 const struct queued *queued)
{
    bool refer = said->kind == DG_EVENT_REFER;
    struct dg_request *request = handle_request(agent, refer ? said->refer : said->request, queued->dialog);
    if (!request)
        return NULL;
    const char *method = refer ? "REFER" : said->kind == DG_EVENT_INCOMING ? "INVITE" : said->method;
    size_t length = strnlen(method, METHOD_SIZE - 1);
    memcpy(request->method, method, length);
    request->refer = refer;
    request->message = queued->message ? dg_message_ref(queued->message) : NULL;
    if (refer) {
        request->to = copy(said->to);
        request->replaces = copy(said->replaces);
        request->referred_by = copy(said->referred_by);
        handle_list_request(request); // its progress will name it
    }
    return request;
}

static struct dg_request *request_of(struct dg_agent *agent, const struct line_event *said,
                                     const struct queued *queued)
{
    struct dg_request *known = NULL;
    switch (said->kind) {
    case DG_EVENT_INCOMING:
    case DG_EVENT_REQUEST:
        return *said->request ? theirs(agent, said, queued) : NULL;
    case DG_EVENT_REFER:
        return *said->refer ? theirs(agent, said, queued) : NULL;
    case DG_EVENT_RESPONSE:
        known = handle_find_request(agent, said->request);
        break;
    case DG_EVENT_REFER_PROGRESS:
        known = handle_find_request(agent, said->refer);
        break;
    default:
        break;
    }
    return known ? dg_request_ref(known) : NULL;
}

static void change_dialog(struct dg_dialog *dialog, const struct line_event *said, struct queued *queued)
{
    switch (said->kind) {
    case DG_EVENT_INCOMING:
        dialog->callee = true;
        break;
    case DG_EVENT_ANSWERED:
        dialog->acked = dialog->acked || !dialog->late_ack;
        outcome_set(&dialog->outcome, said->status ? said->status : 200, said->reason, queued->message);
        break;
    case DG_EVENT_FAILED:
        outcome_set(&dialog->outcome, said->status ? said->status : 408, said->reason, queued->message);
        break;
    case DG_EVENT_ACK:
        dialog->acked = true;
        break;
    case DG_EVENT_STATE:
        queued->event.from = event_state(said->from);
        queued->event.to = event_state(said->to);
        dialog->state = queued->event.to;
        break;
    case DG_EVENT_ENDED:
        queued->event.from = dialog->state;
        queued->event.to = DG_STATE_TERMINATED;
        break;
    default:
        break;
    }
    pthread_cond_broadcast(&dialog->agent->changed);
}

static void fill(struct queued *queued, const struct line_event *said, json_t *params)
{
    queued->params = json_incref(params);
    queued->message = message_make(said->message);
    struct dg_event *event = &queued->event;
    event->message = queued->message;
    event->status = said->status;
    event->final = said->final;
    event->method = said->method;
    event->reason = said->reason;
    event->tag = said->tag;
    event->by = said->by;
    event->peer = said->peer;
    event->source = said->source;
    event->expires_s = said->expires_s;
    event->count = said->count;
    event->number = said->number;
}

static void take_replaced(struct queued *queued, const char *id)
{
    struct dg_dialog *replaced = *id ? handle_dialog(queued->event.agent, id) : NULL;
    queued->replaces = replaced ? dg_dialog_ref(replaced) : NULL;
    queued->event.replaces = queued->replaces;
}

void event_take(struct dg_agent *agent, json_t *params)
{
    struct line_event said;
    line_event(params, &said);
    if (said.number > agent->number)
        agent->number = said.number;
    if (said.kind == DG_EVENT_RESUMED || said.kind == DG_EVENT_LOST)
        link_sync(agent); // tells RESUMED at its end
    if (said.kind == DG_EVENT_KINDS || said.kind == DG_EVENT_RESUMED)
        return;
    struct dg_dialog *dialog = *said.dialog ? handle_dialog(agent, said.dialog) : NULL;
    struct queued *queued = make(agent, said.kind, dialog);
    if (!queued)
        return;
    fill(queued, &said, params);
    if (said.kind == DG_EVENT_INCOMING)
        take_replaced(queued, line_id(params, "replaces"));
    queued->request = request_of(agent, &said, queued);
    queued->event.request = queued->request;
    if (dialog)
        change_dialog(dialog, &said, queued);
    bool last = said.final && (said.kind == DG_EVENT_RESPONSE || said.kind == DG_EVENT_REFER_PROGRESS);
    if (last && queued->request)
        handle_end_request(queued->request, said.status, said.reason, queued->message);
    if (dialog && said.kind == DG_EVENT_ENDED)
        handle_end_dialog(dialog);
    enqueue(agent, queued);
}

// --- callbacks ---

static bool wants(const struct subscription *one, const struct dg_event *event)
{
    size_t length = 0;
    if (one->mask & 1u << event->kind)
        return true;
    if (one->mask & DG_ON_BODY && event->message)
        dg_message_body(event->message, &length);
    return length > 0;
}

// The oldest that wants it and is younger than last.
static const struct subscription *next_in(const struct subscriptions *list, const struct dg_event *event,
                                          uint64_t last)
{
    const struct subscription *found = NULL, *one = NULL;
    LIST_FOREACH(one, list, link)
    {
        if (one->number <= last)
            break; // newest first
        if (wants(one, event))
            found = one;
    }
    return found;
}

static void call_all(struct dg_agent *agent, const struct dg_event *event)
{
    uint64_t last = 0;
    while (!agent->closed) {
        const struct subscription *all = next_in(&agent->subscriptions, event, last);
        const struct subscription *own =
            event->dialog ? next_in(&event->dialog->subscriptions, event, last) : NULL;
        const struct subscription *one = !own || (all && all->number < own->number) ? all : own;
        if (!one)
            break;
        dg_on_event *on_event = one->on_event;
        void *context = one->context;
        last = agent->calling = one->number;
        pthread_mutex_unlock(&agent->lock);
        on_event(context, event);
        pthread_mutex_lock(&agent->lock);
        agent->calling = 0;
        pthread_cond_broadcast(&agent->changed);
    }
}

static void forget_subscriptions(struct dg_agent *agent, struct dg_dialog *dialog)
{
    struct subscription *one;
    while ((one = LIST_FIRST(&dialog->subscriptions))) {
        LIST_REMOVE(one, link);
        table_remove(&agent->numbers, &one->node);
        dg_dialog_unref(one->dialog);
        free(one);
    }
}

static void call_result(struct dg_agent *agent, struct rpc *rpc)
{
    struct dg_result result = {rpc->code, rpc->text, rpc->dialog, rpc->request};
    pthread_mutex_unlock(&agent->lock);
    rpc->done(rpc->context, &result);
    pthread_mutex_lock(&agent->lock);
}

static void call_lost(struct dg_agent *agent)
{
    struct dg_event lost = {.kind = DG_EVENT_LOST,
                            .agent = agent,
                            .method = "",
                            .reason = "",
                            .tag = "",
                            .by = "",
                            .peer = "",
                            .source = "",
                            .count = agent->dropped};
    agent->dropped = 0;
    agent_log(agent, "events lost: %llu; the callbacks are too slow", (unsigned long long)lost.count);
    call_all(agent, &lost);
}

static void call(struct dg_agent *agent, struct queued *queued)
{
    if (queued->result) {
        call_result(agent, queued->result);
        return;
    }
    call_all(agent, &queued->event);
    if (queued->event.kind == DG_EVENT_ENDED && queued->dialog)
        forget_subscriptions(agent, queued->dialog);
}

void event_deliver(struct dg_agent *agent, bool results_only)
{
    if (agent->delivering)
        return;
    agent->delivering = true;
    agent->deliverer = pthread_self();
    for (unsigned i = 0; (i < TURN || results_only) && !TAILQ_EMPTY(&agent->queue); i++) {
        if (agent->dropped > 0 && !results_only)
            call_lost(agent);
        struct queued *queued = TAILQ_FIRST(&agent->queue);
        if (!queued)
            break;
        TAILQ_REMOVE(&agent->queue, queued, link);
        agent->queued -= !queued->result;
        if (queued->result || !results_only)
            call(agent, queued);
        queued_free(queued);
    }
    agent->delivering = false;
    wire_wake(agent, agent->closed || !TAILQ_EMPTY(&agent->queue));
    pthread_cond_broadcast(&agent->changed);
}

void event_drop_all(struct dg_agent *agent)
{
    struct queued *queued;
    while ((queued = TAILQ_FIRST(&agent->queue))) {
        TAILQ_REMOVE(&agent->queue, queued, link);
        queued_free(queued);
    }
    agent->queued = 0;
    struct subscription *one;
    while ((one = LIST_FIRST(&agent->subscriptions))) {
        LIST_REMOVE(one, link);
        table_remove(&agent->numbers, &one->node);
        free(one);
    }
    struct node *node;
    while ((node = table_next(&agent->numbers, NULL)))
        forget_subscriptions(agent, TABLE_OF(node, subscription)->dialog);
}

// --- who hears ---

uint64_t dg_agent_subscribe(struct dg_agent *agent, struct dg_dialog *dialog, unsigned mask,
                            dg_on_event *on_event, void *context)
{
    struct subscription *one = calloc(1, sizeof(*one));
    char id[TABLE_ID_SIZE];
    uint64_t number = 0;
    if (!one)
        return 0;
    pthread_mutex_lock(&agent->lock);
    snprintf(id, sizeof(id), "%llu", (unsigned long long)agent->last_number + 1);
    if (!agent->closed && table_add(&agent->numbers, &one->node, id)) {
        one->number = number = ++agent->last_number;
        one->mask = mask;
        one->on_event = on_event;
        one->context = context;
        one->dialog = dialog ? dg_dialog_ref(dialog) : NULL;
        LIST_INSERT_HEAD(dialog ? &dialog->subscriptions : &agent->subscriptions, one, link);
    }
    pthread_mutex_unlock(&agent->lock);
    if (!number)
        free(one);
    return number;
}

void dg_agent_unsubscribe(struct dg_agent *agent, uint64_t subscription)
{
    char id[TABLE_ID_SIZE];
    struct dg_dialog *dialog = NULL;
    snprintf(id, sizeof(id), "%llu", (unsigned long long)subscription);
    pthread_mutex_lock(&agent->lock);
    struct node *node = table_find(&agent->numbers, id);
    if (node) {
        struct subscription *one = TABLE_OF(node, subscription);
        dialog = one->dialog;
        LIST_REMOVE(one, link);
        table_remove(&agent->numbers, node);
        free(one);
    }
    while (subscription && agent->calling == subscription && !pthread_equal(agent->deliverer, pthread_self()))
        pthread_cond_wait(&agent->changed, &agent->lock);
    pthread_mutex_unlock(&agent->lock);
    dg_dialog_unref(dialog);
}
