// SPDX-License-Identifier: BSD-3-Clause
// What the INVITE that begins a dialog and its responses do to records: begun when it goes out, told apart by
// To-tags, confirmed or refused. The proxy observes; it absorbs nothing here.
#include "dialog_track.h"
#include "failover.h"
#include "route_set.h"
#include "session_expires.h"

// From or To without its header parameters: the tag is kept apart.
static struct span without_parameters(const struct message *message, struct span value)
{
    uint32_t at = 0;
    struct address address;
    if (address_next(message->octets, value, &at, &address) != 1 || address.parameters.length == 0)
        return value;
    uint32_t end = address.parameters.offset - 1u; // the semicolon
    while (end > value.offset && (message->octets[end - 1] == ' ' || message->octets[end - 1] == '\t'))
        end--;
    return (struct span){value.offset, (uint16_t)(end - value.offset)};
}

struct dialog_string track_contact(const struct message *message)
{
    uint8_t field = message->first[HEADER_CONTACT];
    uint32_t at = 0;
    struct address address;
    struct uri uri;
    // It becomes a Request-URI of ours: what is no URI is no target.
    if (field == MESSAGE_NO_HEADER ||
        address_next(message->octets, message->headers[field].value, &at, &address) != 1 ||
        uri_parse(message->octets, address.uri, &uri) != 0)
        return (struct dialog_string){"", 0};
    return string_of(message, address.uri);
}

uint32_t track_begin(struct worker *worker, const struct work *work, struct dialog_birth birth,
                     const struct cookie_route *mine)
{
    const struct message *message = work->message;
    const struct dialog_string none = {"", 0};
    const struct dialog_string texts[DIALOG_TEXT_COUNT] = {
        [DIALOG_TEXT_CALL_ID] = string_of(message, message->call_id),
        [DIALOG_TEXT_CALLER_FROM] = string_of(message, without_parameters(message, message->from)),
        [DIALOG_TEXT_CALLEE_TO] = string_of(message, without_parameters(message, message->to)),
        [DIALOG_TEXT_CALLER_TAG] = string_of(message, message->from_tag),
        [DIALOG_TEXT_CALLEE_TAG] = none,
        [DIALOG_TEXT_CALLER_TARGET] = message->is_request ? track_contact(message) : none,
        [DIALOG_TEXT_CALLEE_TARGET] = none,
        [DIALOG_TEXT_CALLER_ROUTES] = route_set_of_caller(worker, message, mine),
        [DIALOG_TEXT_CALLEE_ROUTES] = none,
    };
    birth.call_hash = work->packet->call_hash;
    birth.texts = texts;
    birth.ms = call_record_ms(worker);
    birth.cseq = message->cseq_number;
    uint32_t index = dialog_create(&worker->dialogs, &birth, worker->now);
    count(worker, index == INDEX_NONE ? COUNTER_DIALOG_FULL : COUNTER_DIALOG_CREATED);
    return index;
}

uint32_t dialog_begin(struct worker *worker, const struct work *work, const struct route_target *target,
                      uint32_t server)
{
    const struct dialog_birth birth = {
        .caller_peer = work->packet->peer,
        .callee_peer = target->peer,
        .callee_member = target->member,
        .counted = true,
        .learnt = {[DIALOG_CALLER] = work->reply_to, [DIALOG_CALLEE] = target->to},
        .invite = server,
        .invite_generation = transaction_at(&worker->transactions, server)->generation};
    return track_begin(worker, work, birth, NULL);
}

// The records that one INVITE made (forks); a spiral's other passage has another INVITE.
static unsigned records_of_invite(struct worker *worker, uint32_t first, uint32_t found[DIALOGS_OF_CALL_MAX])
{
    const struct dialog *of = dialog_at(&worker->dialogs, first);
    unsigned n = dialog_find_call(&worker->dialogs, of->call_hash, (struct dialog_string){NULL, 0}, found,
                                  DIALOGS_OF_CALL_MAX);
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct dialog *dialog = dialog_at(&worker->dialogs, found[i]);
        if (dialog->invite == of->invite && dialog->invite_generation == of->invite_generation)
            found[kept++] = found[i];
    }
    return kept;
}

static bool is_answered(const struct worker *worker, uint32_t index)
{
    uint8_t row = dialog_at(&worker->dialogs, index)->row;
    return row == DIALOG_ROW_CONFIRMED || row == DIALOG_ROW_TERMINATING;
}

// The record of this response's To-tag: the one made for the INVITE takes the first tag, each further one
// gets a copy.
static uint32_t record_of_tag(struct worker *worker, const struct work *work, uint32_t first)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    struct dialogs *dialogs = &worker->dialogs;
    struct dialog_string tag = string_of(work->message, work->message->to_tag);
    bool open = dialog_at(dialogs, first)->callee_tag_hash == 0 && !is_answered(worker, first);
    if (open || dialog_text_is(dialogs, first, DIALOG_TEXT_CALLEE_TAG, tag))
        return first;
    unsigned n = records_of_invite(worker, first, found);
    for (unsigned i = 0; i < n; i++) {
        if (dialog_text_is(dialogs, found[i], DIALOG_TEXT_CALLEE_TAG, tag))
            return found[i];
    }
    uint32_t index = dialog_fork(dialogs, first, worker->now);
    count(worker, index == INDEX_NONE ? COUNTER_DIALOG_FULL : COUNTER_DIALOG_CREATED);
    return index;
}

// 13.2.2.4: 64*T1 after the first 2xx the caller gives up the early dialogs that had none.
static void bound_other_forks(struct worker *worker, uint32_t answered)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    unsigned n = records_of_invite(worker, answered, found);
    tick_t deadline = worker->now + 64 * worker->transactions.timers.t1;
    for (unsigned i = 0; i < n; i++) {
        if (dialog_state(&worker->dialogs, found[i]) == DIALOG_EARLY)
            dialog_end_at(&worker->dialogs, found[i], deadline);
    }
}

void track_session(const struct worker *worker, const struct message *message, enum dialog_side asker,
                   struct dialog_change *change)
{
    uint8_t field = message_first_header(message, HEADER_SESSION_EXPIRES);
    struct session_expires session = {0};
    if (field != MESSAGE_NO_HEADER &&
        session_expires_read(message->octets, message->headers[field].value, &session) != 0)
        return;
    change->session = true;
    if (field == MESSAGE_NO_HEADER)
        return;
    // RFC 4028 section 4: less than 90 seconds is nobody's to ask for.
    uint32_t interval_s = RTE_MIN(RTE_MAX(session.interval_s, SESSION_EXPIRES_MIN_S), (uint32_t)UINT16_MAX);
    change->session_s = (uint16_t)interval_s;
    change->session_refresher = session.refresher == REFRESHER_UAS ? 1 - asker : asker;
    change->session_end = worker->now + interval_s * (1000 / TICK_MS);
}

// What a response to the INVITE that begins a dialog says of it. A 1xx says where its callee is to be found;
// the route set waits for the 2xx, which sets it anew (13.2.2.4): nothing is sent along it before. Returns
// false when it found no room.
static bool keep_answer(struct worker *worker, const struct work *work, uint32_t index,
                        const struct cookie_route *mine)
{
    const struct message *message = work->message;
    bool answered = message->status >= 200, timed = call_record_wanted(worker);
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {
        [DIALOG_TEXT_CALLEE_TAG] = string_of(message, message->to_tag),
        [DIALOG_TEXT_CALLEE_TARGET] = track_contact(message),
    };
    if (texts[DIALOG_TEXT_CALLEE_TARGET].length == 0) // a 1xx may have no Contact
        texts[DIALOG_TEXT_CALLEE_TARGET].octets = NULL;
    if (answered)
        texts[DIALOG_TEXT_CALLEE_ROUTES] = route_set_of_callee(worker, message, mine);
    struct dialog_change change = {.texts = texts,
                                   .early = !answered,
                                   .settles = answered,
                                   .rings = timed && !answered,
                                   .answered = timed && answered,
                                   .now = worker->now,
                                   .now_ms = call_record_ms(worker)};
    if (answered)
        track_session(worker, message, DIALOG_CALLER, &change);
    if (dialog_change(&worker->dialogs, index, &change) == 0)
        return true;
    count(worker, COUNTER_DIALOG_FULL);
    return dialog_texts_are(&worker->dialogs, index, DIALOG_TEXT_COUNT, texts);
}

void track_tag(struct worker *worker, struct work *work, uint32_t first, const struct cookie_route *mine)
{
    const struct message *message = work->message;
    uint32_t index = record_of_tag(worker, work, first);
    if (index == INDEX_NONE)
        return;
    if (work->client != INDEX_NONE)
        failover_follow(worker, work->client, index);
    uint8_t row = dialog_at(&worker->dialogs, index)->row;
    // 13.2.2.4: the 2xx sets the route set anew; then it stands.
    bool kept = row == DIALOG_ROW_CONFIRMED || row == DIALOG_ROW_TERMINATING ||
                row == DIALOG_ROW_TERMINATING_UNACKED || keep_answer(worker, work, index, mine);
    if (!kept && message->status >= 200) {
        dialog_drop(worker, index);
        return;
    }
    // Who answers from another port than it listens at has not moved.
    struct dialog_seen seen = {.side = DIALOG_CALLEE, .source = work->packet->source};
    struct endpoint learnt = dialog_learnt(dialog_cold(&worker->dialogs, index), DIALOG_CALLEE);
    if (ip_equal(&seen.source.address, &learnt.address))
        seen.source = (struct endpoint){0};
    dialog_see(&worker->dialogs, index, &seen);
    unsigned actions =
        dialog_apply(worker, index, message->status < 200 ? DIALOG_ON_PROVISIONAL : DIALOG_ON_SUCCESS);
    if (actions & DIALOG_DO_CONFIRM)
        bound_other_forks(worker, index);
}

void track_refusal(struct worker *worker, uint32_t first, const struct call_end *end)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    unsigned n = records_of_invite(worker, first, found);
    for (unsigned i = 0; i < n; i++) {
        if (dialog_state(&worker->dialogs, found[i]) != DIALOG_CONFIRMED)
            dialog_apply_end(worker, found[i], DIALOG_ON_REFUSED, end);
    }
}

bool track_began_with(const struct worker *worker, uint32_t dialog, uint32_t server)
{
    const struct dialog *record = dialog_at(&worker->dialogs, dialog);
    return record->invite == server &&
           record->invite_generation == (uint16_t)worker->transactions.records[server].generation;
}

void dialog_refused(struct worker *worker, uint32_t server, uint16_t status)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, server);
    uint32_t dialog = transaction->dialog;
    if (dialog == INDEX_NONE ||
        dialog_at(&worker->dialogs, dialog)->generation != transaction->dialog_generation)
        return;
    struct call_end end = call_end_of_refusal(worker, server, status);
    if (end.ender == CHANNEL_ENDER_CALLEE && status == 408) {
        end.ender = CHANNEL_ENDER_TIMEOUT;
        end.reason = CHANNEL_REASON_TIMEOUT;
    }
    if (track_began_with(worker, dialog, server))
        track_refusal(worker, dialog, &end);
    else if (!(transaction->flags & TRANSACTION_FLAG_CANCELLED)) // 12.2.1.2: a 408 ends the dialog
        dialog_apply(worker, dialog, DIALOG_ON_GONE);
}
