// SPDX-License-Identifier: BSD-3-Clause
#include "call_record.h"
#include "call_ring.h"
#include "reason.h"
#include "uri.h"
#include "ua.h"

bool call_record_wanted(const struct worker *worker)
{
    return worker->parts.calls != NULL && (worker->rules->settings->flags & SETTINGS_RECORDS) != 0;
}

uint8_t call_record_ms(const struct worker *worker)
{
    return (uint8_t)(worker->now_us / 1000 % TICK_MS);
}

// It goes on, or nobody knows yet what it was.
static bool is_open(uint8_t row)
{
    return (row >= DIALOG_ROW_NONE && row <= DIALOG_ROW_CONFIRMED) || row == DIALOG_ROW_TERMINATING_EARLY ||
           row == DIALOG_ROW_TERMINATING_CANCELLED;
}

bool call_record_is_due(const struct worker *worker, uint32_t index, enum dialog_event event)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    if (!call_record_wanted(worker) || !(dialog->flags & DIALOG_FLAG_COUNTED) || !is_open(dialog->row))
        return false;
    uint8_t next = event == DIALOG_EVENTS ? DIALOG_ROW_TERMINATED : dialog_fsm[dialog->row][event].next;
    return next != DIALOG_ROW_FREE && !is_open(next);
}

// Whoever is refused ten thousand times a second is not to take the place of calls that ended.
#define REFUSALS_RESERVE (CALL_RING_OCTETS / 2)

static void put(struct worker *worker, struct channel_record *record, const struct call_text *texts,
                uint32_t reserve)
{
    bool kept = call_ring_put(worker->parts.calls, record, texts, reserve);
    count(worker, kept ? COUNTER_RECORD_MADE : COUNTER_RECORD_LOST);
}

struct event_end {
    uint8_t ender;
    uint8_t reason;
};

// What an event means where nobody said more. A BYE, a refusal and a challenge always come with more.
static struct event_end end_of_event(enum dialog_event event)
{
    switch (event) {
    case DIALOG_ON_OPERATOR_END:
    case DIALOG_ON_END_UNACKED:
        return (struct event_end){CHANNEL_ENDER_OPERATOR, CHANNEL_REASON_OPERATOR};
    case DIALOG_ON_GONE:
        return (struct event_end){CHANNEL_ENDER_TIMEOUT, CHANNEL_REASON_GONE};
    case DIALOG_ON_NO_ACK:
        return (struct event_end){CHANNEL_ENDER_TIMEOUT, CHANNEL_REASON_NO_ACK};
    case DIALOG_ON_SESSION_END:
        return (struct event_end){CHANNEL_ENDER_TIMEOUT, CHANNEL_REASON_SESSION_END};
    case DIALOG_ON_DEAD:
        return (struct event_end){CHANNEL_ENDER_TIMEOUT, CHANNEL_REASON_DEAD};
    case DIALOG_ON_REFUSED:
        return (struct event_end){CHANNEL_ENDER_CALLEE, CHANNEL_REASON_REFUSED};
    case DIALOG_ON_BYE_DONE:
        return (struct event_end){CHANNEL_ENDER_TIMEOUT, CHANNEL_REASON_BYE_DONE};
    case DIALOG_EVENTS:
        return (struct event_end){CHANNEL_ENDER_PROXY, CHANNEL_REASON_NO_ROOM};
    default:
        return (struct event_end){CHANNEL_ENDER_TIMEOUT, CHANNEL_REASON_TIMEOUT};
    }
}

// Milliseconds from the INVITE to another moment.
static uint32_t after_ms(const struct dialog_cold *cold, tick_t to, unsigned ms)
{
    uint64_t after = (uint64_t)(tick_t)(to - cold->created) * TICK_MS + ms;
    after -= RTE_MIN(after, (uint64_t)dialog_created_ms(cold));
    return (uint32_t)RTE_MIN(after, (uint64_t)CHANNEL_RECORD_NEVER - 1);
}

// What was noted without its milliseconds comes no earlier than what was before it.
static void take_times(const struct worker *worker, uint32_t index, bool crossed,
                       struct channel_record *record)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    const struct dialog_cold *cold = dialog_cold(&worker->dialogs, index);
    uint64_t now_ms = worker->now_us / 1000;
    record->end_ms = after_ms(cold, worker->now, call_record_ms(worker));
    record->start_ms = now_ms - RTE_MIN((uint64_t)record->end_ms, now_ms);
    record->ring_ms = dialog_ring_ms(&worker->dialogs, index);
    record->answer_ms = CHANNEL_RECORD_NEVER;
    if (record->ring_ms != CHANNEL_RECORD_NEVER)
        record->ring_ms = RTE_MIN(record->ring_ms, record->end_ms);
    if (crossed)
        record->answer_ms = record->end_ms;
    else if (dialog->row == DIALOG_ROW_CONFIRMED)
        record->answer_ms = RTE_MIN(after_ms(cold, dialog->since, dialog_answer_ms(cold)), record->end_ms);
    if (record->ring_ms != CHANNEL_RECORD_NEVER && record->answer_ms < record->ring_ms)
        record->answer_ms = record->ring_ms;
    if ((int32_t)(cold->created - worker->began) < 0)
        record->flags |= CHANNEL_RECORD_RESTARTED;
}

// The server transaction of the INVITE while it lives, NULL.
static struct transaction *invite_of(struct worker *worker, const struct dialog *dialog)
{
    if (dialog->invite & UA_INVITE) // INDEX_NONE too
        return NULL;
    struct transaction *server = &worker->transactions.records[dialog->invite];
    return (uint16_t)server->generation == dialog->invite_generation ? server : NULL;
}

// Of a call that was being ended before it was answered: who began that.
static struct call_end end_of_unanswered(struct worker *worker, const struct dialog *dialog)
{
    const struct transaction *server = invite_of(worker, dialog);
    if (dialog->row == DIALOG_ROW_TERMINATING_EARLY) {
        struct call_end end = {true, CHANNEL_ENDER_CALLER, CHANNEL_REASON_BYE, .status = 487};
        if (server != NULL)
            end.cause = (struct call_cause){server->cause, server->sip_cause};
        return end;
    }
    if (dialog->invite != INDEX_NONE && (dialog->invite & UA_INVITE)) // an application's own INVITE
        return (struct call_end){true, CHANNEL_ENDER_CALLER, CHANNEL_REASON_CANCEL, .status = 487};
    if (server != NULL && (server->flags & TRANSACTION_FLAG_TIMER_C))
        return (struct call_end){true, CHANNEL_ENDER_TIMEOUT, CHANNEL_REASON_TIMEOUT, .status = 408};
    return (struct call_end){true, CHANNEL_ENDER_OPERATOR, CHANNEL_REASON_OPERATOR, .status = 480};
}

void call_record_end(struct worker *worker, uint32_t index, enum dialog_event event,
                     const struct call_end *given)
{
    static const enum dialog_text which[CHANNEL_RECORD_TEXTS] = {DIALOG_TEXT_CALL_ID, DIALOG_TEXT_CALLER_FROM,
                                                                 DIALOG_TEXT_CALLEE_TO};
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    struct event_end by = end_of_event(event);
    bool ending = dialog->row > DIALOG_ROW_CONFIRMED, crossed = ending && event == DIALOG_ON_SUCCESS;
    bool answered = crossed || dialog->row == DIALOG_ROW_CONFIRMED;
    const struct call_end end = ending ? end_of_unanswered(worker, dialog) : *given;
    struct channel_record record = {
        .caller_peer = dialog->caller_peer,
        .callee_peer = dialog->callee_peer,
        .callee_member = dialog->callee_member,
        .status = answered ? 200 : end.status,
        .cause = end.cause.number,
        .sip_cause = end.cause.sip,
        .ender = end.known ? end.ender : by.ender,
        .reason = end.known ? end.reason : by.reason,
        .flags = dialog->flags & DIALOG_FLAG_RESUMED ? CHANNEL_RECORD_RESUMED : 0,
    };
    if (end.unrecorded)
        return;
    take_times(worker, index, crossed, &record);
    struct call_text texts[CHANNEL_RECORD_TEXTS];
    uint32_t used = 0;
    for (unsigned i = 0; i < CHANNEL_RECORD_TEXTS; i++) {
        uint8_t *out = worker->call_texts + used;
        uint32_t room = (uint32_t)sizeof(worker->call_texts) - used;
        uint32_t length = dialog_text(&worker->dialogs, index, which[i], out, room);
        texts[i] = (struct call_text){out, length > room ? 0 : length};
        record.flags |= length > room ? CHANNEL_RECORD_CUT : 0;
        used += texts[i].length;
    }
    put(worker, &record, texts, 0);
}

// Direct-mapped: an INVITE that another one's key has taken the place of is recorded again, should its repeat
// come. Keys are keyed hashes: nobody can choose them.
static bool is_repeat(struct worker *worker, uint64_t key)
{
    uint64_t *place = &worker->refused_keys[key % CALL_REFUSED_KEYS];
    if (*place == key)
        return true;
    *place = key;
    return false;
}

void call_record_refused(struct worker *worker, const struct work *work, uint16_t status)
{
    const struct message *message = work->message;
    if (!message->is_request || message->method != METHOD_INVITE || message->to_tag.length > 0 ||
        status < 300 || is_repeat(worker, work->server_key))
        return;
    struct channel_record record = {.start_ms = worker->now_us / 1000,
                                    .ring_ms = CHANNEL_RECORD_NEVER,
                                    .answer_ms = CHANNEL_RECORD_NEVER,
                                    .caller_peer = work->packet->peer,
                                    .callee_peer = NUMBER_NONE,
                                    .callee_member = NUMBER_NONE,
                                    .status = status,
                                    .ender = CHANNEL_ENDER_PROXY,
                                    .reason = CHANNEL_REASON_REFUSED};
    const struct span spans[CHANNEL_RECORD_TEXTS] = {message->call_id, message->from, message->to};
    struct call_text texts[CHANNEL_RECORD_TEXTS];
    for (unsigned i = 0; i < CHANNEL_RECORD_TEXTS; i++)
        texts[i] = (struct call_text){message_at(message, spans[i]), spans[i].length};
    put(worker, &record, texts, REFUSALS_RESERVE);
}

struct call_end call_end_of_refusal(const struct worker *worker, uint32_t server, uint16_t status)
{
    const struct transaction *invite = &worker->transactions.records[server];
    uint8_t flags = invite->flags;
    if (flags & TRANSACTION_FLAG_TIMER_C)
        return (struct call_end){true, CHANNEL_ENDER_TIMEOUT, CHANNEL_REASON_TIMEOUT, .status = 408};
    if (flags & TRANSACTION_FLAG_OPERATOR)
        return (struct call_end){true, CHANNEL_ENDER_OPERATOR, CHANNEL_REASON_OPERATOR, .status = 480};
    if (flags & TRANSACTION_FLAG_CANCELLED)
        return (struct call_end){true, CHANNEL_ENDER_CALLER, CHANNEL_REASON_CANCEL, .status = status,
                                 .cause = {invite->cause, invite->sip_cause}};
    return (struct call_end){true, CHANNEL_ENDER_CALLEE, CHANNEL_REASON_REFUSED, .status = status};
}

struct call_cause call_cause_of(const struct message *request)
{
    struct reason reason;
    uint32_t at = 0;
    uint8_t field = message_first_header(request, HEADER_REASON);
    // RFC 3326 section 2: one value a protocol; the first that we know.
    while (field != MESSAGE_NO_HEADER &&
           reason_next(request->octets, request->headers[field].value, &at, &reason) == 1) {
        bool sip = span_is(request->octets, reason.protocol, "SIP");
        if (reason.has_cause && reason.cause <= UINT16_MAX &&
            (sip || span_is(request->octets, reason.protocol, "Q.850")))
            return (struct call_cause){(uint16_t)reason.cause, sip};
    }
    return (struct call_cause){0};
}

void call_record_bye(struct worker *worker, uint32_t index, const struct call_end *end)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    struct transaction *server = dialog->row == DIALOG_ROW_EARLY ? invite_of(worker, dialog) : NULL;
    if (server == NULL)
        return;
    server->cause = end->cause.number;
    server->sip_cause = end->cause.sip;
}

struct call_end call_end_of_bye(const struct worker *worker, const struct message *bye, enum dialog_side side)
{
    struct call_end end = {true, side == DIALOG_CALLER ? CHANNEL_ENDER_CALLER : CHANNEL_ENDER_CALLEE,
                           CHANNEL_REASON_BYE, .status = 487};
    if (call_record_wanted(worker))
        end.cause = call_cause_of(bye);
    return end;
}
