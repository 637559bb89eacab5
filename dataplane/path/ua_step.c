// SPDX-License-Identifier: BSD-3-Clause
// What a usage's step asks for. The usage is the machine; the dialog's record follows it by the events of its
// own machine (follow()), so that counts, limits, lists, records of calls and what survives a kill are those
// of any dialog.
#include <errno.h>
#include "ua_send.h"

static enum channel_reason reason_of(enum usage_event event)
{
    switch (event) {
    case USAGE_ON_SEND_1XX:
    case USAGE_ON_1XX:
        return CHANNEL_REASON_PROVISIONAL;
    case USAGE_ON_SEND_2XX:
    case USAGE_ON_PRACKED: // it held the 2xx back
    case USAGE_ON_2XX:
        return CHANNEL_REASON_SUCCESS;
    case USAGE_ON_SEND_CANCEL:
    case USAGE_ON_CANCEL:
        return CHANNEL_REASON_CANCEL;
    case USAGE_ON_ACK:
        return CHANNEL_REASON_ACK;
    case USAGE_ON_END:
    case USAGE_ON_LEAVE_EARLY:
    case USAGE_ON_BYE:
        return CHANNEL_REASON_BYE;
    case USAGE_ON_BYE_DONE:
        return CHANNEL_REASON_BYE_DONE;
    case USAGE_ON_BYE_CHALLENGED:
        return CHANNEL_REASON_BYE_CHALLENGED;
    case USAGE_ON_GONE:
        return CHANNEL_REASON_GONE;
    case USAGE_ON_LIFE:
        return CHANNEL_REASON_TIMEOUT;
    case USAGE_ON_EXPIRED:
        return CHANNEL_REASON_SESSION_END;
    case USAGE_ON_GIVE_UP:
        return CHANNEL_REASON_NO_ACK;
    default: // a final refusal, or none of what was waited for
        return CHANNEL_REASON_REFUSED;
    }
}

static enum channel_reason reason_of_step(const struct ua_step *step)
{
    return step->reason != CHANNEL_REASON_CREATED ? step->reason : reason_of(step->event);
}

// Who ended the call, for its record: ours is the application's side.
static struct call_end end_of_step(const struct worker *worker, const struct ua_step *step,
                                   enum dialog_side ours)
{
    struct call_end end = {true, ours == DIALOG_CALLER ? CHANNEL_ENDER_CALLER : CHANNEL_ENDER_CALLEE,
                           (uint8_t)reason_of_step(step), .status = step->status != 0 ? step->status : 480};
    switch (end.reason) {
    case CHANNEL_REASON_OPERATOR:
        end.ender = CHANNEL_ENDER_OPERATOR;
        break;
    case CHANNEL_REASON_TIMEOUT:
    case CHANNEL_REASON_SESSION_END:
    case CHANNEL_REASON_NO_ACK:
    case CHANNEL_REASON_DEAD:
        end.ender = CHANNEL_ENDER_TIMEOUT;
        break;
    case CHANNEL_REASON_CANCEL:
        end.ender = CHANNEL_ENDER_CALLER;
        end.status = 487;
        break;
    case CHANNEL_REASON_REFUSED:
        end.ender = CHANNEL_ENDER_CALLEE;
        break;
    default:
        break;
    }
    if (step->event == USAGE_ON_BYE && step->message != NULL)
        return call_end_of_bye(worker, step->message, 1 - ours);
    if (step->event == USAGE_ON_CANCEL && step->message != NULL)
        end.cause = call_cause_of(step->message);
    return end;
}

// The events that take the record where the usage is now. It may release the record.
static void follow(struct worker *worker, const struct ua_step *step, uint32_t usage, enum dialog_side ours)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, step->dialog);
    struct call_end end = end_of_step(worker, step, ours);
    uint8_t row = dialog->row;
    switch (usage_at(&worker->ua.usages, usage)->state) {
    case USAGE_PROCEEDING: // a 1xx without a tag makes no dialog
        if (row == DIALOG_ROW_NONE && dialog->callee_tag_hash != 0)
            dialog_apply(worker, step->dialog, DIALOG_ON_PROVISIONAL);
        break;
    case USAGE_INVITED:
        if (step->event == USAGE_ON_SEND_1XX && row == DIALOG_ROW_NONE)
            dialog_apply(worker, step->dialog, DIALOG_ON_PROVISIONAL);
        break;
    case USAGE_CANCEL_HELD:
    case USAGE_CANCELLED:
        if (row == DIALOG_ROW_NONE || row == DIALOG_ROW_EARLY)
            dialog_apply_end(worker, step->dialog, DIALOG_ON_OPERATOR_END, &end);
        break;
    case USAGE_ENDING:
        if (row == DIALOG_ROW_CONFIRMED)
            dialog_apply_end(worker, step->dialog, DIALOG_ON_END_UNACKED, &end);
        break;
    case USAGE_CONFIRMED:
    case USAGE_REINVITED: // who sends a re-INVITE has the 2xx
        if (row == DIALOG_ROW_CONFIRMED && !(dialog->flags & DIALOG_FLAG_ACKED))
            dialog_apply(worker, step->dialog, DIALOG_ON_ACK);
        break;
    case USAGE_LEAVING_EARLY:
    case USAGE_LEFT_EARLY:
    case USAGE_LEAVING:
    case USAGE_LEFT_UNACKED:
        dialog_apply_end(worker, step->dialog, DIALOG_ON_BYE, &end);
        break;
    case USAGE_TERMINATED:
        if (row == DIALOG_ROW_CONFIRMED || row == DIALOG_ROW_TERMINATING_UNACKED)
            dialog_apply_end(worker, step->dialog, DIALOG_ON_BYE, &end);
        row = dialog->row;
        dialog_apply_end(worker, step->dialog,
                         row == DIALOG_ROW_TERMINATING ? DIALOG_ON_BYE_DONE : DIALOG_ON_REFUSED, &end);
        break;
    default:
        break;
    }
}

// Header lines of ours are NUL-terminated in the places that take them.
static const char *lines_of(struct worker *worker, struct dialog_string headers)
{
    if (headers.length == 0 || headers.length >= sizeof(worker->ua.lines))
        return NULL;
    memcpy(worker->ua.lines, headers.octets, headers.length);
    worker->ua.lines[headers.length] = '\0';
    return worker->ua.lines;
}

// Without room for it the far end finds out by its own timers; here the usage gives up after 64*T1.
static void send_bye(struct worker *worker, const struct ua_step *step, enum dialog_side ours)
{
    struct inside bye = {.dialog = step->dialog,
                         .to = 1 - ours,
                         .method = METHOD_BYE,
                         .cseq = ua_number(worker, step->dialog),
                         .extra = lines_of(worker, step->headers)};
    uint32_t client = bye.cseq == 0 ? INDEX_NONE : originate_inside(worker, &bye);
    if (client == INDEX_NONE && bye.cseq != 0 && bye.extra != NULL) { // the lines may be too long
        bye.extra = NULL;
        client = originate_inside(worker, &bye);
    }
    if (client == INDEX_NONE)
        return;
    ua_own(worker, client, step->tag);
    transaction_at(&worker->transactions, client)->flags |= TRANSACTION_FLAG_OPERATOR;
}

static void refuse(struct worker *worker, const struct ua_step *step, uint32_t usage)
{
    uint32_t server = ua_invite(worker, usage);
    if (server == INDEX_NONE)
        return;
    const struct ua_final refusal = {.status = step->status >= 300 ? step->status
                                                                   : (uint16_t)usage_refusal(step->event),
                                     .phrase = step->phrase,
                                     .headers = step->headers};
    ua_finish(worker, server, &refusal);
}

static void send(struct worker *worker, const struct ua_step *step, uint32_t usage, unsigned actions)
{
    enum dialog_side ours = DIALOG_CALLEE;
    (void)ua_side(worker, step->dialog, &ours);
    if (actions & USAGE_DO_RESEND) {
        struct usage_octets again = usage_repeated(&worker->ua.usages, usage);
        uint32_t server = ua_invite(worker, usage);
        // A 2xx that was held back is the INVITE's final response only now.
        if (server != INDEX_NONE && step->event == USAGE_ON_PRACKED) {
            (void)transaction_step(&worker->transactions, server, TRANSACTION_ON_SEND_2XX, worker->now);
            ua_request_forget(worker, server);
        }
        if (server != INDEX_NONE && tx_copy(worker, again.octets, again.length,
                                            transaction_at(&worker->transactions, server)->remote) == 0)
            count(worker, COUNTER_TX_RETRANSMITTED);
    }
    if (actions & USAGE_DO_ACK)
        ua_send_ack(worker, step, usage);
    if (actions & USAGE_DO_CANCEL)
        ua_send_cancel(worker, step, usage);
    if (actions & USAGE_DO_REFUSE)
        refuse(worker, step, usage);
    if (actions & USAGE_DO_BYE)
        send_bye(worker, step, ours);
}

// RFC 3261 12.2.2, RFC 6141 section 4: where the peer wants our requests from now on is in its own message:
// the re-INVITE that we accept now, or the response.
static void take_target(struct worker *worker, const struct ua_step *step, uint32_t usage)
{
    const struct message *message = step->message;
    if (message == NULL || message->is_request) {
        uint32_t server = ua_invite(worker, usage);
        struct ua_kept kept;
        if (server == INDEX_NONE || !ua_request_kept(worker, server, &kept))
            return;
        message = &worker->kept;
    }
    ua_target(worker, step->dialog, message);
}

static void tell_needs(struct worker *worker, const struct ua_step *step, unsigned actions)
{
    static const struct {
        unsigned action;
        enum channel_ua_kind kind;
    } rows[] = {{USAGE_DO_RETRY, CHANNEL_UA_RETRY},
                {USAGE_DO_REFRESH, CHANNEL_UA_REFRESH},
                {USAGE_DO_EXTEND, CHANNEL_UA_EXTEND},
                {USAGE_DO_RESYNC, CHANNEL_UA_RESYNC}};
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        if (!(actions & rows[i].action))
            continue;
        struct ua_told told = ua_told_of(worker, rows[i].kind, step->dialog);
        uint32_t usage = ua_usage_awake(worker, step->dialog);
        if (rows[i].action == USAGE_DO_EXTEND && usage != INDEX_NONE)
            told.transaction = ua_transaction_handle(worker, ua_invite(worker, usage));
        (void)ua_tell(worker, &told);
    }
}

void ua_do(struct worker *worker, const struct ua_step *step, unsigned actions)
{
    uint32_t usage = ua_usage_awake(worker, step->dialog);
    enum dialog_side ours = DIALOG_CALLEE;
    if (usage == INDEX_NONE)
        return;
    (void)ua_side(worker, step->dialog, &ours);
    struct ua_told told = ua_told_of(worker, CHANNEL_UA_STATE, step->dialog);
    uint32_t generation = dialog_at(&worker->dialogs, step->dialog)->generation;
    uint8_t was = dialog_at(&worker->dialogs, step->dialog)->row;
    if (actions & USAGE_DO_CONFIRM)
        dialog_apply(worker, step->dialog, DIALOG_ON_SUCCESS);
    if (actions & USAGE_DO_TARGET)
        take_target(worker, step, usage);
    // What the peer is sent comes of the record: it is there until the last of it.
    bool over = usage_at(&worker->ua.usages, usage)->state == USAGE_TERMINATED;
    if (!over)
        follow(worker, step, usage, ours);
    send(worker, step, usage, actions);
    tell_needs(worker, step, actions);
    if (over)
        follow(worker, step, usage, ours);
    if (actions & USAGE_DO_RELEASE)
        usage_release(&worker->ua.usages, usage);
    const struct dialog *dialog = dialog_at(&worker->dialogs, step->dialog);
    bool gone = dialog->generation != generation;
    told.state = gone ? DIALOG_TERMINATED : dialog_state(&worker->dialogs, step->dialog);
    told.reason = reason_of_step(step);
    told.status = step->status;
    if (told.state != (enum dialog_state)dialog_state_of[was])
        (void)ua_tell(worker, &told);
    if (!gone)
        ua_rest(worker, step->dialog);
}

unsigned ua_step(struct worker *worker, const struct ua_step *step)
{
    uint32_t usage = ua_usage(worker, step->dialog);
    if (usage == INDEX_NONE)
        return USAGE_DO_NOT_NOW;
    unsigned actions = usage_step(&worker->ua.usages, usage, step->event, worker->now);
    ua_do(worker, step, actions);
    return actions;
}

static void count_timer(struct worker *worker, enum usage_event event)
{
    if (event == USAGE_ON_LIFE)
        count(worker, COUNTER_DIALOG_EXPIRED);
    else if (event == USAGE_ON_EXPIRED)
        count(worker, COUNTER_DIALOG_SESSION_END);
    else if (event == USAGE_ON_GIVE_UP)
        count(worker, COUNTER_DIALOG_NO_ACK);
}

void ua_expired(struct worker *worker, uint32_t usage)
{
    enum usage_event event = usage_expired(&worker->ua.usages, usage, worker->now);
    uint32_t dialog = ua_dialog_of(worker, usage);
    if (usage_at(&worker->ua.usages, usage)->state == USAGE_FREE)
        return;
    if (dialog == INDEX_NONE || ua_usage_awake(worker, dialog) != usage) { // its record was dropped
        usage_release(&worker->ua.usages, usage);
        return;
    }
    count_timer(worker, event);
    const struct ua_step step = {.dialog = dialog, .event = event};
    (void)ua_step(worker, &step);
}

// Its record's time is over and the usage has nothing more to do, or there is none.
static void drop(struct worker *worker, uint32_t dialog, enum dialog_event event, enum channel_reason reason)
{
    struct ua_told told = ua_told_of(worker, CHANNEL_UA_STATE, dialog);
    uint32_t usage = ua_usage_awake(worker, dialog);
    if (usage != INDEX_NONE)
        usage_release(&worker->ua.usages, usage);
    unsigned actions = dialog_apply(worker, dialog, event);
    told.state = actions & DIALOG_DO_RELEASE ? DIALOG_TERMINATED : dialog_state(&worker->dialogs, dialog);
    told.reason = reason;
    (void)ua_tell(worker, &told);
}

void ua_bye_ended(struct worker *worker, uint32_t dialog)
{
    drop(worker, dialog, DIALOG_ON_BYE_DONE, CHANNEL_REASON_BYE_DONE);
}

// Our BYE waits for an ACK that does not come: the usage sends it, whichever of its timer and its record's is
// first.
static bool is_ending(struct worker *worker, uint32_t dialog)
{
    uint32_t usage = ua_usage_awake(worker, dialog);
    return usage != INDEX_NONE && usage_at(&worker->ua.usages, usage)->state == USAGE_ENDING;
}

void ua_dialog_expired(struct worker *worker, uint32_t dialog, enum dialog_event event)
{
    if (event == DIALOG_ON_SESSION_END) {
        ua_session_due(worker, dialog);
        return;
    }
    enum dialog_state state = dialog_state(&worker->dialogs, dialog);
    if (state != DIALOG_TERMINATING)
        count(worker, event == DIALOG_ON_NO_ACK ? COUNTER_DIALOG_NO_ACK : COUNTER_DIALOG_EXPIRED);
    // Without a usage (taken over, or no room for one) an early dialog has nothing to end it by.
    if (is_ending(worker, dialog))
        (void)ua_step(worker, &(struct ua_step){.dialog = dialog, .event = USAGE_ON_GIVE_UP});
    else if (state == DIALOG_TERMINATING || ua_usage(worker, dialog) == INDEX_NONE)
        drop(worker, dialog, event, CHANNEL_REASON_TIMEOUT);
    else
        (void)ua_end(worker, dialog,
                     event == DIALOG_ON_NO_ACK ? CHANNEL_REASON_NO_ACK : CHANNEL_REASON_TIMEOUT);
}

int ua_end(struct worker *worker, uint32_t dialog, enum channel_reason reason)
{
    if (dialog_state(&worker->dialogs, dialog) == DIALOG_TERMINATING)
        return -EALREADY;
    const struct ua_step step = {.dialog = dialog, .event = USAGE_ON_END, .reason = reason};
    unsigned actions = ua_step(worker, &step);
    if (!(actions & USAGE_DO_NOT_NOW))
        return 0;
    drop(worker, dialog, DIALOG_ON_TIMEOUT, CHANNEL_REASON_TIMEOUT);
    return 0;
}
