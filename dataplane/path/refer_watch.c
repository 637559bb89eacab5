// SPDX-License-Identifier: BSD-3-Clause
#include "refer_watch.h"
#include "command.h"
#include "event.h"
#include "ua.h"

static void tell(struct worker *worker, struct ua_told *told)
{
    bool told_now = ua_may_keep(worker) && ua_tell(worker, told);
    count(worker, told_now ? COUNTER_REFER_TOLD : COUNTER_REFER_UNTOLD);
}

// Without a record: after its end (RFC 5057 4: a subscription outlives the call), or outside a dialog.
static struct ua_told told_of(const struct worker *worker, const struct work *work, enum dialog_side sender)
{
    struct ua_told told = {.kind = CHANNEL_UA_REFERRAL,
                           .call = work->packet->call_hash,
                           .application = work->packet->peer,
                           .peer = work->to_peer,
                           .message = work->message,
                           .source = work->packet->source};
    if (work->dialog == INDEX_NONE)
        return told;
    const struct dialog *record = dialog_at(&worker->dialogs, work->dialog);
    told.called = sender == DIALOG_CALLEE;
    told.dialog = command_handle(worker->parts.id, record->generation, work->dialog);
    told.application = told.called ? record->callee_peer : record->caller_peer;
    told.peer = told.called ? record->caller_peer : record->callee_peer;
    told.state = dialog_state(&worker->dialogs, work->dialog);
    return told;
}

// A number of this side's as it was sent, when the other side has named it.
static uint32_t number_of(const struct worker *worker, const struct work *work, enum dialog_side side,
                          uint32_t number)
{
    return work->dialog == INDEX_NONE ? number
                                      : dialog_cseq_back(&worker->dialogs, work->dialog, side, number);
}

// The REFER that a NOTIFY is about, as its sender counts; 0: it names none. False: it is of another package.
static bool referred(const struct worker *worker, const struct work *work, uint32_t *number)
{
    struct span id;
    if (!event_refer(work->message, &id, number))
        return false;
    if (*number != 0)
        *number = number_of(worker, work, 1 - work->side, *number);
    return true;
}

void refer_watch_request(struct worker *worker, const struct work *work)
{
    uint32_t number = work->message->cseq_number;
    if (work->message->method != METHOD_REFER &&
        (work->message->method != METHOD_NOTIFY || !referred(worker, work, &number)))
        return;
    struct ua_told told = told_of(worker, work, work->side);
    told.result = (int)number;
    tell(worker, &told);
}

void refer_watch_refused(struct worker *worker, const struct work *work, uint16_t status)
{
    if (work->message->method != METHOD_REFER)
        return;
    struct ua_told told = told_of(worker, work, work->side);
    told.result = (int)work->message->cseq_number;
    told.status = status;
    if (!work->inside) // nobody has looked where it would go
        told.peer = NUMBER_NONE;
    tell(worker, &told);
}

void refer_watch_response(struct worker *worker, const struct work *work)
{
    const struct message *message = work->message;
    if (message->method != METHOD_REFER || message->status == 100)
        return;
    struct ua_told told = told_of(worker, work, 1 - work->side); // the side is the asker's
    told.result = (int)number_of(worker, work, work->side, message->cseq_number);
    tell(worker, &told);
}
