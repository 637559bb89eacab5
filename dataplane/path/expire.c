// SPDX-License-Identifier: BSD-3-Clause
// One slice of the timer wheel a turn: what is left over stays due for the next one.
#include "failover.h"
#include "keepalive.h"
#include "ua.h"

static void resend(struct worker *worker, const struct transaction *transaction)
{
    if (transaction->kept != ARENA_NONE && tx_copy(worker, arena_at(&worker->arena, transaction->kept),
                                                   transaction->kept_length, transaction->remote) == 0)
        count(worker, COUNTER_TX_RETRANSMITTED);
}

// 16.8: the callee rings longer than timer C. The end comes by its 487, or 64*T1 later.
static void rang_too_long(struct worker *worker, uint32_t index)
{
    uint32_t server = transaction_other(worker, index);
    bool counts = !(transaction_at(&worker->transactions, index)->flags & TRANSACTION_FLAG_ABANDONED);
    if (server != INDEX_NONE && counts)
        transaction_at(&worker->transactions, server)->flags |= TRANSACTION_FLAG_TIMER_C;
    originate_cancel(worker, index);
}

static void expire_transaction(struct worker *worker, uint32_t index)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, index);
    enum transaction_event event = transaction_expired(&worker->transactions, index, worker->now);
    if (event == TRANSACTION_ON_TIMEOUT && transaction->ua && ua_invite_overdue(worker, index))
        return;
    unsigned actions = transaction_step(&worker->transactions, index, event, worker->now);
    if (actions & TRANSACTION_DO_RESEND)
        resend(worker, transaction);
    if ((actions & TRANSACTION_DO_TRYING) && transaction->ua)
        ua_trying_late(worker, index);
    else if (actions & TRANSACTION_DO_TRYING)
        reply_trying_late(worker, index, transaction_other(worker, index));
    if (actions & TRANSACTION_DO_CANCEL)
        rang_too_long(worker, index);
    if (actions & TRANSACTION_DO_FAILOVER)
        failover_slow(worker, index);
    if (actions & TRANSACTION_DO_FAIL) {
        if (transaction->kind == TRANSACTION_INVITE_CLIENT || transaction->kind == TRANSACTION_CLIENT)
            response_failed(worker, index);
        else if (transaction->ua && transaction->attempts != ARENA_NONE)
            ua_unanswered(worker, index);
        else
            count(worker, COUNTER_TRANSACTION_NO_ACK);
    }
    if (actions & TRANSACTION_DO_RELEASE)
        transaction_release(&worker->transactions, index);
}

static enum counter counter_of(enum dialog_event event)
{
    switch (event) {
    case DIALOG_ON_NO_ACK:
        return COUNTER_DIALOG_NO_ACK;
    case DIALOG_ON_SESSION_END:
        return COUNTER_DIALOG_SESSION_END;
    default:
        return COUNTER_DIALOG_EXPIRED;
    }
}

// RFC 4028 section 8.3 lets a proxy forget a session that expired, but not send BYE: that is the operator's
// choice.
static void expire_dialog(struct worker *worker, uint32_t index)
{
    enum dialog_event event = dialog_expired(&worker->dialogs, index, worker->now);
    if (event == DIALOG_EVENTS)
        return;
    if (event == DIALOG_ON_KEEPALIVE) {
        keepalive_look(worker, index);
        return;
    }
    enum dialog_side ours;
    if (ua_side(worker, index, &ours)) {
        ua_dialog_expired(worker, index, event);
        return;
    }
    if (dialog_state(&worker->dialogs, index) != DIALOG_TERMINATING)
        count(worker, counter_of(event));
    const struct call_end session = {true, CHANNEL_ENDER_TIMEOUT, CHANNEL_REASON_SESSION_END, .status = 200};
    if (event == DIALOG_ON_TIMEOUT)
        dialog_overdue(worker, index);
    else if (event == DIALOG_ON_SESSION_END && worker->rules->settings->session_end == SESSION_END_BYE)
        dialog_apply_end(worker, index, DIALOG_ON_OPERATOR_END, &session);
    else
        dialog_apply(worker, index, event);
}

// Most that expire are transactions that end, half a minute after they were touched last: what of them lies
// elsewhere comes nearer for all at once.
static void prefetch(const struct worker *worker, const uint32_t *expired, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (WHEEL_CLASS(expired[i]) == WHEEL_CLASS_TRANSACTION)
            transaction_prefetch_release(&worker->transactions, WHEEL_INDEX(expired[i]));
    }
}

void expire_slice(struct worker *worker)
{
    uint32_t expired[EXPIRED_A_TURN];
    unsigned n = wheel_advance(&worker->wheel, worker->now, expired, EXPIRED_A_TURN);
    prefetch(worker, expired, n);
    for (unsigned i = 0; i < n; i++) {
        uint32_t index = WHEEL_INDEX(expired[i]);
        if (WHEEL_CLASS(expired[i]) == WHEEL_CLASS_TRANSACTION) {
            // An earlier one of this slice may have ended it.
            if (transaction_at(&worker->transactions, index)->state != TRANSACTION_FREE)
                expire_transaction(worker, index);
        } else if (WHEEL_CLASS(expired[i]) == WHEEL_CLASS_USAGE) {
            ua_expired(worker, index);
        } else if (WHEEL_CLASS(expired[i]) == WHEEL_CLASS_PROBE) {
            probe_expired(worker, index);
        } else {
            expire_dialog(worker, index);
        }
    }
}
