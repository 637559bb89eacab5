// SPDX-License-Identifier: BSD-3-Clause
// Dialogs and requests as the program holds them. The agent's table has one reference of what goes on, the
// program as many as it likes; a handle keeps its agent's memory, never the agent itself.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wire.h"

void outcome_set(struct dg_outcome *outcome, unsigned status, const char *reason, struct dg_message *message)
{
    dg_message_unref(outcome->message);
    outcome->status = status;
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", reason);
    outcome->message = message ? dg_message_ref(message) : NULL;
}

void outcome_copy(struct dg_outcome *to, const struct dg_outcome *from)
{
    if (!to)
        return;
    *to = *from;
    if (to->message)
        dg_message_ref(to->message);
}

struct dg_dialog *handle_find_dialog(struct dg_agent *agent, const char *id)
{
    struct node *node = table_find(&agent->dialogs, id);
    return node ? TABLE_OF(node, dg_dialog) : NULL;
}

struct dg_dialog *handle_dialog(struct dg_agent *agent, const char *id)
{
    struct dg_dialog *dialog = handle_find_dialog(agent, id);
    if (dialog)
        return dialog;
    dialog = calloc(1, sizeof(*dialog));
    if (!dialog || !table_add(&agent->dialogs, &dialog->node, id)) {
        free(dialog);
        return NULL;
    }
    agent_ref(agent);
    dialog->agent = agent;
    dialog->listed = true;
    dialog->round = agent->round;
    atomic_init(&dialog->refs, 1);
    return dialog;
}

void handle_end_dialog(struct dg_dialog *dialog)
{
    struct dg_request *request, *next;
    struct dg_agent *agent = dialog->agent;
    bool listed = dialog->listed;
    dialog->state = DG_STATE_TERMINATED;
    dialog->listed = false;
    dg_dialog_ref(dialog); // its requests have references, too
    for (request = LIST_FIRST(&dialog->asked); request; request = next) {
        next = LIST_NEXT(request, link);
        handle_end_request(request, 0, "the dialog is over", NULL);
    }
    if (listed) {
        table_remove(&agent->dialogs, &dialog->node);
        dg_dialog_unref(dialog);
    }
    dg_dialog_unref(dialog); // NOLINT(clang-analyzer-unix.Malloc): the reference taken above
    pthread_cond_broadcast(&agent->changed);
}

struct dg_dialog *dg_dialog_ref(struct dg_dialog *dialog)
{
    atomic_fetch_add(&dialog->refs, 1);
    return dialog;
}

// Subscriptions go with the dialog's end or the agent's: whoever has one has the dialog.
void dg_dialog_unref(struct dg_dialog *dialog)
{
    if (!dialog || atomic_fetch_sub(&dialog->refs, 1) != 1)
        return;
    dg_message_unref(dialog->outcome.message);
    agent_unref(dialog->agent);
    free(dialog);
}

struct dg_request *handle_request(struct dg_agent *agent, const char *id, struct dg_dialog *dialog)
{
    struct dg_request *request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    snprintf(request->node.id, sizeof(request->node.id), "%s", id);
    atomic_init(&request->refs, 1);
    agent_ref(agent);
    request->agent = agent;
    request->dialog = dialog ? dg_dialog_ref(dialog) : NULL;
    return request;
}

struct dg_request *handle_find_request(struct dg_agent *agent, const char *id)
{
    struct node *node = *id ? table_find(&agent->requests, id) : NULL;
    return node ? TABLE_OF(node, dg_request) : NULL;
}

void handle_list_request(struct dg_request *request)
{
    char id[TABLE_ID_SIZE];
    memcpy(id, request->node.id, sizeof(id));
    if (request->dialog && !request->dialog->listed) { // it ended meanwhile: no answer comes
        request->over = true;
        return;
    }
    if (handle_find_request(request->agent, id) || !table_add(&request->agent->requests, &request->node, id))
        return;
    request->listed = true;
    atomic_fetch_add(&request->refs, 1);
    if (request->dialog)
        LIST_INSERT_HEAD(&request->dialog->asked, request, link);
}

void handle_end_request(struct dg_request *request, unsigned status, const char *reason,
                        struct dg_message *message)
{
    request->over = true;
    outcome_set(&request->outcome, status, reason, message);
    pthread_cond_broadcast(&request->agent->changed);
    if (!request->listed)
        return;
    request->listed = false;
    if (request->dialog)
        LIST_REMOVE(request, link);
    table_remove(&request->agent->requests, &request->node);
    dg_request_unref(request);
}

struct dg_request *dg_request_ref(struct dg_request *request)
{
    atomic_fetch_add(&request->refs, 1);
    return request;
}

void dg_request_unref(struct dg_request *request)
{
    if (!request || atomic_fetch_sub(&request->refs, 1) != 1)
        return;
    dg_message_unref(request->message);
    dg_message_unref(request->outcome.message);
    dg_dialog_unref(request->dialog);
    agent_unref(request->agent);
    free(request->to);
    free(request->replaces);
    free(request->referred_by);
    free(request);
}

// --- what they say of themselves ---

const char *dg_dialog_id(const struct dg_dialog *dialog)
{
    return dialog->node.id;
}

bool dg_dialog_is_callee(struct dg_dialog *dialog)
{
    pthread_mutex_lock(&dialog->agent->lock);
    bool callee = dialog->callee;
    pthread_mutex_unlock(&dialog->agent->lock);
    return callee;
}

enum dg_state dg_dialog_state(struct dg_dialog *dialog)
{
    pthread_mutex_lock(&dialog->agent->lock);
    enum dg_state state = dialog->state;
    pthread_mutex_unlock(&dialog->agent->lock);
    return state;
}

enum dg_sipgo_state dg_dialog_sipgo_state(struct dg_dialog *dialog)
{
    pthread_mutex_lock(&dialog->agent->lock);
    enum dg_state state = dialog->state;
    bool acked = dialog->acked;
    pthread_mutex_unlock(&dialog->agent->lock);
    if (state == DG_STATE_CONFIRMED)
        return acked ? DG_SIPGO_CONFIRMED : DG_SIPGO_ESTABLISHED;
    return state >= DG_STATE_TERMINATING ? DG_SIPGO_ENDED : DG_SIPGO_NONE;
}

void dg_dialog_set_context(struct dg_dialog *dialog, void *context)
{
    pthread_mutex_lock(&dialog->agent->lock);
    dialog->context = context;
    pthread_mutex_unlock(&dialog->agent->lock);
}

void *dg_dialog_context(struct dg_dialog *dialog)
{
    pthread_mutex_lock(&dialog->agent->lock);
    void *context = dialog->context;
    pthread_mutex_unlock(&dialog->agent->lock);
    return context;
}

static const char *const states[] = {"none", "early", "confirmed", "terminating", "terminated"};

const char *dg_state_text(enum dg_state state)
{
    return (unsigned)state <= DG_STATE_TERMINATED ? states[state] : "unknown";
}

enum dg_state event_state(const char *word)
{
    unsigned state = 0;
    while (state < DG_STATE_TERMINATED && strcmp(states[state], word) != 0)
        state++;
    return strcmp(states[state], word) == 0 ? (enum dg_state)state : DG_STATE_NONE;
}

// RFC 3261 section 12 and 15: a BYE that is challenged (401, 407) leads back to confirmed.
bool dg_state_can_follow(enum dg_state from, enum dg_state to)
{
    static const bool can[5][5] = {
        [DG_STATE_NONE] = {[DG_STATE_EARLY] = true,
                           [DG_STATE_CONFIRMED] = true,
                           [DG_STATE_TERMINATING] = true,
                           [DG_STATE_TERMINATED] = true},
        [DG_STATE_EARLY] = {[DG_STATE_EARLY] = true,
                            [DG_STATE_CONFIRMED] = true,
                            [DG_STATE_TERMINATING] = true,
                            [DG_STATE_TERMINATED] = true},
        [DG_STATE_CONFIRMED] = {[DG_STATE_TERMINATING] = true, [DG_STATE_TERMINATED] = true},
        [DG_STATE_TERMINATING] = {[DG_STATE_CONFIRMED] = true, [DG_STATE_TERMINATED] = true},
    };
    return (unsigned)from <= DG_STATE_TERMINATED && (unsigned)to <= DG_STATE_TERMINATED && can[from][to];
}

const char *dg_request_id(const struct dg_request *request)
{
    return request->node.id;
}

const char *dg_request_method(const struct dg_request *request)
{
    return request->method;
}

bool dg_request_is_ours(const struct dg_request *request)
{
    return request->ours;
}

struct dg_dialog *dg_request_dialog(const struct dg_request *request)
{
    return request->dialog;
}

const struct dg_message *dg_request_message(const struct dg_request *request)
{
    return request->message;
}

const char *dg_request_tag(const struct dg_request *request)
{
    return request->tag;
}

const char *dg_refer_to(const struct dg_request *refer)
{
    return refer->to ? refer->to : "";
}

const char *dg_refer_replaces(const struct dg_request *refer)
{
    return refer->replaces ? refer->replaces : "";
}

const char *dg_refer_referred_by(const struct dg_request *refer)
{
    return refer->referred_by ? refer->referred_by : "";
}
