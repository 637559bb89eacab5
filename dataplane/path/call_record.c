// SPDX-License-Identifier: BSD-3-Clause
#include "call_record.h"
#include "call_ring.h"
#include "reason.h"
#include "uri.h"
#include "worker_core.h"

bool call_record_wanted(const struct worker *worker)
{
    return worker->parts.calls != NULL && (worker->rules->settings->flags & SETTINGS_RECORDS) != 0;
}

// Whoever is refused ten thousand times a second is not to take the place of calls that ended.
#define REFUSALS_RESERVE (CALL_RING_OCTETS / 2)

static void put(struct worker *worker, struct channel_record *record, const struct call_text *texts,
                uint32_t reserve)
{
    bool kept = call_ring_put(worker->parts.calls, record, texts, reserve);
    count(worker, kept ? COUNTER_RECORD_MADE : COUNTER_RECORD_LOST);
}

static uint32_t after_ms(tick_t from, tick_t to)
{
    return (uint32_t)RTE_MIN((uint64_t)(tick_t)(to - from) * TICK_MS, (uint64_t)CHANNEL_RECORD_NEVER - 1);
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

static void take_times(const struct worker *worker, uint32_t index, struct channel_record *record)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    tick_t created = dialog_cold(&worker->dialogs, index)->created;
    uint16_t ring = dialog_ring(&worker->dialogs, index);
    uint64_t now_ms = worker->now_us / 1000;
    uint64_t age_ms = (uint64_t)(tick_t)(worker->now - created) * TICK_MS + now_ms % TICK_MS;
    record->start_ms = now_ms - RTE_MIN(age_ms, now_ms);
    record->ring_ms = ring == DIALOG_RING_NONE ? CHANNEL_RECORD_NEVER : ring * TICK_MS;
    record->answer_ms =
        dialog->row == DIALOG_ROW_CONFIRMED ? after_ms(created, dialog->since) : CHANNEL_RECORD_NEVER;
    record->end_ms = (uint32_t)RTE_MIN(age_ms, (uint64_t)CHANNEL_RECORD_NEVER - 1);
    if ((int32_t)(created - worker->began) < 0)
        record->flags |= CHANNEL_RECORD_RESTARTED;
}

void call_record_end(struct worker *worker, uint32_t index, enum dialog_event event,
                     const struct call_end *end)
{
    static const enum dialog_text which[CHANNEL_RECORD_TEXTS] = {DIALOG_TEXT_CALL_ID, DIALOG_TEXT_CALLER_FROM,
                                                                 DIALOG_TEXT_CALLEE_TO};
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    struct event_end by = end_of_event(event);
    bool answered = dialog->row == DIALOG_ROW_CONFIRMED;
    struct channel_record record = {
        .caller_peer = dialog->caller_peer,
        .callee_peer = dialog->callee_peer,
        .callee_member = dialog->callee_member,
        .status = answered ? 200 : end->status,
        .cause = end->cause,
        .sip_cause = end->sip_cause,
        .ender = end->known ? end->ender : by.ender,
        .reason = end->known ? end->reason : by.reason,
        .flags = dialog->flags & DIALOG_FLAG_RESUMED ? CHANNEL_RECORD_RESUMED : 0,
    };
    if (end->unrecorded)
        return;
    take_times(worker, index, &record);
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
    uint8_t flags = worker->transactions.records[server].flags;
    if (flags & TRANSACTION_FLAG_TIMER_C)
        return (struct call_end){true, CHANNEL_ENDER_TIMEOUT, CHANNEL_REASON_TIMEOUT, .status = 408};
    if (flags & TRANSACTION_FLAG_OPERATOR)
        return (struct call_end){true, CHANNEL_ENDER_OPERATOR, CHANNEL_REASON_OPERATOR, .status = 480};
    if (flags & TRANSACTION_FLAG_CANCELLED)
        return (struct call_end){true, CHANNEL_ENDER_CALLER, CHANNEL_REASON_CANCEL, .status = status};
    return (struct call_end){true, CHANNEL_ENDER_CALLEE, CHANNEL_REASON_REFUSED, .status = status};
}

struct call_end call_end_of_bye(const struct worker *worker, const struct message *bye, enum dialog_side side)
{
    struct call_end end = {true, side == DIALOG_CALLER ? CHANNEL_ENDER_CALLER : CHANNEL_ENDER_CALLEE,
                           CHANNEL_REASON_BYE, .status = 487};
    if (!call_record_wanted(worker))
        return end;
    uint8_t field = message_first_header(bye, HEADER_REASON);
    struct reason reason;
    uint32_t at = 0;
    // RFC 3326 section 2: one value a protocol; the first that we know.
    while (field != MESSAGE_NO_HEADER &&
           reason_next(bye->octets, bye->headers[field].value, &at, &reason) == 1) {
        bool sip = span_is(bye->octets, reason.protocol, "SIP");
        if (!reason.has_cause || reason.cause > UINT16_MAX ||
            (!sip && !span_is(bye->octets, reason.protocol, "Q.850")))
            continue;
        end.cause = (uint16_t)reason.cause;
        end.sip_cause = sip;
        break;
    }
    return end;
}
