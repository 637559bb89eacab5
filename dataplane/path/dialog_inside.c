// SPDX-License-Identifier: BSD-3-Clause
// What requests inside a dialog and their responses do to its record: CSeq, targets, the session, the end.
#include "dialog_track.h"
#include "ending.h"
#include "keepalive.h"

enum dialog_side track_asker(const struct worker *worker, const struct message *response, uint32_t index)
{
    // By tag, not by peer: both sides may belong to the same one.
    return dialog_text_is(&worker->dialogs, index, DIALOG_TEXT_CALLER_TAG,
                          string_of(response, response->from_tag))
               ? DIALOG_CALLER
               : DIALOG_CALLEE;
}

static const enum dialog_text target_of[2] = {DIALOG_TEXT_CALLER_TARGET, DIALOG_TEXT_CALLEE_TARGET};

// A 2xx to a target refresh request (12.2.1.2, 12.2.2; RFC 3311 5.2): the answerer's target is in it, the
// asker's was in the request, and the session timer begins again. request: NULL when nothing kept it.
static void refresh(struct worker *worker, const struct work *work, uint32_t index,
                    const struct message *request)
{
    enum dialog_side asker = track_asker(worker, work->message, index);
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    struct dialog_change change = {.texts = texts};
    struct dialog_string answered = track_contact(work->message);
    if (answered.length > 0)
        texts[target_of[1 - asker]] = answered;
    if (request != NULL) {
        struct dialog_string asked = track_contact(request);
        if (asked.length > 0)
            texts[target_of[asker]] = asked;
    }
    track_session(worker, work->message, asker, &change);
    if (dialog_change(&worker->dialogs, index, &change) != 0)
        count(worker, COUNTER_DIALOG_FULL);
}

void track_reinvite(struct worker *worker, struct work *work, uint32_t index)
{
    const struct transaction *client = transaction_at(&worker->transactions, work->client);
    bool kept = client->kept != ARENA_NONE &&
                message_parse(arena_at(&worker->arena, client->kept), client->kept_length, &worker->kept) ==
                    MESSAGE_FINE;
    refresh(worker, work, index, kept ? &worker->kept : NULL);
}

static enum ending_request request_of(uint8_t method)
{
    switch (method) {
    case METHOD_INVITE:
        return ENDING_REINVITE;
    case METHOD_UPDATE:
    case METHOD_INFO:
        return ENDING_IN_USAGE;
    case METHOD_PRACK:
        return ENDING_PRACK;
    case METHOD_CANCEL:
        return ENDING_CANCEL;
    case METHOD_SUBSCRIBE:
    case METHOD_NOTIFY:
        return ENDING_SUBSCRIPTION;
    case METHOD_REFER:
        return ENDING_REFER;
    default:
        return ENDING_OF_NONE;
    }
}

bool track_ends_call(uint8_t method, uint16_t status)
{
    enum ending_request request = request_of(method);
    enum ending ending = ending_of(request, status);
    return ending == ENDING_DIALOG || (ending == ENDING_USAGE && request != ENDING_SUBSCRIPTION);
}

void track_inside(struct worker *worker, struct work *work, uint32_t index)
{
    const struct message *message = work->message;
    if (message->method == METHOD_UPDATE && message->status / 100 == 2)
        refresh(worker, work, index, NULL);
    else if (message->method == METHOD_BYE && message->status >= 200)
        dialog_apply(worker, index,
                     message->status == 401 || message->status == 407 ? DIALOG_ON_BYE_CHALLENGED
                                                                      : DIALOG_ON_BYE_DONE);
    else if (message->method != METHOD_BYE && track_ends_call(message->method, message->status))
        dialog_apply(worker, index, DIALOG_ON_GONE);
}

void dialog_request(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    keepalive_heard(worker, work->dialog, work->side);
    dialog_see(&worker->dialogs, work->dialog,
               &(struct dialog_seen){work->side, message->cseq_number, work->reply_to});
    if (message->method == METHOD_REFER)
        dialog_heard_set(&worker->dialogs, work->dialog,
                         dialog_at(&worker->dialogs, work->dialog)->heard | DIALOG_REFERRED(1 - work->side));
    if (message->method == METHOD_ACK) {
        dialog_apply(worker, work->dialog, DIALOG_ON_ACK); // marks the dialog, if there was a 2xx
    } else if (message->method == METHOD_BYE) {
        struct call_end end = call_end_of_bye(worker, message, work->side);
        call_record_bye(worker, work->dialog, &end);
        dialog_apply_end(worker, work->dialog, DIALOG_ON_BYE, &end);
    }
}
