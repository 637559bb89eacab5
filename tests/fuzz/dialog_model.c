// SPDX-License-Identifier: BSD-3-Clause
#include "dialog_model.h"

#include <string.h>

enum {
    CONFIRM = DIALOG_DO_CONFIRM,
    BYE_BOTH = DIALOG_DO_BYE_BOTH,
    END_EARLY = DIALOG_DO_END_EARLY | DIALOG_DO_RELEASE,
    END_CONFIRMED = DIALOG_DO_END_CONFIRMED | DIALOG_DO_RELEASE
};

void model_begin(struct model *model, const struct dialog_life *life, tick_t now)
{
    model->since = now;
    model->end = now + life->none;
}

enum dialog_state model_state(const struct model *model)
{
    switch (model->row) {
    case DIALOG_ROW_FREE:
        return DIALOG_FREE;
    case DIALOG_ROW_NONE:
        return DIALOG_NONE;
    case DIALOG_ROW_EARLY:
        return DIALOG_EARLY;
    case DIALOG_ROW_CONFIRMED:
        return DIALOG_CONFIRMED;
    case DIALOG_ROW_TERMINATED:
        return DIALOG_TERMINATED;
    default:
        return DIALOG_TERMINATING;
    }
}

static unsigned end(struct model *model, unsigned actions)
{
    model->row = DIALOG_ROW_TERMINATED;
    return actions;
}

static unsigned leave(struct model *model, enum dialog_row row, const struct dialog_life *life, tick_t now)
{
    model->row = row;
    model->leaving = now;
    model->end = now + life->terminating;
    return 0;
}

static unsigned confirm(struct model *model, tick_t now, unsigned actions)
{
    model->row = DIALOG_ROW_CONFIRMED;
    model->since = now;
    return actions;
}

// None and Early: an INVITE is out.
static unsigned invited(struct model *model, enum dialog_event event, const struct dialog_life *life,
                        tick_t now)
{
    bool early = model->row == DIALOG_ROW_EARLY;
    switch (event) {
    case DIALOG_ON_PROVISIONAL:
        if (early)
            return 0;
        model->row = DIALOG_ROW_EARLY;
        model->since = now;
        model->end = model->created + life->early;
        return DIALOG_DO_EARLY;
    case DIALOG_ON_SUCCESS:
        return confirm(model, now, CONFIRM);
    case DIALOG_ON_REFUSED:
    case DIALOG_ON_TIMEOUT:
        return end(model, END_EARLY);
    case DIALOG_ON_CANCEL:
        model->cancelled = true;
        return 0;
    case DIALOG_ON_BYE:
        return early ? leave(model, DIALOG_ROW_TERMINATING_EARLY, life, now) : 0;
    case DIALOG_ON_OPERATOR_END:
        return leave(model, DIALOG_ROW_TERMINATING_CANCELLED, life, now) | DIALOG_DO_CANCEL;
    default:
        return 0;
    }
}

static unsigned confirmed(struct model *model, enum dialog_event event, const struct dialog_life *life,
                          tick_t now)
{
    switch (event) {
    case DIALOG_ON_BYE:
    case DIALOG_ON_GONE:
        return leave(model, DIALOG_ROW_TERMINATING, life, now);
    case DIALOG_ON_TIMEOUT:
    case DIALOG_ON_OPERATOR_END:
    case DIALOG_ON_DEAD:
        return leave(model, DIALOG_ROW_TERMINATING, life, now) | BYE_BOTH;
    case DIALOG_ON_END_UNACKED:
        return leave(model, DIALOG_ROW_TERMINATING_UNACKED, life, now);
    case DIALOG_ON_BYE_DONE:
    case DIALOG_ON_NO_ACK:
    case DIALOG_ON_SESSION_END:
        return end(model, END_CONFIRMED);
    default:
        return 0;
    }
}

static unsigned leaving(struct model *model, enum dialog_event event, const struct dialog_life *life,
                        tick_t now)
{
    bool was_call = model->row == DIALOG_ROW_TERMINATING;
    bool by_operator = model->row == DIALOG_ROW_TERMINATING_CANCELLED;
    switch (event) {
    case DIALOG_ON_SUCCESS: // it crossed
        if (was_call)
            return 0;
        model->since = now;
        // Nobody has acknowledged it: after a CANCEL of ours the BYEs wait.
        return leave(model, by_operator ? DIALOG_ROW_TERMINATING_UNACKED : DIALOG_ROW_TERMINATING, life,
                     now) |
               CONFIRM;
    case DIALOG_ON_REFUSED:
        return was_call ? 0 : end(model, END_EARLY);
    case DIALOG_ON_TIMEOUT:
        return end(model, was_call ? END_CONFIRMED : END_EARLY);
    case DIALOG_ON_BYE_DONE:
        return by_operator ? 0 : end(model, was_call ? END_CONFIRMED : END_EARLY);
    case DIALOG_ON_BYE_CHALLENGED:
        if (by_operator)
            return 0;
        model->row = was_call ? DIALOG_ROW_CONFIRMED : DIALOG_ROW_EARLY;
        if (!was_call && !model->bounded)
            model->end = model->created + life->early;
        return 0;
    default:
        return 0;
    }
}

// Ended between the 2xx and its ACK.
static unsigned unacked(struct model *model, enum dialog_event event, const struct dialog_life *life,
                        tick_t now)
{
    switch (event) {
    case DIALOG_ON_ACK:
    case DIALOG_ON_TIMEOUT:
        return leave(model, DIALOG_ROW_TERMINATING, life, now) | BYE_BOTH;
    case DIALOG_ON_BYE:
        return leave(model, DIALOG_ROW_TERMINATING, life, now);
    case DIALOG_ON_BYE_DONE:
        return end(model, END_CONFIRMED);
    default:
        return 0;
    }
}

unsigned model_step(struct model *model, enum dialog_event event, const struct dialog_life *life, tick_t now)
{
    if (event == DIALOG_ON_ACK &&
        (model_state(model) == DIALOG_CONFIRMED || model_state(model) == DIALOG_TERMINATING))
        model->acked = true;
    switch (model_state(model)) {
    case DIALOG_NONE:
    case DIALOG_EARLY:
        return invited(model, event, life, now);
    case DIALOG_CONFIRMED:
        return confirmed(model, event, life, now);
    case DIALOG_TERMINATING:
        return model->row == DIALOG_ROW_TERMINATING_UNACKED ? unacked(model, event, life, now)
                                                            : leaving(model, event, life, now);
    default:
        return 0;
    }
}

static bool is_over(tick_t deadline, tick_t now)
{
    return (int32_t)(deadline - now) <= 0;
}

enum dialog_event model_due(const struct model *model, const struct dialog_life *life, tick_t now)
{
    switch (model_state(model)) {
    case DIALOG_FREE:
    case DIALOG_TERMINATED:
        return DIALOG_EVENTS;
    case DIALOG_CONFIRMED:
        if (!model->acked && is_over(model->since + life->no_ack, now))
            return DIALOG_ON_NO_ACK;
        if (model->session_s != 0 && is_over(model->session_end, now))
            return DIALOG_ON_SESSION_END;
        return is_over(model->since + life->confirmed, now) ? DIALOG_ON_TIMEOUT : DIALOG_EVENTS;
    default:
        return is_over(model->end, now) ? DIALOG_ON_TIMEOUT : DIALOG_EVENTS;
    }
}

void model_end_at(struct model *model, tick_t deadline)
{
    if ((int32_t)(deadline - model->end) >= 0)
        return;
    model->end = deadline;
    model->bounded = true;
}

unsigned model_rank(const struct model *model, const struct model_wanted *wanted, enum dialog_side *side)
{
    const char *caller = model->texts[DIALOG_TEXT_CALLER_TAG];
    const char *callee = model->texts[DIALOG_TEXT_CALLEE_TAG];
    bool one_tag = wanted->to[0] == '\0';
    if (model->row == DIALOG_ROW_FREE || model->call != wanted->call)
        return 0;
    if (strcmp(caller, wanted->from) == 0 && (one_tag || strcmp(callee, wanted->to) == 0))
        *side = DIALOG_CALLER;
    else if (!one_tag && strcmp(callee, wanted->from) == 0 && strcmp(caller, wanted->to) == 0)
        *side = DIALOG_CALLEE;
    else
        return 0;
    unsigned sender = *side == DIALOG_CALLER ? 0 : 1;
    if (wanted->response)
        sender = 1 - sender;
    unsigned rank = 1;
    if (wanted->peer == 3 || model->peers[sender] == wanted->peer)
        rank += 2;
    if (!one_tag || callee[0] == '\0')
        rank++;
    return rank;
}

tick_t model_since(const struct model *model)
{
    return model_state(model) == DIALOG_TERMINATING ? model->leaving : model->since;
}
