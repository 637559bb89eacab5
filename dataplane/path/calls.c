// SPDX-License-Identifier: BSD-3-Clause
// The limits that a call stands in: of all peers, of the peer that it comes from, of the peer and the member
// that it goes to. One record of a dialog set carries the call (DIALOG_FLAG_COUNTED); its life is the call's.
#include "worker_core.h"

#define CALL_ROWS 4u

static unsigned rows_of(const struct call_parties *call, uint32_t rows[CALL_ROWS])
{
    unsigned n = 0;
    rows[n++] = LIMIT_ALL;
    rows[n++] = LIMIT_PEER_IN(call->from);
    rows[n++] = LIMIT_PEER_OUT(call->to);
    if (call->member != NUMBER_NONE)
        rows[n++] = LIMIT_MEMBER(call->member);
    return n;
}

// What the limits are, in the order of rows_of(), and what stands for each that refuses.
struct bound {
    struct call_limit limit;
    uint16_t reply;
    uint16_t retry_after_s;
    enum counter counter;
};

static struct bound bound_of(const struct rules *rules, const struct call_parties *call, unsigned which)
{
    const struct snapshot_settings *settings = rules->settings;
    const struct snapshot_peer *from = &rules->peers[call->from], *to = &rules->peers[call->to];
    switch (which) {
    case 0:
        return (struct bound){settings->limits, settings->limit_reply, settings->limit_retry_after_s,
                              COUNTER_LIMIT_ALL};
    case 1:
        return (struct bound){from->in, from->limit_reply, from->limit_retry_after_s, COUNTER_LIMIT_PEER_IN};
    case 2:
        return (struct bound){to->out, to->limit_reply, to->limit_retry_after_s, COUNTER_LIMIT_PEER_OUT};
    default:
        break;
    }
    const struct snapshot_member *member = &rules->members[call->member];
    return (struct bound){{.rate = member->rate, .burst = member->rate, .concurrent = member->capacity},
                          to->limit_reply,
                          to->limit_retry_after_s,
                          COUNTER_LIMIT_MEMBER};
}

bool calls_take(struct worker *worker, const struct call_parties *call, struct refusal *refusal)
{
    uint32_t rows[CALL_ROWS];
    unsigned n = rows_of(call, rows);
    for (unsigned i = 0; i < n; i++) {
        struct bound bound = bound_of(worker->rules, call, i);
        if (limit_take(&worker->limits, rows[i], &bound.limit, worker->now_us))
            continue;
        while (i-- > 0)
            limit_untake(&worker->limits, rows[i], worker->now_us);
        *refusal = (struct refusal){bound.reply, bound.retry_after_s, bound.counter};
        return false;
    }
    return true;
}

void calls_untake(struct worker *worker, const struct call_parties *call)
{
    uint32_t rows[CALL_ROWS];
    unsigned n = rows_of(call, rows);
    for (unsigned i = 0; i < n; i++)
        limit_untake(&worker->limits, rows[i], worker->now_us);
}

bool calls_take_member(struct worker *worker, uint16_t member)
{
    const struct snapshot_member *row = &worker->rules->members[member];
    const struct call_limit limit = {.rate = row->rate, .burst = row->rate, .concurrent = row->capacity};
    return limit_take(&worker->limits, LIMIT_MEMBER(member), &limit, worker->now_us);
}

static struct call_parties call_of(const struct dialog *dialog)
{
    return (struct call_parties){dialog->caller_peer, dialog->callee_peer, dialog->callee_member};
}

void calls_hold(struct worker *worker, const struct dialog *dialog)
{
    uint32_t rows[CALL_ROWS];
    struct call_parties call = call_of(dialog);
    unsigned n = rows_of(&call, rows);
    for (unsigned i = 0; i < n; i++)
        limit_hold(&worker->limits, rows[i]);
}

void calls_release(struct worker *worker, const struct dialog *dialog)
{
    uint32_t rows[CALL_ROWS];
    struct call_parties call = call_of(dialog);
    unsigned n = rows_of(&call, rows);
    for (unsigned i = 0; i < n; i++)
        limit_release(&worker->limits, rows[i]);
}
