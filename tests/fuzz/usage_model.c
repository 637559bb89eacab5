// SPDX-License-Identifier: BSD-3-Clause
#include "usage_model.h"

void model_wait(struct model *model, enum usage_timer timer, tick_t deadline)
{
    model->waits[timer] = (struct wait){true, deadline};
}

void model_forget(struct model *model, enum usage_timer timer)
{
    model->waits[timer].set = false;
    if (timer == USAGE_TIMER_REPEAT)
        model->kept = false;
}

static void forget_all(struct model *model)
{
    for (unsigned timer = 0; timer < USAGE_TIMERS; timer++)
        model_forget(model, (enum usage_timer)timer);
}

static unsigned end(struct model *model, unsigned actions)
{
    model->over = true;
    forget_all(model);
    return actions | USAGE_DO_RELEASE | (model->left ? 0 : USAGE_DO_END);
}

static unsigned leave(struct model *model, tick_t now, unsigned actions)
{
    struct wait kept = model->waits[USAGE_TIMER_FORGET];
    forget_all(model);
    model->waits[USAGE_TIMER_FORGET] = kept;
    model_wait(model, USAGE_TIMER_LIFE, now + MODEL_LONG);
    model->bye = true;
    model->ours = model->theirs = model->owes_ack = model->held = model->unacked = model->ending = false;
    model->early_bye = false;
    return actions;
}

static unsigned cancels(struct model *model, tick_t now)
{
    forget_all(model);
    model_wait(model, USAGE_TIMER_LIFE, now + MODEL_LONG);
    model->cancel = true;
    return model->came || model->lost ? USAGE_DO_CANCEL : 0;
}

bool model_is_early(const struct model *model)
{
    return model->client && model->first && model->ours && !model->confirmed;
}

static bool is_ringing(const struct model *model)
{
    return model->theirs && model->first;
}

bool model_is_idle(const struct model *model)
{
    return model->confirmed && !model->bye && !model->left && !model->ending && !model->ours &&
           !model->theirs && !model->owes_ack && !model->unacked;
}

// The session or the call cannot go on, and it is not the user who says so.
static unsigned breaks(struct model *model, tick_t now)
{
    if (model_is_early(model)) {
        if (model->cancel || model->early_bye)
            return 0;
        if (model->rings_elsewhere && (model->came || model->lost))
            return end(model, USAGE_DO_DELIVER);
        return cancels(model, now) | USAGE_DO_DELIVER;
    }
    if (is_ringing(model))
        return end(model, USAGE_DO_REFUSE | USAGE_DO_DELIVER);
    if (model->owes_ack)
        return leave(model, now, USAGE_DO_ACK | USAGE_DO_BYE | USAGE_DO_DELIVER);
    if (model->unacked) {
        if (model->ending || model->left)
            return 0;
        model->ending = true;
        for (unsigned timer = 0; timer < USAGE_TIMERS; timer++)
            if (timer != USAGE_TIMER_REPEAT && timer != USAGE_TIMER_GIVE_UP)
                model_forget(model, (enum usage_timer)timer);
        return USAGE_DO_DELIVER;
    }
    if (model->bye)
        return 0;
    return leave(model, now, USAGE_DO_BYE | USAGE_DO_DELIVER | (model->theirs ? USAGE_DO_REFUSE : 0));
}

static unsigned succeeds(struct model *model, tick_t now)
{
    if (model_is_early(model)) {
        unsigned actions = USAGE_DO_CONFIRM;
        bool early_bye = model->early_bye;
        bool unwanted = model->cancel || early_bye || model->surplus;
        model->confirmed = true;
        model->ours = false;
        model_wait(model, USAGE_TIMER_FORGET, now + MODEL_LONG);
        if (unwanted) {
            bool bye = !early_bye || model->early_done;
            return leave(model, now,
                         actions | USAGE_DO_ACK | (bye ? USAGE_DO_BYE : 0) |
                             (early_bye ? 0 : USAGE_DO_TARGET));
        }
        model_wait(model, USAGE_TIMER_LIFE, now + MODEL_CALL);
        model->owes_ack = model->late;
        model->first = model->late;
        if (model->late)
            model_wait(model, USAGE_TIMER_GIVE_UP, now + MODEL_LONG);
        return actions | USAGE_DO_DELIVER | USAGE_DO_TARGET | (model->late ? 0 : USAGE_DO_ACK);
    }
    if (model->ours) {
        model->ours = model->cancel = false;
        model->owes_ack = model->late;
        model_forget(model, USAGE_TIMER_GIVE_UP);
        model_wait(model, USAGE_TIMER_FORGET, now + MODEL_LONG);
        if (model->late)
            model_wait(model, USAGE_TIMER_GIVE_UP, now + MODEL_LONG);
        return USAGE_DO_DELIVER | USAGE_DO_TARGET | (model->late ? 0 : USAGE_DO_ACK);
    }
    return model->bye || model_is_idle(model) ? USAGE_DO_ACK : 0;
}

static unsigned fails(struct model *model, tick_t now)
{
    if (model_is_early(model) && model->early_bye)
        return model->early_done ? end(model, 0) : leave(model, now, 0);
    if (model_is_early(model))
        return end(model, USAGE_DO_DELIVER);
    if (!model->ours)
        return 0;
    model->ours = model->cancel = false;
    model_forget(model, USAGE_TIMER_GIVE_UP);
    return USAGE_DO_DELIVER;
}

static unsigned accepts(struct model *model, tick_t now, unsigned sent)
{
    model->theirs = model->held = false;
    model->unacked = true;
    model->interval = MODEL_T1;
    model_wait(model, USAGE_TIMER_REPEAT, now + MODEL_T1);
    model_wait(model, USAGE_TIMER_GIVE_UP, now + MODEL_LONG);
    if (!model->first)
        return sent | USAGE_DO_TARGET;
    model->confirmed = true;
    model_wait(model, USAGE_TIMER_LIFE, now + MODEL_CALL);
    return sent | USAGE_DO_CONFIRM;
}

// Their re-INVITE is refused; the call goes on.
static unsigned refuses(struct model *model, unsigned actions)
{
    if (model->first)
        return end(model, actions);
    model->theirs = model->held = false;
    model_forget(model, USAGE_TIMER_REPEAT);
    model_forget(model, USAGE_TIMER_GIVE_UP);
    model_forget(model, USAGE_TIMER_EXTEND);
    return actions;
}

static unsigned user_cancels(struct model *model, tick_t now)
{
    if (model->early_bye)
        return USAGE_DO_CANCEL;
    if (!model->ours || model->cancel)
        return USAGE_DO_NOT_NOW;
    if (model_is_early(model))
        return cancels(model, now);
    model->cancel = true;
    model_wait(model, USAGE_TIMER_GIVE_UP, now + MODEL_LONG);
    return model->came ? USAGE_DO_CANCEL : 0;
}

static unsigned user_ends(struct model *model, tick_t now)
{
    if (model_is_early(model))
        return model->cancel || model->early_bye ? USAGE_DO_NOT_NOW : cancels(model, now);
    if (is_ringing(model))
        return end(model, USAGE_DO_REFUSE);
    if (model->bye || model->ending || model->left)
        return USAGE_DO_NOT_NOW;
    return breaks(model, now) & ~(unsigned)USAGE_DO_DELIVER;
}

static unsigned provisional(struct model *model, bool is_199, tick_t now)
{
    bool again = model->came;
    if (!model->ours || model->early_bye)
        return 0;
    if (model->cancel) {
        bool freed = !model->came && !model->lost;
        model->came = true;
        if (freed && model_is_early(model))
            model_wait(model, USAGE_TIMER_LIFE, now + MODEL_LONG);
        else if (freed)
            model_wait(model, USAGE_TIMER_GIVE_UP, now + MODEL_LONG);
        return freed ? USAGE_DO_CANCEL : 0;
    }
    if (!model_is_early(model)) {
        model->came = true;
        return is_199 ? 0 : USAGE_DO_DELIVER;
    }
    if (model->lost)
        return 0;
    model->came = !is_199;
    model->lost = is_199;
    if (again && !is_199 && !model->surplus)
        model_wait(model, USAGE_TIMER_LIFE, now + MODEL_EARLY);
    return USAGE_DO_DELIVER;
}

static unsigned acknowledged(struct model *model, tick_t now)
{
    if (!model->unacked)
        return 0;
    if (model->left)
        return end(model, 0);
    if (model->ending)
        return leave(model, now, USAGE_DO_BYE);
    model->unacked = model->first = false;
    model_forget(model, USAGE_TIMER_REPEAT);
    model_forget(model, USAGE_TIMER_GIVE_UP);
    return USAGE_DO_DELIVER;
}

static unsigned peer_leaves(struct model *model, tick_t now)
{
    if (model_is_early(model))
        return model->came && !model->lost ? breaks(model, now) : 0;
    if (model->theirs)
        return end(model, USAGE_DO_REFUSE | USAGE_DO_DELIVER);
    if (model->owes_ack)
        return end(model, USAGE_DO_ACK | USAGE_DO_DELIVER);
    if (model->unacked) {
        breaks(model, now);
        model->left = true;
        return USAGE_DO_DELIVER | USAGE_DO_END;
    }
    return model->bye ? 0 : end(model, USAGE_DO_DELIVER);
}

static unsigned gives_up(struct model *model, tick_t now)
{
    if (model->owes_ack)
        return breaks(model, now);
    if (model->theirs)
        return refuses(model, USAGE_DO_REFUSE | USAGE_DO_DELIVER);
    if (model->left)
        return end(model, 0);
    if (model->unacked)
        return leave(model, now, model->ending ? USAGE_DO_BYE : USAGE_DO_BYE | USAGE_DO_DELIVER);
    return fails(model, now);
}

static unsigned lives_out(struct model *model, tick_t now)
{
    if (model_is_early(model) && (model->surplus || model->cancel || model->early_bye))
        return end(model, model->early_bye ? 0 : USAGE_DO_DELIVER);
    return model->bye ? end(model, 0) : breaks(model, now);
}

static unsigned timer(struct model *model, enum usage_event event, tick_t now)
{
    tick_t left = model->waits[USAGE_TIMER_EXPIRED].at - now;
    enum usage_timer which = event == USAGE_ON_RETRY ? USAGE_TIMER_RETRY : USAGE_TIMER_REFRESH;
    switch (event) {
    case USAGE_ON_LIFE:
        model_forget(model, USAGE_TIMER_LIFE);
        return lives_out(model, now);
    case USAGE_ON_EXPIRED:
        model_forget(model, USAGE_TIMER_EXPIRED);
        return breaks(model, now);
    case USAGE_ON_GIVE_UP:
        model_forget(model, USAGE_TIMER_GIVE_UP);
        return gives_up(model, now);
    case USAGE_ON_REPEAT:
        model->interval *= 2;
        if (model->unacked && model->interval > MODEL_T2)
            model->interval = MODEL_T2;
        model_wait(model, USAGE_TIMER_REPEAT, now + model->interval);
        return model->kept ? USAGE_DO_RESEND : 0;
    case USAGE_ON_EXTEND:
        model_wait(model, USAGE_TIMER_EXTEND, now + (model->reliable ? 15000 : 6000));
        return USAGE_DO_EXTEND;
    case USAGE_ON_FORGET:
        model_forget(model, USAGE_TIMER_FORGET);
        return 0;
    default:
        model_forget(model, which);
        if (!model_is_idle(model))
            model_wait(model, which, now + MODEL_T2);
        else if (event == USAGE_ON_REFRESH && model->waits[USAGE_TIMER_EXPIRED].set && left / 2 > MODEL_T2)
            model_wait(model, which, now + left / 2);
        if (!model_is_idle(model))
            return 0;
        return event == USAGE_ON_RETRY ? USAGE_DO_RETRY : USAGE_DO_REFRESH;
    }
}

unsigned model_event(struct model *model, enum usage_event event, tick_t now)
{
    switch (event) {
    case USAGE_ON_SEND_INVITE:
        if (!model_is_idle(model))
            return USAGE_DO_NOT_NOW;
        model->ours = true;
        model->first = model->came = model->lost = model->cancel = model->reliable = model->body = false;
        model_forget(model, USAGE_TIMER_RETRY);
        return USAGE_DO_SEND;
    case USAGE_ON_SEND_CANCEL:
        return user_cancels(model, now);
    case USAGE_ON_SEND_1XX:
        if (!model->theirs || model->held)
            return USAGE_DO_NOT_NOW;
        model_wait(model, USAGE_TIMER_EXTEND, now + (model->reliable ? 15000 : 6000));
        return USAGE_DO_SEND;
    case USAGE_ON_SEND_2XX:
        if (!model->theirs || model->held)
            return USAGE_DO_NOT_NOW;
        model->held = model->reliable && model->body;
        model_forget(model, USAGE_TIMER_EXTEND);
        return model->held ? 0 : accepts(model, now, USAGE_DO_SEND);
    case USAGE_ON_SEND_FAILURE:
        return model->theirs ? refuses(model, USAGE_DO_SEND) : USAGE_DO_NOT_NOW;
    case USAGE_ON_SEND_ACK:
        if (!model->owes_ack)
            return USAGE_DO_NOT_NOW;
        model->owes_ack = model->first = false;
        model_forget(model, USAGE_TIMER_GIVE_UP);
        return USAGE_DO_SEND;
    case USAGE_ON_LEAVE_EARLY:
        if (!model_is_early(model) || !model->came || model->lost || model->cancel || model->early_bye)
            return USAGE_DO_NOT_NOW;
        forget_all(model);
        model_wait(model, USAGE_TIMER_LIFE, now + MODEL_LONG);
        model->early_bye = true;
        return USAGE_DO_BYE;
    case USAGE_ON_END:
        return user_ends(model, now);
    case USAGE_ON_CANCEL:
        return model->theirs ? refuses(model, USAGE_DO_REFUSE | USAGE_DO_DELIVER) : 0;
    case USAGE_ON_ACK:
        return acknowledged(model, now);
    case USAGE_ON_1XX:
    case USAGE_ON_199:
        return provisional(model, event == USAGE_ON_199, now);
    case USAGE_ON_2XX:
        return succeeds(model, now);
    case USAGE_ON_OLD_2XX:
        if (model->bye)
            return USAGE_DO_ACK;
        return model->confirmed && !model->ending && !model->left && !model->first ? USAGE_DO_ACK : 0;
    case USAGE_ON_FAILURE:
        return fails(model, now);
    case USAGE_ON_GONE:
        return model_is_early(model) && (!model->came || model->lost) ? 0 : breaks(model, now);
    case USAGE_ON_BYE_DONE:
        if (model->early_bye)
            model->early_done = true;
        return model->bye ? end(model, 0) : 0;
    case USAGE_ON_BYE_CHALLENGED:
        return model->bye || (model->early_bye && !model->early_done) ? USAGE_DO_AUTHORIZE : 0;
    default:
        return timer(model, event, now);
    }
}

unsigned model_request(struct model *model, enum usage_method method, tick_t now, unsigned *actions)
{
    bool early = model_is_early(model);
    *actions = 0;
    if (model->left || (early && ((!model->came && !model->lost && !model->cancel) || model->early_done)))
        return 481;
    if (method == USAGE_BYE) {
        *actions = peer_leaves(model, now);
        return 0;
    }
    if (model->bye || model->ending || model->early_bye)
        return 481;
    if (method == USAGE_INVITE) {
        if (model->ours || model->owes_ack)
            return 491;
        if (model->theirs)
            return 500;
        model->theirs = true;
        model->first = model->unacked = model->reliable = model->body = false;
        model_forget(model, USAGE_TIMER_REPEAT);
        model_forget(model, USAGE_TIMER_GIVE_UP);
    }
    if (method == USAGE_PRACK) {
        if (!model->reliable)
            return 481;
        model->reliable = model->body = false;
        if (!model->theirs)
            return 0;
        model_forget(model, USAGE_TIMER_REPEAT);
        model_forget(model, USAGE_TIMER_GIVE_UP);
        *actions = USAGE_DO_DELIVER;
        if (model->held) {
            model->kept = model->kept_held;
            *actions |= accepts(model, now, model->kept ? USAGE_DO_RESEND : 0);
        }
        return 0;
    }
    *actions = USAGE_DO_DELIVER;
    return 0;
}

enum usage_event model_due(const struct model *model, tick_t now)
{
    static const uint8_t events[USAGE_TIMERS] = {USAGE_ON_LIFE,   USAGE_ON_EXPIRED, USAGE_ON_GIVE_UP,
                                                 USAGE_ON_REPEAT, USAGE_ON_RETRY,   USAGE_ON_REFRESH,
                                                 USAGE_ON_FORGET, USAGE_ON_EXTEND};
    unsigned best = USAGE_TIMERS;
    for (unsigned timer = 0; timer < USAGE_TIMERS; timer++)
        if (model->waits[timer].set && (int32_t)(model->waits[timer].at - now) <= 0 &&
            (best == USAGE_TIMERS || (int32_t)(model->waits[timer].at - model->waits[best].at) < 0))
            best = timer;
    return best == USAGE_TIMERS ? USAGE_EVENTS : (enum usage_event)events[best];
}
