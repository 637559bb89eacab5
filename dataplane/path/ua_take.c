// SPDX-License-Identifier: BSD-3-Clause
// What comes for an application. Each request but an ACK gets a server transaction that keeps it, so that its
// repetitions end there; then the machine of its call says whether it may come in, and control is told.
#include "ua.h"
#include "cseq.h"
#include "dialog_track.h"
#include "judge.h"
#include "keepalive.h"
#include "random.h"
#include "ua_send.h"
#include "ua_session.h"
#include "ua_tag.h"

static const char *const extensions[] = {"timer", "replaces", "norefersub", "tdialog", "199", "100rel", NULL};

// Methods are control's to refuse (RFC 3261 8.2.1): it knows what its application allows.
static struct judge_options options_of(const struct worker *worker, uint16_t application)
{
    static const char *const unreliable[] = {"timer", "replaces", "norefersub", "tdialog", "199", NULL};
    bool reliable = worker->rules->peers[application].reliable != RELIABLE_OFF;
    return (struct judge_options){.role = JUDGE_UA,
                                  .schemes = 1u << URI_SIP | 1u << URI_TEL,
                                  .methods = UINT32_MAX,
                                  .extensions = reliable ? extensions : unreliable,
                                  .limits = rules_judge_limits(worker->rules)};
}

// RFC 3261 8.2.2, and the limits that bind user agents.
static bool is_judged(struct worker *worker, struct work *work, uint16_t application)
{
    const struct judge_options options = options_of(worker, application);
    const struct message_verdict verdict = message_judge(work->message, MESSAGE_FINE, &options);
    struct writer writer;
    if (verdict.action == JUDGE_FINE)
        return false;
    if (verdict.action == JUDGE_SILENCE) {
        settle(work, COUNTER_DROP_MALFORMED_REQUEST);
        return true;
    }
    writer_init(&writer, worker->ua.lines, sizeof(worker->ua.lines) - 1);
    write_verdict_header(&writer, work->message, &verdict, &options);
    worker->ua.lines[writer.used] = '\0';
    reply_stateless(worker, work, (struct reply){verdict.status, verdict.reason, worker->ua.lines});
    return true;
}

static void refuse_unserved(struct worker *worker, struct work *work)
{
    count(worker, COUNTER_UA_UNSERVED);
    reply_stateless(worker, work, (struct reply){503, "Service Unavailable", "Retry-After: 5\r\n"});
}

// RFC 4028 section 9: an interval that is too short.
static bool is_session_refused(struct worker *worker, struct work *work, uint16_t application)
{
    uint8_t method = work->message->method;
    if (method != METHOD_INVITE && method != METHOD_UPDATE)
        return false;
    const struct session_answer answer = ua_session_answer(worker, application, work->message);
    struct writer writer;
    if (answer.status == 0)
        return false;
    writer_init(&writer, worker->ua.lines, sizeof(worker->ua.lines) - 1);
    ua_session_write(&writer, &answer);
    worker->ua.lines[writer.used] = '\0';
    reply_stateless(worker, work, (struct reply){answer.status, NULL, worker->ua.lines});
    return true;
}

// The server transaction of a request that control answers, or we by it. INDEX_NONE: no room.
static uint32_t begin_server(struct worker *worker, struct work *work, uint16_t application)
{
    bool invite = work->message->method == METHOD_INVITE;
    uint32_t server =
        transaction_create(&worker->transactions, invite ? TRANSACTION_INVITE_SERVER : TRANSACTION_SERVER,
                           work->server_key, worker->now);
    if (server == INDEX_NONE) {
        count(worker, COUNTER_TRANSACTION_FULL);
        return INDEX_NONE;
    }
    struct transaction *transaction = transaction_at(&worker->transactions, server);
    transaction->method = work->message->method;
    transaction->remote = work->reply_to;
    transaction->peer = work->packet->peer;
    transaction->member = NUMBER_NONE;
    transaction->received_us = (uint32_t)worker->now_us;
    transaction->ua = true;
    transaction->dialog = work->dialog;
    if (work->dialog != INDEX_NONE)
        transaction->dialog_generation = dialog_at(&worker->dialogs, work->dialog)->generation;
    if (ua_request_keep(worker, server, work, application) != 0) {
        transaction_release(&worker->transactions, server);
        return INDEX_NONE;
    }
    // An application that never answers: the requester has given up by then (timers B, F; an INVITE's 1xx
    // keeps it longer).
    tick_t wait = invite ? worker->dialogs.life.early : 64 * worker->transactions.timers.t1;
    transaction_end_at(&worker->transactions, server, worker->now + wait);
    count(worker, invite ? COUNTER_TRANSACTION_IST : COUNTER_TRANSACTION_NIST);
    return server;
}

static bool tell_asked(struct worker *worker, const struct work *work, struct ua_told told, uint32_t server)
{
    told.transaction = ua_transaction_handle(worker, server);
    told.message = work->message;
    told.source = work->packet->source;
    return ua_tell(worker, &told);
}

// --- outside dialogs ---

static struct ua_told told_outside(const struct work *work, enum channel_ua_kind kind, uint16_t application)
{
    return (struct ua_told){.kind = kind,
                            .call = work->packet->call_hash,
                            .application = application,
                            .peer = work->packet->peer,
                            .called = true};
}

// The record, its usage, and each other's names. False: no room, and nothing is left.
static bool begin_call(struct worker *worker, struct work *work, uint16_t application, uint32_t server)
{
    const struct message *message = work->message;
    const struct route_target target = {
        .to = {.listener = work->packet->source.listener}, .peer = application, .member = NUMBER_NONE};
    uint32_t usage = usage_create(&worker->ua.usages, USAGE_SERVER, message->cseq_number, worker->now);
    if (usage == INDEX_NONE) {
        count(worker, COUNTER_UA_FULL);
        return false;
    }
    work->dialog = dialog_begin(worker, work, &target, server);
    if (work->dialog == INDEX_NONE) {
        usage_release(&worker->ua.usages, usage);
        return false;
    }
    ua_tie(worker, work->dialog, usage);
    struct usage *record = usage_at(&worker->ua.usages, usage);
    struct transaction *transaction = transaction_at(&worker->transactions, server);
    record->invite = server;
    record->invite_generation = transaction->generation;
    transaction->dialog = work->dialog;
    transaction->dialog_generation = dialog_at(&worker->dialogs, work->dialog)->generation;
    if (ua_has_description(message))
        (void)usage_description(&worker->ua.usages, usage, OFFER_IN_INVITE, false);
    return true;
}

// As if the INVITE had not come: it is refused for the time being.
static void forget_call(struct worker *worker, struct work *work, uint32_t server)
{
    if (work->dialog != INDEX_NONE) {
        usage_release(&worker->ua.usages, ua_usage_awake(worker, work->dialog));
        dialog_apply_end(worker, work->dialog, DIALOG_ON_REFUSED, &(struct call_end){.unrecorded = true});
        work->dialog = INDEX_NONE;
    }
    transaction_release(&worker->transactions, server);
    refuse_unserved(worker, work);
}

static void take_call(struct worker *worker, struct work *work, uint16_t application, uint32_t server)
{
    const struct call_parties call = {work->packet->peer, application, NUMBER_NONE};
    struct refusal refusal;
    char line[48];
    struct writer writer;
    if (!calls_take(worker, &call, &refusal)) {
        count(worker, refusal.counter);
        count_word(&worker->parts.peers[call.from].refused_in_total, 1);
        count_word(&worker->parts.peers[application].refused_out_total, 1);
        transaction_release(&worker->transactions, server);
        writer_init(&writer, line, sizeof(line) - 1);
        write_text(&writer, "Retry-After: ");
        write_number(&writer, refusal.retry_after_s);
        write_text(&writer, "\r\n");
        line[writer.used] = '\0';
        reply_stateless(worker, work,
                        (struct reply){refusal.status, NULL, refusal.retry_after_s != 0 ? line : NULL});
        return;
    }
    if (!begin_call(worker, work, application, server)) {
        calls_untake(worker, &call);
        forget_call(worker, work, server);
        return;
    }
    if (!tell_asked(worker, work, ua_told_of(worker, CHANNEL_UA_CALL, work->dialog), server)) {
        forget_call(worker, work, server);
        return;
    }
    count_word(&worker->parts.peers[call.from].calls_in_total, 1);
    count_word(&worker->parts.peers[application].calls_out_total, 1);
    reply_trying(worker, work, server);
    settle(work, COUNTER_OUT_APPLICATION);
}

// RFC 3261 8.2.2.2: the same request over another path.
static bool is_merged(struct worker *worker, struct work *work, const struct merged_request *merged)
{
    if (!merged_is(&worker->ua.merged, &worker->transactions, merged))
        return false;
    reply_stateless(worker, work, (struct reply){482, "Loop Detected", NULL});
    return true;
}

static void take_outside(struct worker *worker, struct work *work, uint16_t application)
{
    const struct message *message = work->message;
    const struct merged_request merged = {.key = work->server_key,
                                          .call_id = string_of(message, message->call_id),
                                          .from_tag = string_of(message, message->from_tag),
                                          .to_tag = string_of(message, message->to_tag),
                                          .cseq = message->cseq_number,
                                          .method = message->method};
    if (!ua_is_heard(worker)) {
        refuse_unserved(worker, work);
        return;
    }
    if (is_judged(worker, work, application) || is_session_refused(worker, work, application) ||
        (message->to_tag.length == 0 && is_merged(worker, work, &merged)))
        return;
    uint32_t server = begin_server(worker, work, application);
    if (server == INDEX_NONE) {
        refuse_unserved(worker, work);
        return;
    }
    if (message->to_tag.length == 0)
        (void)merged_note(&worker->ua.merged, &worker->transactions, server, &merged);
    if (message->method == METHOD_INVITE) {
        take_call(worker, work, application, server);
        return;
    }
    if (tell_asked(worker, work, told_outside(work, CHANNEL_UA_ASKED, application), server)) {
        settle(work, COUNTER_OUT_APPLICATION);
        return;
    }
    transaction_release(&worker->transactions, server);
    refuse_unserved(worker, work);
}

void ua_take_new(struct worker *worker, struct work *work, uint16_t application)
{
    work->dialog = INDEX_NONE;
    take_outside(worker, work, application);
}

bool ua_is_stray(const struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    struct cookie_octets tag = octets_of(message, message->to_tag);
    uint16_t application;
    if (worker->ua.usages.capacity == 0 || tag.length < UA_TAG_LENGTH)
        return false;
    tag.length = UA_TAG_LENGTH;
    if (!ua_tag_read(&worker->parts.keys, tag, octets_of(message, message->call_id), &application) ||
        !rules_is_application(worker->rules, application))
        return false;
    work->to_peer = application;
    return true;
}

// RFC 5057 section 5: subscriptions outlive the call that they were made in, and some never had one.
void ua_take_stray(struct worker *worker, struct work *work)
{
    uint8_t method = work->message->method;
    if (method == METHOD_NOTIFY || method == METHOD_SUBSCRIBE)
        take_outside(worker, work, work->to_peer);
    else if (method == METHOD_ACK)
        settle(work, COUNTER_DROP_STRAY_ACK);
    else
        reply_stateless(worker, work, (struct reply){481, "Call/Transaction Does Not Exist", NULL});
}

// --- inside dialogs ---

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
        (void)tell_asked(worker, work, told, INDEX_NONE);
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
    ua_refuse(worker, server,
              &(struct ua_refusal){.status = verdict->status, .headers = {line, writer.used}});
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
    struct rendered rendered;
    bool bye = work->message->method == METHOD_BYE;
    struct ua_told told = ua_told_of(worker, CHANNEL_UA_ASKED, work->dialog);
    told.status = 200;
    (void)tell_asked(worker, work, told, INDEX_NONE);
    if (ua_response_write(worker, server, &(struct ua_response){.status = 200}, &rendered) == 0)
        (void)ua_response_send(worker, server, 200, &rendered);
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
    ua_refuse(worker, server, &(struct ua_refusal){.status = 503, .headers = {later, sizeof(later) - 1}});
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
    if (!tell_asked(worker, work, ua_told_of(worker, CHANNEL_UA_ASKED, work->dialog), server)) {
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
        refuse_unserved(worker, work); // no room
        return;
    }
    uint32_t server = begin_server(worker, work, application);
    if (server == INDEX_NONE) {
        refuse_unserved(worker, work);
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
    else if (!is_judged(worker, work, application) && !is_session_refused(worker, work, application))
        take_request(worker, work, application);
}

// --- the ends of what waits ---

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

void ua_unanswered(struct worker *worker, uint32_t server)
{
    uint32_t usage, dialog = dialog_of_invite(worker, server, &usage);
    if (dialog != INDEX_NONE)
        (void)ua_step(worker, &(struct ua_step){.dialog = dialog,
                                                .event = USAGE_ON_SEND_FAILURE,
                                                .reason = CHANNEL_REASON_TIMEOUT,
                                                .status = 408});
}
