// SPDX-License-Identifier: BSD-3-Clause
#include "state_model.h"

enum {
    SEND = TRANSACTION_DO_SEND,
    DELIVER = TRANSACTION_DO_DELIVER,
    ACK = TRANSACTION_DO_ACK,
    REFUSE = TRANSACTION_DO_REFUSE,
    GONE = TRANSACTION_DO_RELEASE,
    FAILED = TRANSACTION_DO_FAIL | TRANSACTION_DO_RELEASE
};

static tick_t later(tick_t a, tick_t b)
{
    return a > b ? a : b;
}

static tick_t sooner(tick_t a, tick_t b)
{
    return a < b ? a : b;
}

static unsigned resend(const struct plain *plain)
{
    return plain->kept != 0 ? TRANSACTION_DO_RESEND : 0;
}

static void repeat(struct plain *plain, tick_t now, tick_t interval)
{
    plain->repeats = true;
    plain->interval = interval;
    plain->repeat_at = now + interval;
}

static void repeat_on(struct plain *plain, tick_t now, tick_t interval)
{
    if (plain->repeats)
        repeat(plain, now, interval);
}

static void end(struct plain *plain, enum plain_end how, tick_t at)
{
    plain->ends = how;
    plain->end_at = at;
}

static unsigned terminate(struct plain *plain, unsigned actions)
{
    plain->state = TRANSACTION_TERMINATED;
    plain->repeats = false;
    plain->ends = PLAIN_NEVER;
    return actions;
}

// A state whose time is `wait` and that repeats nothing.
static unsigned rest(struct plain *plain, enum transaction_state state, tick_t at, unsigned actions)
{
    plain->state = state;
    plain->repeats = false;
    end(plain, PLAIN_END, at);
    return actions;
}

static bool sends(enum transaction_event event)
{
    return event == TRANSACTION_ON_SEND_1XX || event == TRANSACTION_ON_SEND_2XX ||
           event == TRANSACTION_ON_SEND_FAILURE;
}

static unsigned invite_server(struct plain *plain, enum transaction_event event,
                              const struct transaction_timers *timers, tick_t now)
{
    switch (plain->state) {
    case TRANSACTION_PROCEEDING:
        if (event == TRANSACTION_ON_REQUEST) // 17.2.1: the most recent provisional response
            return resend(plain);
        if (event == TRANSACTION_ON_SEND_1XX)
            return SEND;
        if (event == TRANSACTION_ON_SEND_2XX) // RFC 6026 7.1, timer L
            return rest(plain, TRANSACTION_ACCEPTED, now + 64 * timers->t1, SEND);
        if (event == TRANSACTION_ON_SEND_FAILURE) {
            plain->state = TRANSACTION_COMPLETED;
            repeat(plain, now, timers->t1);                   // G
            end(plain, PLAIN_TIMEOUT, now + 64 * timers->t1); // H
            return SEND;
        }
        if (event == TRANSACTION_ON_TIMEOUT)
            return terminate(plain, FAILED);
        return event == TRANSACTION_ON_TRANSPORT ? TRANSACTION_DO_FAIL : 0;
    case TRANSACTION_COMPLETED:
        if (event == TRANSACTION_ON_REQUEST)
            return resend(plain);
        if (event == TRANSACTION_ON_RETRANSMIT) {
            repeat(plain, now, sooner(2 * plain->interval, timers->t2));
            return resend(plain);
        }
        if (event == TRANSACTION_ON_ACK) // timer I
            return rest(plain, TRANSACTION_CONFIRMED, now + timers->t4, 0);
        if (event == TRANSACTION_ON_TIMEOUT)
            return terminate(plain, FAILED);
        if (event == TRANSACTION_ON_TRANSPORT)
            return TRANSACTION_DO_FAIL;
        return sends(event) ? REFUSE : 0;
    case TRANSACTION_CONFIRMED:
        if (event == TRANSACTION_ON_END)
            return terminate(plain, GONE);
        return sends(event) ? REFUSE : 0;
    case TRANSACTION_ACCEPTED:
        if (event == TRANSACTION_ON_ACK)
            return DELIVER;
        if (event == TRANSACTION_ON_SEND_2XX)
            return SEND;
        if (event == TRANSACTION_ON_END)
            return terminate(plain, GONE);
        if (event == TRANSACTION_ON_TRANSPORT)
            return TRANSACTION_DO_FAIL;
        return sends(event) ? REFUSE : 0;
    default:
        return 0;
    }
}

static unsigned server(struct plain *plain, enum transaction_event event,
                       const struct transaction_timers *timers, tick_t now)
{
    bool trying = plain->state == TRANSACTION_TRYING;
    if (trying || plain->state == TRANSACTION_PROCEEDING) {
        if (event == TRANSACTION_ON_REQUEST)
            return trying ? 0 : resend(plain); // 17.2.2: discarded in Trying
        if (event == TRANSACTION_ON_SEND_1XX || (event == TRANSACTION_ON_LATE && trying)) {
            plain->state = TRANSACTION_PROCEEDING;
            plain->repeats = false;
            return event == TRANSACTION_ON_LATE ? TRANSACTION_DO_TRYING : SEND;
        }
        if (event == TRANSACTION_ON_SEND_2XX || event == TRANSACTION_ON_SEND_FAILURE) // J
            return rest(plain, TRANSACTION_COMPLETED, now + 64 * timers->t1, SEND);
        if (event == TRANSACTION_ON_TIMEOUT || (event == TRANSACTION_ON_TRANSPORT && !trying))
            return terminate(plain, FAILED);
    } else if (plain->state == TRANSACTION_COMPLETED) {
        if (event == TRANSACTION_ON_REQUEST)
            return resend(plain);
        if (event == TRANSACTION_ON_END)
            return terminate(plain, GONE);
        if (event == TRANSACTION_ON_TRANSPORT)
            return terminate(plain, FAILED);
        return sends(event) ? REFUSE : 0;
    }
    return 0;
}

// Somebody was to answer by now; the request has its own time all the same.
static void slow_no_more(struct plain *plain, const struct transaction_timers *timers, tick_t now)
{
    tick_t at = plain->began + (plain->kind == TRANSACTION_CLIENT ? 64 * timers->t1 : timers->b);
    if (plain->ends != PLAIN_SLOW)
        return;
    end(plain, PLAIN_TIMEOUT, (int32_t)(at - now) > 0 ? at : now + 1);
    if ((int32_t)(plain->repeat_at - now) <= 0)
        plain->repeat_at = now + 1;
}

static unsigned invite_client_waits(struct plain *plain, enum transaction_event event,
                                    const struct transaction_timers *timers, tick_t now)
{
    bool calling = plain->state == TRANSACTION_TRYING;
    tick_t c = later(timers->c, 18001); // 16.6 step 11: larger than three minutes
    switch (event) {
    case TRANSACTION_ON_100:
    case TRANSACTION_ON_1XX:
        plain->state = TRANSACTION_PROCEEDING;
        plain->repeats = false;
        // 16.7 step 2: each 101 to 199 begins it again, if a CANCEL has not ended it.
        if (calling)
            end(plain, PLAIN_TIMER_C, (event == TRANSACTION_ON_100 ? plain->began : now) + c);
        else if (event == TRANSACTION_ON_1XX && plain->ends == PLAIN_TIMER_C)
            plain->end_at = now + c;
        return DELIVER;
    case TRANSACTION_ON_2XX: // M
        return rest(plain, TRANSACTION_ACCEPTED, now + 64 * timers->t1, DELIVER);
    case TRANSACTION_ON_FAILURE: // D
        return rest(plain, TRANSACTION_COMPLETED, now + later(64 * timers->t1, 3200), DELIVER | ACK);
    case TRANSACTION_ON_RETRANSMIT:
        if (!calling)
            return 0;
        repeat_on(plain, now, 2 * plain->interval); // A
        return resend(plain);
    case TRANSACTION_ON_TIMER_C:
        if (calling)
            return 0;
        end(plain, PLAIN_TIMEOUT, now + 64 * timers->t1); // 9.1
        return TRANSACTION_DO_CANCEL;
    case TRANSACTION_ON_SLOW:
        if (calling)
            slow_no_more(plain, timers, now);
        return calling ? TRANSACTION_DO_FAILOVER : 0;
    case TRANSACTION_ON_TIMEOUT:
        return terminate(plain, FAILED);
    case TRANSACTION_ON_TRANSPORT:
        return calling ? terminate(plain, FAILED) : 0;
    default:
        return 0;
    }
}

static unsigned invite_client(struct plain *plain, enum transaction_event event,
                              const struct transaction_timers *timers, tick_t now)
{
    if (plain->state == TRANSACTION_TRYING || plain->state == TRANSACTION_PROCEEDING)
        return invite_client_waits(plain, event, timers, now);
    bool completed = plain->state == TRANSACTION_COMPLETED;
    if (!completed && plain->state != TRANSACTION_ACCEPTED)
        return 0;
    if (event == TRANSACTION_ON_2XX)
        return DELIVER;
    if (event == TRANSACTION_ON_END)
        return terminate(plain, GONE);
    if (completed && event == TRANSACTION_ON_FAILURE)
        return ACK;
    return completed && event == TRANSACTION_ON_TRANSPORT ? terminate(plain, FAILED) : 0;
}

static unsigned client(struct plain *plain, enum transaction_event event,
                       const struct transaction_timers *timers, tick_t now)
{
    if (plain->state == TRANSACTION_COMPLETED)
        return event == TRANSACTION_ON_END ? terminate(plain, GONE) : 0;
    if (plain->state != TRANSACTION_TRYING && plain->state != TRANSACTION_PROCEEDING)
        return 0;
    switch (event) {
    case TRANSACTION_ON_100:
    case TRANSACTION_ON_1XX:
        plain->state = TRANSACTION_PROCEEDING; // E and F run on
        return DELIVER;
    case TRANSACTION_ON_2XX:
    case TRANSACTION_ON_FAILURE: // K
        return rest(plain, TRANSACTION_COMPLETED, now + timers->t4, DELIVER);
    case TRANSACTION_ON_RETRANSMIT: // E
        repeat_on(plain, now,
                  plain->state == TRANSACTION_PROCEEDING ? timers->t2
                                                         : sooner(2 * plain->interval, timers->t2));
        return resend(plain);
    case TRANSACTION_ON_SLOW:
        slow_no_more(plain, timers, now);
        return plain->state == TRANSACTION_TRYING ? TRANSACTION_DO_FAILOVER : 0;
    case TRANSACTION_ON_TIMEOUT:
    case TRANSACTION_ON_TRANSPORT:
        return terminate(plain, FAILED);
    default:
        return 0;
    }
}

void plain_begin(struct plain *plain, enum transaction_kind kind, const struct transaction_timers *timers,
                 tick_t now)
{
    *plain = (struct plain){.kind = kind, .state = TRANSACTION_TRYING, .began = now};
    switch (kind) {
    case TRANSACTION_INVITE_SERVER:
        plain->state = TRANSACTION_PROCEEDING;
        break;
    case TRANSACTION_SERVER: {
        // RFC 4320 4.1: at the requester's repetition from which on it waits T2.
        tick_t interval = timers->t1;
        repeat(plain, now, timers->t1);
        while ((interval = sooner(2 * interval, timers->t2)) < timers->t2)
            plain->repeat_at += interval;
        break;
    }
    case TRANSACTION_INVITE_CLIENT:
        repeat(plain, now, timers->t1);             // A
        end(plain, PLAIN_TIMEOUT, now + timers->b); // B
        break;
    default:
        repeat(plain, now, timers->t1);                   // E
        end(plain, PLAIN_TIMEOUT, now + 64 * timers->t1); // F
        break;
    }
}

unsigned plain_step(struct plain *plain, enum transaction_event event,
                    const struct transaction_timers *timers, tick_t now)
{
    switch (plain->kind) {
    case TRANSACTION_INVITE_SERVER:
        return invite_server(plain, event, timers, now);
    case TRANSACTION_SERVER:
        return server(plain, event, timers, now);
    case TRANSACTION_INVITE_CLIENT:
        return invite_client(plain, event, timers, now);
    default:
        return client(plain, event, timers, now);
    }
}

enum transaction_event plain_due(const struct plain *plain, tick_t now)
{
    if (plain->ends != PLAIN_NEVER && (int32_t)(plain->end_at - now) <= 0)
        return plain->ends == PLAIN_TIMER_C   ? TRANSACTION_ON_TIMER_C
               : plain->ends == PLAIN_SLOW    ? TRANSACTION_ON_SLOW
               : plain->ends == PLAIN_TIMEOUT ? TRANSACTION_ON_TIMEOUT
                                              : TRANSACTION_ON_END;
    if (plain->repeats && (int32_t)(plain->repeat_at - now) <= 0)
        return plain->kind == TRANSACTION_SERVER ? TRANSACTION_ON_LATE : TRANSACTION_ON_RETRANSMIT;
    return TRANSACTION_EVENTS;
}

void plain_end_at(struct plain *plain, tick_t deadline)
{
    // A state that is left by its time alone ends quietly.
    bool quiet = plain->state == TRANSACTION_CONFIRMED || plain->state == TRANSACTION_ACCEPTED ||
                 (plain->state == TRANSACTION_COMPLETED && plain->kind != TRANSACTION_INVITE_SERVER);
    end(plain, quiet ? PLAIN_END : PLAIN_TIMEOUT, deadline);
}

void plain_slow_at(struct plain *plain, tick_t deadline)
{
    if (plain->state == TRANSACTION_TRYING && (int32_t)(deadline - plain->end_at) < 0)
        end(plain, PLAIN_SLOW, deadline);
}

void plain_quiet(struct plain *plain, const struct transaction_timers *timers, tick_t now)
{
    plain->repeats = false;
    slow_no_more(plain, timers, now);
}
