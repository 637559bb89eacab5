// SPDX-License-Identifier: BSD-3-Clause
// When to look is the record's own timer (state/dialog_step.c), who was heard a few bits of it: a dialog
// without silence costs one expiry an interval and nothing else. One OPTIONS a side is out at a time.
#include "keepalive.h"
#include "ua.h"

static void ask(struct worker *worker, uint32_t dialog, enum dialog_side to)
{
    struct dialogs *dialogs = &worker->dialogs;
    enum dialog_side ours;
    bool ua = ua_side(worker, dialog, &ours); // whose numbers nobody else counts
    const struct inside options = {.dialog = dialog,
                                   .to = to,
                                   .method = METHOD_OPTIONS,
                                   .cseq = ua ? ua_number(worker, dialog)
                                              : dialog_cseq_next(dialogs, dialog, 1 - to),
                                   .extra = "Accept: application/sdp\r\n"};
    // Without room for the number nothing may go: the side's next request would have the same one.
    if (ua ? options.cseq == 0 : dialog_cseq_take(dialogs, dialog, 1 - to) != 0) {
        count(worker, COUNTER_DIALOG_FULL);
        return;
    }
    uint32_t client = originate_inside(worker, &options);
    if (client == INDEX_NONE)
        return; // asked again at the next look
    transaction_at(&worker->transactions, client)->side = (uint8_t)to;
    dialog_heard_set(dialogs, dialog, dialog_at(dialogs, dialog)->heard | DIALOG_ASKED(to));
    count(worker, COUNTER_KEEPALIVE_SENT);
}

void keepalive_look(struct worker *worker, uint32_t dialog)
{
    unsigned heard = dialog_at(&worker->dialogs, dialog)->heard;
    dialog_heard_set(&worker->dialogs, dialog,
                     heard & ~(DIALOG_HEARD(DIALOG_CALLER) | DIALOG_HEARD(DIALOG_CALLEE)));
    enum dialog_side ours;
    bool ua = ua_side(worker, dialog, &ours);
    for (enum dialog_side side = DIALOG_CALLER; side <= DIALOG_CALLEE; side++) {
        if (ua && side == ours) // nobody is there on the wire
            continue;
        if (!(heard & (DIALOG_HEARD(side) | DIALOG_ASKED(side))))
            ask(worker, dialog, side);
    }
    if (ua)
        ua_rest(worker, dialog);
}

void keepalive_ended(struct worker *worker, uint32_t client, uint16_t status)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, client);
    enum dialog_side side = transaction->side;
    uint32_t dialog = transaction->dialog;
    if (transaction->method != METHOD_OPTIONS || dialog == INDEX_NONE ||
        dialog_at(&worker->dialogs, dialog)->generation != transaction->dialog_generation)
        return;
    enum dialog_side ours;
    bool dead = status == 0 || status == 408 || status == 481;
    dialog_heard_set(&worker->dialogs, dialog,
                     dialog_at(&worker->dialogs, dialog)->heard & ~DIALOG_ASKED(side));
    if (dead && dialog_state(&worker->dialogs, dialog) == DIALOG_CONFIRMED) {
        count(worker, COUNTER_KEEPALIVE_DEAD);
        if (ua_side(worker, dialog, &ours))
            (void)ua_end(worker, dialog, CHANNEL_REASON_DEAD);
        else
            dialog_apply(worker, dialog, DIALOG_ON_DEAD);
    }
}
