// SPDX-License-Identifier: BSD-3-Clause
// What comes for an application outside of its dialogs. Each request gets a server transaction that keeps it,
// so that its repetitions end there, and control is told.
#include "ua_take.h"
#include "judge.h"
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
bool ua_is_judged(struct worker *worker, struct work *work, uint16_t application)
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

void ua_refuse_unserved(struct worker *worker, struct work *work)
{
    count(worker, COUNTER_UA_UNSERVED);
    reply_stateless(worker, work, (struct reply){503, "Service Unavailable", "Retry-After: 5\r\n"});
}

// RFC 4028 section 9: an interval that is too short.
bool ua_is_session_refused(struct worker *worker, struct work *work, uint16_t application)
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
uint32_t ua_begin_server(struct worker *worker, struct work *work, uint16_t application)
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

bool ua_tell_asked(struct worker *worker, const struct work *work, struct ua_told told, uint32_t server)
{
    told.transaction = ua_transaction_handle(worker, server);
    told.message = work->message;
    told.source = work->packet->source;
    return ua_tell(worker, &told);
}

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
    ua_refuse_unserved(worker, work);
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
    if (!ua_tell_asked(worker, work, ua_told_of(worker, CHANNEL_UA_CALL, work->dialog), server)) {
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
        ua_refuse_unserved(worker, work);
        return;
    }
    if (ua_is_judged(worker, work, application) || ua_is_session_refused(worker, work, application) ||
        (message->to_tag.length == 0 && is_merged(worker, work, &merged)))
        return;
    uint32_t server = ua_begin_server(worker, work, application);
    if (server == INDEX_NONE) {
        ua_refuse_unserved(worker, work);
        return;
    }
    if (message->to_tag.length == 0)
        (void)merged_note(&worker->ua.merged, &worker->transactions, server, &merged);
    if (message->method == METHOD_INVITE) {
        take_call(worker, work, application, server);
        return;
    }
    if (ua_tell_asked(worker, work, told_outside(work, CHANNEL_UA_ASKED, application), server)) {
        settle(work, COUNTER_OUT_APPLICATION);
        return;
    }
    transaction_release(&worker->transactions, server);
    ua_refuse_unserved(worker, work);
}

void ua_take_new(struct worker *worker, struct work *work, uint16_t application)
{
    static const uint32_t inside =
        1u << METHOD_BYE | 1u << METHOD_PRACK | 1u << METHOD_UPDATE | 1u << METHOD_INFO;
    if (inside >> work->message->method & 1) { // 12.2.2: they need a dialog
        reply_stateless(worker, work, (struct reply){481, "Call/Transaction Does Not Exist", NULL});
        return;
    }
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
