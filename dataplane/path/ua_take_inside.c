// SPDX-License-Identifier: BSD-3-Clause
// What comes inside the dialogs of applications. The machine of the call says whether a request may come in;
// BYE, and a PRACK without an offer, are answered at once, of all else control is told.
#include "cseq.h"
#include "keepalive.h"
#include "random.h"
#include "ua_send.h"
#include "ua_take.h"

static enum usage_method usage_method_of(uint8_t method)
{
    switch (method) {
    case METHOD_INVITE:
        return USAGE_INVITE;
    case METHOD_UPDATE:
        return USAGE_UPDATE;
    case METHOD_PRACK:
        return USAGE_PRACK;
    case METHOD_BYE:
        return USAGE_BYE;
    default:
        return USAGE_OTHER_METHOD;
    }
}

static struct usage_request usage_request_of(const struct message *message)
{
    struct usage_request request = {.cseq = message->cseq_number,
                                    .method = (uint8_t)usage_method_of(message->method),
                                    .description = ua_has_description(message)};
    struct rack rack;
    uint8_t field = message_first_header(message, HEADER_RACK);
    if (request.method == USAGE_PRACK && field != MESSAGE_NO_HEADER &&
        rack_read(message->octets, message->headers[field].value, &rack) == 0) {
        request.rack = rack.response;
        request.rack_cseq = rack.cseq.number;
    }
    return request;
}

static void see(struct worker *worker, const struct work *work)
{
    keepalive_heard(worker, work->dialog, work->side);
    dialog_see(&worker->dialogs, work->dialog,
               &(struct dialog_seen){work->side, work->message->cseq_number, work->reply_to});
}

// 13.3.1.4: the ACK that stops the repetition. An answer that it carries is part of the exchange.
static void take_ack(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    uint32_t usage = ua_usage_awake(worker, work->dialog);
    struct ua_told told = ua_told_of(worker, CHANNEL_UA_ASKED, work->dialog);
    see(worker, work);
    settle(work, COUNTER_OUT_ABSORBED);
    if (usage == INDEX_NONE) { // again, or of before a restart
        if (dialog_state(&worker->dialogs, work->dialog) == DIALOG_CONFIRMED)
            dialog_apply(worker, work->dialog, DIALOG_ON_ACK);
        return;
    }
    struct usage *record = usage_at(&worker->ua.usages, usage);
    bool waits = record->state == USAGE_ANSWERED || record->state == USAGE_REINVITE_ANSWERED;
    if (waits && record->invite_cseq == message->cseq_number && ua_has_description(message))
        (void)usage_description(&worker->ua.usages, usage, OFFER_IN_ACK, false);
    unsigned actions = usage_receive_ack(&worker->ua.usages, usage, message->cseq_number, worker->now);
    if (actions & USAGE_DO_DELIVER) {
        (void)ua_tell_asked(worker, work, told, INDEX_NONE);
        settle(work, COUNTER_OUT_APPLICATION);
    }
    const struct ua_step step = {.dialog = work->dialog, .event = USAGE_ON_ACK, .message = message};
    ua_do(worker, &step, actions);
}

static void refuse_inside(struct worker *worker, struct work *work, uint32_t server,
                          const struct usage_verdict *verdict)
{
    char line[32];
    struct writer writer;
    writer_init(&writer, line, sizeof(line));
    if (verdict->retry_after_s != USAGE_RETRY_AFTER_NONE) {
        write_text(&writer, "Retry-After: ");
        write_number(&writer, verdict->retry_after_s);
        write_text(&writer, "\r\n");
    }
    ua_finish(worker, server, &(struct ua_final){.status = verdict->status, .headers = {line, writer.used}});
    settle(work, COUNTER_OUT_ANSWERED);
}

// A subscription has its own life in the dialog (RFC 5057 section 5): what the call says does not bind it.
static bool outlives_call(const struct work *work, const struct usage_verdict *verdict)
{
    uint8_t method = work->message->method;
    return verdict->status == 481 && (method == METHOD_NOTIFY || method == METHOD_SUBSCRIBE);
}

// What we answer by ourselves: BYE, and a PRACK without an offer.
static bool is_answered_at_once(const struct usage_request *request)
{
    return request->method == USAGE_BYE || (request->method == USAGE_PRACK && !request->description);
}

static void take_at_once(struct worker *worker, struct work *work, uint32_t server, unsigned actions)
{
    bool bye = work->message->method == METHOD_BYE;
    struct ua_told told = ua_told_of(worker, CHANNEL_UA_ASKED, work->dialog);
    told.status = 200;
    (void)ua_tell_asked(worker, work, told, INDEX_NONE);
    ua_finish(worker, server, &(struct ua_final){.status = 200});
    const struct ua_step step = {
        .dialog = work->dialog, .event = bye ? USAGE_ON_BYE : USAGE_ON_PRACKED, .message = work->message};
    ua_do(worker, &step, actions);
    settle(work, COUNTER_OUT_APPLICATION);
}

// Nobody can be told: as if the request had not come in, beside its number.
static void take_back(struct worker *worker, struct work *work, uint32_t server, uint32_t usage)
{
    uint8_t method = work->message->method;
    static const char later[] = "Retry-After: 5\r\n";
    count(worker, COUNTER_UA_UNSERVED);
    ua_finish(worker, server, &(struct ua_final){.status = 503, .headers = {later, sizeof(later) - 1}});
    if (method == METHOD_UPDATE)
        usage_update_done(&worker->ua.usages, usage, false);
    if (method == METHOD_INVITE)
        (void)ua_step(
            worker, &(struct ua_step){.dialog = work->dialog, .event = USAGE_ON_SEND_FAILURE, .status = 503});
    ua_rest(worker, work->dialog);
    settle(work, COUNTER_OUT_ANSWERED);
}

// What control answers.
static void take_asked(struct worker *worker, struct work *work, uint32_t server, unsigned actions)
{
    uint32_t usage = ua_usage_awake(worker, work->dialog);
    uint8_t method = work->message->method;
    if (method == METHOD_INVITE && usage != INDEX_NONE) {
        struct usage *record = usage_at(&worker->ua.usages, usage);
        record->invite = server;
        record->invite_generation = transaction_at(&worker->transactions, server)->generation;
    }
    if (!ua_tell_asked(worker, work, ua_told_of(worker, CHANNEL_UA_ASKED, work->dialog), server)) {
        take_back(worker, work, server, usage);
        return;
    }
    if (method == METHOD_INVITE)
        reply_trying(worker, work, server);
    const struct ua_step step = {.dialog = work->dialog,
                                 .event = method == METHOD_INVITE  ? USAGE_ON_INVITE
                                          : method == METHOD_PRACK ? USAGE_ON_PRACKED
                                                                   : USAGE_EVENTS,
                                 .message = work->message};
    ua_do(worker, &step, actions);
    settle(work, COUNTER_OUT_APPLICATION);
}

static void take_request(struct worker *worker, struct work *work, uint16_t application)
{
    const struct usage_request request = usage_request_of(work->message);
    struct usage_verdict verdict = {.status = 481, .retry_after_s = USAGE_RETRY_AFTER_NONE};
    uint32_t usage = ua_usage(worker, work->dialog);
    if (usage == INDEX_NONE && dialog_state(&worker->dialogs, work->dialog) == DIALOG_CONFIRMED) {
        ua_refuse_unserved(worker, work); // no room
        return;
    }
    uint32_t server = ua_begin_server(worker, work, application);
    if (server == INDEX_NONE) {
        ua_refuse_unserved(worker, work);
        return;
    }
    if (usage != INDEX_NONE)
        verdict =
            usage_receive(&worker->ua.usages, usage, &request, (uint32_t)random_word(worker), worker->now);
    see(worker, work);
    if (verdict.status != 0 && !outlives_call(work, &verdict)) {
        refuse_inside(worker, work, server, &verdict);
        ua_rest(worker, work->dialog);
    } else if (is_answered_at_once(&request)) {
        take_at_once(worker, work, server, verdict.actions);
    } else {
        take_asked(worker, work, server, verdict.actions);
    }
}

void ua_take_inside(struct worker *worker, struct work *work)
{
    enum dialog_side ours = DIALOG_CALLEE;
    const struct dialog *dialog = dialog_at(&worker->dialogs, work->dialog);
    (void)ua_side(worker, work->dialog, &ours);
    uint16_t application = ours == DIALOG_CALLEE ? dialog->callee_peer : dialog->caller_peer;
    if (work->side == ours) // nobody on the wire speaks for it
        settle(work, COUNTER_DROP_FORGED_DIALOG);
    else if (work->message->method == METHOD_ACK)
        take_ack(worker, work);
    else if (work->message->method == METHOD_CANCEL) // of no transaction (9.2)
        reply_stateless(worker, work, (struct reply){481, "Call/Transaction Does Not Exist", NULL});
    else if (!ua_is_judged(worker, work, application) && !ua_is_session_refused(worker, work, application))
        take_request(worker, work, application);
}

// The dialog and the usage that wait for an answer to this INVITE, INDEX_NONE.
static uint32_t dialog_of_invite(struct worker *worker, uint32_t server, uint32_t *usage)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, server);
    uint32_t dialog = transaction->dialog;
    if (transaction->method != METHOD_INVITE || dialog == INDEX_NONE ||
        dialog_at(&worker->dialogs, dialog)->generation != transaction->dialog_generation)
        return INDEX_NONE;
    *usage = ua_usage_awake(worker, dialog);
    return *usage != INDEX_NONE && ua_invite(worker, *usage) == server ? dialog : INDEX_NONE;
}

bool ua_cancel_tag(struct worker *worker, uint32_t server, const struct message *cancel,
                   char tag[COOKIE_TEXT_MAX])
{
    struct ua_kept kept;
    if (!ua_request_kept(worker, server, &kept))
        return false;
    ua_tag_for(worker, cancel, kept.application, tag);
    return true;
}

void ua_take_cancel(struct worker *worker, uint32_t server, const struct message *cancel)
{
    uint32_t usage, dialog = dialog_of_invite(worker, server, &usage);
    if (dialog == INDEX_NONE)
        return;
    struct ua_told told = ua_told_of(worker, CHANNEL_UA_CANCELLED, dialog);
    told.transaction = ua_transaction_handle(worker, server);
    told.message = cancel;
    told.status = 487;
    const struct ua_step step = {.dialog = dialog, .event = USAGE_ON_CANCEL, .message = cancel};
    unsigned actions = usage_step(&worker->ua.usages, usage, step.event, worker->now);
    if (actions & USAGE_DO_REFUSE) // RFC 6141 3.3: what took effect cannot be cancelled
        (void)ua_tell(worker, &told);
    ua_do(worker, &step, actions);
}

// The next UPDATE may come (RFC 3311 5.2).
static void forget_update(struct worker *worker, uint32_t server)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, server);
    uint32_t dialog = transaction->dialog;
    if (transaction->method != METHOD_UPDATE || dialog == INDEX_NONE ||
        dialog_at(&worker->dialogs, dialog)->generation != transaction->dialog_generation)
        return;
    uint32_t usage = ua_usage_awake(worker, dialog);
    if (usage != INDEX_NONE)
        usage_update_done(&worker->ua.usages, usage, false);
    ua_rest(worker, dialog);
}

void ua_unanswered(struct worker *worker, uint32_t server)
{
    if (ua_is_owed(worker, server)) // what it meant for the call is done
        return;
    forget_update(worker, server);
    uint32_t usage, dialog = dialog_of_invite(worker, server, &usage);
    if (dialog != INDEX_NONE)
        (void)ua_step(worker, &(struct ua_step){.dialog = dialog,
                                                .event = USAGE_ON_SEND_FAILURE,
                                                .reason = CHANNEL_REASON_TIMEOUT,
                                                .status = 408});
}

bool ua_invite_overdue(struct worker *worker, uint32_t server)
{
    struct transaction *transaction = transaction_at(&worker->transactions, server);
    uint32_t usage;
    if (transaction->kind != TRANSACTION_INVITE_SERVER || transaction->state != TRANSACTION_PROCEEDING)
        return false;
    uint32_t dialog = dialog_of_invite(worker, server, &usage);
    bool inside = dialog != INDEX_NONE && dialog_state(&worker->dialogs, dialog) == DIALOG_CONFIRMED;
    if (ua_is_owed(worker, server))
        return ua_pay(worker, server) || (int32_t)(transaction->end_at - worker->now) > 0;
    // What a re-INVITE gets leaves its call as it is (RFC 5057 5.1).
    const uint16_t status = inside ? 504 : 480;
    ua_finish(worker, server, &(struct ua_final){.status = status});
    if (transaction->state == TRANSACTION_PROCEEDING && !ua_is_owed(worker, server))
        return false; // no room for it
    if (dialog != INDEX_NONE)
        (void)ua_step(worker, &(struct ua_step){.dialog = dialog,
                                                .event = USAGE_ON_SEND_FAILURE,
                                                .reason = CHANNEL_REASON_TIMEOUT,
                                                .status = status});
    return true;
}
