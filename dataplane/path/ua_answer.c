// SPDX-License-Identifier: BSD-3-Clause
// What becomes of requests of applications other than INVITE: their final responses, or none (RFC
// 3261 8.1.3, 12.2.1.2, 15.1.1; RFC 3262 section 4, RFC 3311 5.1, RFC 5057). Those of INVITEs are
// ua_answer_invite.c's.
#include "ua_answer.h"

#include "dialog_track.h"
#include "random.h"
#include "retry_after.h"
#include "session_expires.h"
#include "ua_send.h"
#include "ua_tag.h"

// A reload may have taken the application away.
static void of_application(const struct worker *worker, const struct ua_end_of *end, struct ua_told *told)
{
    const struct message *request = end->message;
    told->peer = worker->transactions.records[end->client].peer;
    told->application = NUMBER_NONE;
    if (request != NULL)
        (void)ua_tag_read(&worker->parts.keys, octets_of(request, request->from_tag),
                          octets_of(request, request->call_id), &told->application);
}

struct ua_told ua_told_of_answer(struct worker *worker, const struct ua_end_of *end)
{
    struct ua_told told = {.kind = CHANNEL_UA_ANSWERED};
    if (end->dialog != INDEX_NONE)
        told = ua_told_of(worker, CHANNEL_UA_ANSWERED, end->dialog);
    else
        of_application(worker, end, &told);
    told.tag = worker->ua.tags[end->client];
    told.transaction = 0;
    told.status = end->status;
    told.message = end->is_received ? end->message : NULL;
    told.source = end->source;
    return told;
}

uint32_t ua_dialog_of_client(const struct worker *worker, uint32_t client)
{
    const struct transaction *transaction = &worker->transactions.records[client];
    bool live =
        transaction->dialog != INDEX_NONE &&
        dialog_at(&worker->dialogs, transaction->dialog)->generation == transaction->dialog_generation &&
        dialog_state(&worker->dialogs, transaction->dialog) != DIALOG_FREE;
    return live ? transaction->dialog : INDEX_NONE;
}

void ua_back_off(struct worker *worker, uint32_t usage, const struct ua_end_of *end)
{
    struct retry_after retry;
    uint8_t field = end->is_received ? end->message->first[HEADER_RETRY_AFTER] : MESSAGE_NO_HEADER;
    if (end->status == 491) {
        usage_back_off(&worker->ua.usages, usage, (uint32_t)random_word(worker), worker->now);
    } else if (field != MESSAGE_NO_HEADER && (end->status == 500 || end->status == 503) &&
               retry_after_read(end->message->octets, end->message->headers[field].value, &retry) == 0) {
        // Longer than a day is as good as never.
        uint32_t delay_s = RTE_MIN(retry.delay_s, SESSION_CEILING_S);
        usage_retry_at(&worker->ua.usages, usage, worker->now + delay_s * (1000 / TICK_MS) + 1);
    }
}

// The request, parsed again in worker->kept.
static bool kept_request(struct worker *worker, uint32_t client)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, client);
    return transaction->kept != ARENA_NONE &&
           message_parse(arena_at(&worker->arena, transaction->kept), transaction->kept_length,
                         &worker->kept) == MESSAGE_FINE;
}

void ua_agree(struct worker *worker, uint32_t dialog, const struct ua_end_of *end)
{
    const struct message *answer = end->message, *request = &worker->kept;
    struct session_expires expires = {0}, wanted = {0};
    enum dialog_side ours;
    if (!kept_request(worker, end->client) || !ua_side(worker, dialog, &ours))
        return;
    uint8_t field = message_first_header(request, HEADER_SESSION_EXPIRES);
    if (field != MESSAGE_NO_HEADER)
        (void)session_expires_read(request->octets, request->headers[field].value, &wanted);
    field = message_first_header(answer, HEADER_SESSION_EXPIRES);
    if (field != MESSAGE_NO_HEADER)
        (void)session_expires_read(answer->octets, answer->headers[field].value, &expires);
    const struct session_request asked = {.interval_s = wanted.interval_s, .supported = true};
    const struct session_terms answered = {expires.interval_s, (uint8_t)expires.refresher};
    ua_session(worker, dialog, session_agree(&asked, answered), true);
    // Our own target is what the far end has now.
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    struct dialog_string contact = track_contact(request);
    texts[ours == DIALOG_CALLER ? DIALOG_TEXT_CALLER_TARGET : DIALOG_TEXT_CALLEE_TARGET] = contact;
    if (contact.length > 0 &&
        dialog_change(&worker->dialogs, dialog, &(struct dialog_change){.texts = texts}) != 0)
        count(worker, COUNTER_DIALOG_FULL);
}

static void update_ended(struct worker *worker, uint32_t usage, const struct ua_end_of *end)
{
    struct usages *usages = &worker->ua.usages;
    bool fine = end->status / 100 == 2;
    if (fine && ua_has_description(end->message))
        (void)usage_description(usages, usage, OFFER_IN_UPDATE_2XX, false);
    usage_update_done(usages, usage, true);
    if (!fine) {
        ua_back_off(worker, usage, end);
        return;
    }
    ua_target(worker, end->dialog, end->message);
    ua_agree(worker, end->dialog, end);
}

static void prack_ended(struct worker *worker, uint32_t usage, const struct ua_end_of *end)
{
    if (end->status / 100 != 2)
        offer_failed(&usage_at(&worker->ua.usages, usage)->offer, OFFER_IN_PRACK);
    else if (ua_has_description(end->message))
        (void)usage_description(&worker->ua.usages, usage, OFFER_IN_PRACK_2XX, false);
}

// 15.1.1: whatever answers it ends the call, but a challenge that somebody can meet.
static void bye_ended(struct worker *worker, const struct ua_end_of *end, bool told)
{
    bool challenged = (end->status == 401 || end->status == 407) && told;
    const struct ua_step step = {.dialog = end->dialog,
                                 .event = challenged ? USAGE_ON_BYE_CHALLENGED : USAGE_ON_BYE_DONE,
                                 .status = end->status};
    (void)ua_step(worker, &step);
}

static void other_ended(struct worker *worker, const struct ua_end_of *end)
{
    const struct transaction *client = transaction_at(&worker->transactions, end->client);
    uint8_t method = client->method;
    struct ua_told told = ua_told_of_answer(worker, end);
    bool challenged = method == METHOD_BYE && (end->status == 401 || end->status == 407);
    // What nobody asked for (PRACK, BYE of ours) nobody waits for; a BYE that may come with credentials is.
    bool awaited = told.tag != 0 && !(client->flags & TRANSACTION_FLAG_OPERATOR);
    bool heard = (awaited || challenged) && ua_tell(worker, &told);
    uint32_t dialog = end->dialog;
    if (dialog == INDEX_NONE)
        return;
    if (method == METHOD_BYE) {
        bye_ended(worker, end, heard);
        return;
    }
    uint32_t generation = dialog_at(&worker->dialogs, dialog)->generation;
    uint32_t usage = ua_usage_awake(worker, dialog);
    if (usage != INDEX_NONE && method == METHOD_UPDATE)
        update_ended(worker, usage, end);
    else if (usage != INDEX_NONE && method == METHOD_PRACK)
        prack_ended(worker, usage, end);
    if (track_ends_call(method, end->is_received ? end->status : 0))
        (void)ua_step(worker, &(struct ua_step){.dialog = dialog,
                                                .event = USAGE_ON_GONE,
                                                .reason = CHANNEL_REASON_GONE,
                                                .status = end->status});
    if (dialog_at(&worker->dialogs, dialog)->generation == generation)
        ua_rest(worker, dialog);
}

void ua_answer(struct worker *worker, struct work *work, unsigned actions)
{
    const struct transaction *client = transaction_at(&worker->transactions, work->client);
    const struct ua_end_of end = {.client = work->client,
                                  .dialog = ua_dialog_of_client(worker, work->client),
                                  .status = work->message->status,
                                  .message = work->message,
                                  .is_received = true,
                                  .call_hash = work->packet->call_hash,
                                  .source = work->packet->source};
    if (!(actions & TRANSACTION_DO_DELIVER))
        return;
    if (client->method == METHOD_INVITE)
        ua_answer_invite(worker, &end);
    else if (end.status >= 200) // RFC 4320 4.1: what comes before says nothing
        other_ended(worker, &end);
}

void ua_answer_none(struct worker *worker, uint32_t client, uint16_t status)
{
    const struct transaction *transaction = transaction_at(&worker->transactions, client);
    uint16_t member = transaction->member;
    count(worker, COUNTER_TRANSACTION_TIMEOUT);
    if (member != NUMBER_NONE) {
        count_word(&worker->parts.members[member].timeouts_total, 1);
        member_silent(&worker->view, member, transaction->started);
    }
    bool kept = kept_request(worker, client);
    struct message *request = &worker->kept;
    const struct ua_end_of end = {.client = client,
                                  .dialog = ua_dialog_of_client(worker, client),
                                  .status = status,
                                  .message = kept ? request : NULL,
                                  .call_hash = kept ? siphash13(&worker->parts.keys.table,
                                                                message_at(request, request->call_id),
                                                                request->call_id.length)
                                                    : 0,
                                  .source = transaction->remote};
    if (!kept)
        return;
    if (transaction->method == METHOD_INVITE)
        ua_answer_invite(worker, &end);
    else
        other_ended(worker, &end);
}
