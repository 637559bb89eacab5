// SPDX-License-Identifier: BSD-3-Clause
// The REFER takes a number of the side in whose name it goes (state/dialog_cseq.c) and has that side's
// Contact, for a REFER can move the target (RFC 6665 4.4.1). Whom it is sent to sees a dialog that its other
// end has referred it in. That other end sees nothing of it: the referee's NOTIFYs end here and leave gaps in
// its numbers, which are legal (RFC 3261 12.2.2).
//
// Which NOTIFYs are ours says their id, the CSeq of the REFER (RFC 3515 2.4.6). One without an id is about
// the first REFER that the referee had in the dialog: ours, unless the other side's own one passed before.
//
// How long the subscription is waited for: 64*T1 for its first NOTIFY (timer N, RFC 6665 4.1.2.4), then what
// each NOTIFY says in `expires`, at least 64*T1 and at most an hour. Who says nothing has timer C's three
// minutes (RFC 3261 16.6 step 11), in which the call that it makes is answered or not.
//
// The table is looked through from end to end: by a NOTIFY in a proxied dialog while it is not empty, which
// is while an operator transfers a call.
#include "refer_operator.h"
#include <errno.h>
#include "event.h"
#include "keepalive.h"
#include "sipfrag.h"
#include "subscription_state.h"
#include "ua.h"

#define EXPIRES_MAX_S     3600u
#define EXPIRES_DEFAULT_S 180u

static tick_t timer_n(const struct worker *worker)
{
    return 64 * worker->transactions.timers.t1;
}

// Rows keep no order.
static void forget(struct refers_sent *sent, struct refer_sent *row)
{
    *row = sent->rows[--sent->count];
}

static bool is_dialog(const struct worker *worker, const struct refer_sent *row)
{
    return dialog_at(&worker->dialogs, row->dialog)->generation == row->generation &&
           dialog_state(&worker->dialogs, row->dialog) != DIALOG_FREE;
}

// What nobody waits for any more. One without its response has a transaction that brings it.
static void forget_old(struct worker *worker)
{
    struct refers_sent *sent = &worker->refers;
    for (uint32_t i = sent->count; i-- > 0;) {
        struct refer_sent *row = &sent->rows[i];
        if (row->stage != REFER_SENT && ((int32_t)(worker->now - row->until) >= 0 || !is_dialog(worker, row)))
            forget(sent, row);
    }
}

// The one whose outcome is open, NULL. There is one a dialog at most.
static struct refer_sent *open_in(struct worker *worker, uint32_t dialog, uint32_t generation)
{
    for (uint32_t i = 0; i < worker->refers.count; i++) {
        struct refer_sent *row = &worker->refers.rows[i];
        if (row->dialog == dialog && row->generation == generation && row->stage != REFER_OVER)
            return row;
    }
    return NULL;
}

// <URI> of the side in whose name it goes, as the referee has it.
static struct dialog_string write_contact(struct worker *worker, uint32_t dialog, enum dialog_side side)
{
    enum dialog_text which = side == DIALOG_CALLER ? DIALOG_TEXT_CALLER_TARGET : DIALOG_TEXT_CALLEE_TARGET;
    char *out = worker->ua.lines;
    const uint32_t room = sizeof(worker->ua.lines) - 2;
    uint32_t length = dialog_text(&worker->dialogs, dialog, which, out + 1, room);
    if (length == 0 || length > room)
        return (struct dialog_string){out, 0};
    out[0] = '<';
    out[1 + length] = '>';
    return (struct dialog_string){out, length + 2};
}

// Takes the number and sends. Returns 0, or -errno and no REFER has gone.
static int send(struct worker *worker, struct ua_command *command, struct inside *refer)
{
    enum dialog_side named = 1 - refer->to;
    const struct inside_asked asked = {.contact = write_contact(worker, refer->dialog, named),
                                       .headers = command->texts[CHANNEL_UA_TEXT_HEADERS],
                                       .body = command->body};
    if (asked.contact.length == 0) // a record that a restart left, until the next re-INVITE
        return -EPROTO;
    refer->cseq = dialog_cseq_next(&worker->dialogs, refer->dialog, named);
    // Committed before it leaves: the side's next request would have the same number after a restart.
    int result = dialog_cseq_take(&worker->dialogs, refer->dialog, named);
    if (result != 0)
        return -ENOSPC;
    refer->asked = &asked;
    result = originate_asked(worker, refer, &command->transaction);
    refer->asked = NULL;
    return result;
}

int refer_operator_send(struct worker *worker, struct ua_command *command)
{
    const struct channel_ua_command *fixed = command->fixed;
    uint32_t index = command->dialog;
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    struct inside refer = {.dialog = index,
                           .to = fixed->flags & CHANNEL_UA_TO_CALLEE ? DIALOG_CALLEE : DIALOG_CALLER,
                           .method = METHOD_REFER};
    forget_old(worker);
    if (dialog_state(&worker->dialogs, index) == DIALOG_TERMINATING)
        return -EALREADY;
    if (dialog_state(&worker->dialogs, index) != DIALOG_CONFIRMED || !(dialog->flags & DIALOG_FLAG_ACKED))
        return -EPROTO;
    if (open_in(worker, index, dialog->generation) != NULL)
        return -EBUSY;
    if (worker->refers.count == REFERS_MAX) {
        count(worker, COUNTER_REFER_OPERATOR_FULL);
        return -ENOSPC;
    }
    int result = send(worker, command, &refer);
    if (result != 0)
        return result;
    worker->refers.rows[worker->refers.count++] =
        (struct refer_sent){.tag = fixed->tag,
                            .dialog = index,
                            .generation = dialog->generation,
                            .client = command->transaction,
                            .cseq = refer.cseq,
                            .until = worker->now + timer_n(worker),
                            .to = (uint8_t)refer.to,
                            .stage = REFER_SENT,
                            .keep = fixed->flags & CHANNEL_UA_KEEP,
                            .unnamed = !(dialog->heard & DIALOG_REFERRED(refer.to))};
    count(worker, COUNTER_REFER_OPERATOR);
    return 0;
}

// What is always the same of what is told of it: `application` is the peer of the referee, `peer` that of the
// other side.
static struct ua_told told_of(const struct worker *worker, enum channel_ua_kind kind,
                              const struct refer_sent *row)
{
    bool callee = row->to == DIALOG_CALLEE;
    struct ua_told told = {.kind = kind};
    if (is_dialog(worker, row)) {
        const struct dialog *dialog = dialog_at(&worker->dialogs, row->dialog);
        told = ua_told_of(worker, kind, row->dialog);
        told.application = callee ? dialog->callee_peer : dialog->caller_peer;
        told.peer = callee ? dialog->caller_peer : dialog->callee_peer;
    }
    told.called = callee;
    told.tag = row->tag;
    return told;
}

void refer_operator_ended(struct worker *worker, uint32_t client, const struct message *response)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, client);
    if (transaction->method != METHOD_REFER)
        return;
    struct refer_sent *row = open_in(worker, transaction->dialog, transaction->dialog_generation);
    // NOTIFYs that came before it have told how it ended, and another REFER may have followed.
    if (row == NULL || row->stage != REFER_SENT || row->client != client)
        return;
    struct ua_told told = told_of(worker, CHANNEL_UA_ANSWERED, row);
    told.status = response != NULL ? response->status : 408; // RFC 3261 8.1.3.1
    told.message = response;
    told.source = transaction->remote;
    (void)ua_tell(worker, &told);
    if (response != NULL && is_dialog(worker, row))
        keepalive_heard(worker, row->dialog, row->to);
    // A refusal, 481 too, changes nothing: whether the dialog lives is for its parties to find out.
    if (told.status >= 300) {
        forget(&worker->refers, row);
        return;
    }
    row->stage = REFER_ACCEPTED;
    tick_t first = worker->now + timer_n(worker);
    if ((int32_t)(first - row->until) > 0) // a NOTIFY that came first has said more
        row->until = first;
}

// Of those without a name the open one, else the last one that is over.
static struct refer_sent *find(struct worker *worker, const struct work *work, uint32_t cseq)
{
    struct refer_sent *found = NULL;
    for (uint32_t i = 0; i < worker->refers.count; i++) {
        struct refer_sent *row = &worker->refers.rows[i];
        if (row->dialog != work->dialog || row->to != work->side)
            continue;
        if (cseq != 0 ? row->cseq == cseq : row->unnamed && (found == NULL || row->cseq > found->cseq))
            found = row;
    }
    return found;
}

// What a NOTIFY says: whether it is the last one, and how long the next one may take.
static void read_notify(struct worker *worker, const struct message *message, struct refer_sent *row)
{
    uint8_t field = message_first_header(message, HEADER_SUBSCRIPTION_STATE);
    struct subscription_state state = {.state = SUBSCRIPTION_OTHER};
    uint32_t expires_s = EXPIRES_DEFAULT_S;
    if (field != MESSAGE_NO_HEADER &&
        subscription_state_read(message->octets, message->headers[field].value, &state) == 0 &&
        state.has_expires)
        expires_s = RTE_MIN(state.expires_s, EXPIRES_MAX_S);
    tick_t until = worker->now + expires_s * (1000 / TICK_MS);
    row->until = worker->now + timer_n(worker);
    if ((int32_t)(until - row->until) > 0)
        row->until = until;
    if (state.state == SUBSCRIPTION_TERMINATED)
        row->stage = REFER_OVER;
}

// The status that its body tells of, 0: none.
static uint16_t status_of(const struct message *message)
{
    struct sipfrag frag;
    if (message->body.length == 0 || sipfrag_read(message->octets, message->body, &frag) != 0)
        return 0;
    return frag.status;
}

// RFC 3515 2.4.5: a final status is the REFER's outcome.
static void take_news(struct worker *worker, struct work *work, struct refer_sent *row)
{
    const struct message *message = work->message;
    struct ua_told told = told_of(worker, CHANNEL_UA_REFERRAL, row);
    bool was_open = row->stage != REFER_OVER;
    told.status = 200;
    told.absorbed = true;
    told.message = message;
    told.source = work->packet->source;
    row->notify = message->cseq_number + 1;
    read_notify(worker, message, row);
    (void)ua_tell(worker, &told);
    uint16_t status = status_of(message);
    if (status >= 200)
        row->stage = REFER_OVER;
    if (row->stage == REFER_OVER)
        row->until = worker->now + timer_n(worker);
    if (was_open && status / 100 == 2 && !row->keep)
        (void)dialog_end(worker, work->dialog); // -EALREADY: somebody else was first
}

bool refer_operator_takes(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    struct span id;
    uint32_t cseq;
    if (worker->refers.count == 0 || work->dialog == INDEX_NONE || !event_refer(message, &id, &cseq))
        return false;
    forget_old(worker);
    struct refer_sent *row = find(worker, work, cseq);
    if (row == NULL)
        return false;
    keepalive_heard(worker, work->dialog, work->side);
    dialog_see(&worker->dialogs, work->dialog,
               &(struct dialog_seen){work->side, message->cseq_number, work->reply_to});
    reply_stateless(worker, work, (struct reply){200, "OK", NULL});
    count(worker, COUNTER_REFER_OPERATOR_NOTIFY);
    if (message->cseq_number >= row->notify)
        take_news(worker, work, row);
    return true;
}
