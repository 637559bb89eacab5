// SPDX-License-Identifier: BSD-3-Clause
// Matching: repeated requests end here, ACKs and CANCELs find their INVITE, responses find their client
// transaction. A response goes no further unless its branch was made by us.
#include <string.h>
#include "ua.h"

// 9.2, 16.10: CANCEL is answered hop by hop; what it cancels is its INVITE's client transaction. The 200 is
// made without a transaction: a repeated CANCEL gets the same 200 again.
static void match_cancel(struct worker *worker, struct work *work)
{
    uint32_t server = transaction_find_server(&worker->transactions, work->server_key);
    if (server == INDEX_NONE) {
        // 16.10: inside a dialog its INVITE may have gone on without state, and so does the CANCEL, with the
        // same branch. Outside one no INVITE does.
        if (work->message->to_tag.length == 0)
            reply_stateless(worker, work, (struct reply){481, "Call/Transaction Does Not Exist", NULL});
        return;
    }
    struct transaction *invite = transaction_at(&worker->transactions, server);
    char tag[COOKIE_TEXT_MAX];
    if (invite->ua && ua_cancel_tag(worker, server, work->message, tag))
        reply_tagged(worker, work, (struct reply){200, "OK", NULL}, tag);
    else
        reply_stateless(worker, work, (struct reply){200, "OK", NULL});
    if (invite->state != TRANSACTION_PROCEEDING || (invite->flags & TRANSACTION_FLAG_CANCELLED))
        return;
    invite->flags |= TRANSACTION_FLAG_CANCELLED;
    struct call_cause cause = call_cause_of(work->message);
    invite->cause = cause.number;
    invite->sip_cause = cause.sip;
    if (invite->ua) {
        ua_take_cancel(worker, server, work->message);
        return;
    }
    if (invite->dialog != INDEX_NONE &&
        dialog_at(&worker->dialogs, invite->dialog)->generation == invite->dialog_generation)
        dialog_apply(worker, invite->dialog, DIALOG_ON_CANCEL);
    originate_cancel(worker, transaction_other(worker, server));
}

// 17.2.3: without the magic cookie an ACK has to have the To-tag of the response that it is for.
static bool acks_our_response(struct worker *worker, const struct message *ack, uint32_t server)
{
    const struct transaction *invite = transaction_at(&worker->transactions, server);
    if (has_magic_cookie(ack) || invite->state != TRANSACTION_COMPLETED || invite->kept == ARENA_NONE)
        return true;
    struct message *sent = &worker->kept;
    return message_parse(arena_at(&worker->arena, invite->kept), invite->kept_length, sent) != MESSAGE_FINE ||
           (sent->to_tag.length == ack->to_tag.length &&
            memcmp(message_at(sent, sent->to_tag), message_at(ack, ack->to_tag), ack->to_tag.length) == 0);
}

static void match_ack(struct worker *worker, struct work *work)
{
    uint32_t server = transaction_find_server(&worker->transactions, work->server_key);
    if (server == INDEX_NONE || !acks_our_response(worker, work->message, server))
        return;
    unsigned actions = transaction_step(&worker->transactions, server, TRANSACTION_ON_ACK, worker->now);
    if (actions & TRANSACTION_DO_RELEASE)
        transaction_release(&worker->transactions, server);
    // RFC 6026 section 7.1: in Accepted the ACK is for the user, that is, it goes on to the callee.
    if (!(actions & TRANSACTION_DO_DELIVER))
        settle(work, COUNTER_OUT_ABSORBED);
}

static void match_request(struct worker *worker, struct work *work)
{
    uint32_t server = transaction_find_server(&worker->transactions, work->server_key);
    if (server == INDEX_NONE)
        return;
    unsigned actions = transaction_step(&worker->transactions, server, TRANSACTION_ON_REQUEST, worker->now);
    struct transaction *transaction = transaction_at(&worker->transactions, server);
    bool paid = transaction->ua && ua_pay(worker, server);
    if (!paid && (actions & TRANSACTION_DO_RESEND) && transaction->kept != ARENA_NONE) {
        if (tx_copy(worker, arena_at(&worker->arena, transaction->kept), transaction->kept_length,
                    transaction->remote) == 0)
            count(worker, COUNTER_TX_RETRANSMITTED);
    }
    count(worker, COUNTER_TRANSACTION_REPEAT);
    settle(work, COUNTER_OUT_ABSORBED);
}

// The next value of the same line, or the first of the next Via line.
void transaction_upstream(struct work *work)
{
    const struct message *message = work->message;
    uint8_t field = message->first[HEADER_VIA];
    uint32_t at = 0;
    struct via via;
    bool is_alone = message_via_is_alone(message);
    if (!is_alone && via_next(message->octets, message->headers[field].value, &at, &via) != 1)
        return;
    if (is_alone || via_next(message->octets, message->headers[field].value, &at, &work->upstream) != 1) {
        field = message_next_header(message, field);
        at = 0;
        if (field == MESSAGE_NO_HEADER ||
            via_next(message->octets, message->headers[field].value, &at, &work->upstream) != 1)
            return;
    }
    work->has_upstream = endpoint_of_via(message, &work->upstream, &work->upstream_at);
}

// The client transaction that a branch of ours names; for the response to our CANCEL, which has the INVITE's
// branch (9.1), that of the CANCEL.
static uint32_t find_client(const struct worker *worker, const struct work *work,
                            const struct cookie_branch *branch)
{
    const struct message *message = work->message;
    if (branch->worker != worker->parts.id)
        return INDEX_NONE;
    uint64_t key = cookie_branch_key(branch, work->packet->call_hash);
    uint32_t index = transaction_find_client(&worker->transactions, branch->index, branch->generation, key);
    if (index == INDEX_NONE)
        return INDEX_NONE;
    const struct transaction *client = &worker->transactions.records[index];
    if (client->method == message->method)
        return index;
    if (message->method != METHOD_CANCEL || client->method != METHOD_INVITE || client->cancel == INDEX_NONE)
        return INDEX_NONE;
    // The CANCEL's transaction ends before the INVITE's, and another may have its place by then.
    const struct transaction *cancel = &worker->transactions.records[client->cancel];
    bool live = cancel->state != TRANSACTION_FREE && cancel->method == METHOD_CANCEL &&
                cancel->other == index && cancel->other_generation == client->generation;
    return live ? client->cancel : INDEX_NONE;
}

// For a transaction's response, which goes where that says, it is enough that a Via seems to follow ours.
static bool has_via_below(struct work *work)
{
    static const char begin[] = "SIP/2.0/UDP ";
    const struct message *message = work->message;
    uint8_t below = message_next_header(message, message->first[HEADER_VIA]);
    if (message_via_is_alone(message) && below != MESSAGE_NO_HEADER &&
        message->headers[below].value.length > sizeof(begin) - 1) {
        const uint8_t *value = message_at(message, message->headers[below].value);
        uint8_t first = value[sizeof(begin) - 1], letter = first | 0x20;
        if (memcmp(value, begin, sizeof(begin) - 1) == 0 &&
            (first == '[' || (first >= '0' && first <= '9') || (letter >= 'a' && letter <= 'z')))
            return true;
    }
    transaction_upstream(work);
    return work->upstream.whole.length != 0;
}

// Of a response without a client transaction; is_named: its branch has the form of one's.
static void match_upstream(const struct worker *worker, struct work *work, bool is_named)
{
    const struct message *message = work->message;
    const struct cookie_keys *keys = &worker->parts.keys;
    struct cookie_octets text = octets_of(message, message->via.branch);
    struct cookie_branch branch;
    uint32_t loop;
    transaction_upstream(work);
    if (is_named && cookie_branch_read(keys, text, octets_of(message, message->call_id), &branch)) {
        // A 2xx outlives our memory of its INVITE: after a restart, or when a callee answers late, it still
        // goes its way.
        bool late = message->method == METHOD_INVITE && message->status / 100 == 2 && work->has_upstream;
        if (!late)
            settle(work, COUNTER_DROP_STRAY_RESPONSE);
    } else if (!work->has_upstream ||
               !cookie_stateless_read(keys, text, octets_of(message, work->upstream.branch),
                                      &work->upstream_at, &loop)) {
        settle(work, COUNTER_DROP_FORGED_BRANCH);
    }
}

static void match_response(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    // 18.1.2: the topmost sent-by must be ours.
    if (!via_is_ours(worker->rules, message, &message->via)) {
        settle(work, COUNTER_DROP_FORGED_BRANCH);
        return;
    }
    struct cookie_octets text = octets_of(message, message->via.branch);
    struct cookie_branch branch;
    bool is_named = cookie_branch_hint(text, &branch);
    if (is_named)
        work->client = find_client(worker, work, &branch);
    if (work->client == INDEX_NONE)
        match_upstream(worker, work, is_named);
    // 16.7 step 3: without a Via below ours it can only be for what we sent ourselves.
    else if (!has_via_below(work) &&
             !(worker->transactions.records[work->client].flags & TRANSACTION_FLAG_OURS))
        settle(work, COUNTER_DROP_MALFORMED_RESPONSE);
}

void transaction_stage(struct worker *worker, struct work *work)
{
    if (!work->message->is_request)
        match_response(worker, work);
    else if (work->message->method == METHOD_CANCEL)
        match_cancel(worker, work);
    else if (work->message->method == METHOD_ACK)
        match_ack(worker, work);
    else
        match_request(worker, work);
}
