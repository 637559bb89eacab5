// SPDX-License-Identifier: BSD-3-Clause
// Responses on their way back (RFC 3261 16.7): through their pair of transactions, or statelessly to the Via
// below ours, which the MAC in our branch vouches for. A 2xx whose transaction is gone is bound by its
// Call-ID alone; it goes only to an address of a peer.
#include "failover.h"
#include "feedback.h"
#include "keepalive.h"
#include "refer_watch.h"
#include "ua.h"

static void response_stateless(struct worker *worker, struct work *work)
{
    uint16_t peer = rules_peer(worker->rules, &work->upstream_at.address);
    if (!work->has_upstream || peer == NUMBER_NONE) {
        settle(work, COUNTER_DROP_STRAY_RESPONSE);
        return;
    }
    if (!dialog_may_answer(worker, work)) {
        settle(work, COUNTER_DROP_FORGED_DIALOG);
        return;
    }
    work->to_peer = peer;
    if (work->upstream_at.listener == NUMBER_NONE) // the branch is a transaction's, which is gone
        work->upstream_at.listener = listener_towards(worker, peer, &work->upstream_at.address, NUMBER_NONE);
    uint32_t outcome = forward_response(worker, work, work->upstream_at, INDEX_NONE);
    settle(work, outcome == 0 ? COUNTER_OUT_FORWARDED : outcome);
    if (outcome == 0)
        refer_watch_response(worker, work);
    dialog_response(worker, work);
}

void response_count_delay(struct worker *worker, const struct transaction *server, enum histogram histogram)
{
    uint32_t delay_us = (uint32_t)worker->now_us - server->received_us;
    count_histogram(worker, histogram, (delay_us + 999) / 1000, 1);
}

// A final response that stands for what we did ourselves: the operator's end or timer C, not the callee's
// 487.
static bool deliver_own_end(struct worker *worker, uint32_t server, uint32_t client, uint16_t status)
{
    uint8_t flags = transaction_at(&worker->transactions, server)->flags;
    if (status != 487 || !(flags & (TRANSACTION_FLAG_OPERATOR | TRANSACTION_FLAG_TIMER_C)))
        return false;
    struct reply reply = {480, NULL, "Reason: SIP;cause=480;text=\"ended by the operator\"\r\n"};
    if (flags & TRANSACTION_FLAG_TIMER_C)
        reply = (struct reply){408, "Request Timeout", NULL};
    reply_for(worker, server, client, reply);
    return true;
}

// The caller has had a final refusal.
static bool has_refused(struct worker *worker, uint32_t server)
{
    uint8_t state = transaction_at(&worker->transactions, server)->state;
    return state == TRANSACTION_COMPLETED || state == TRANSACTION_CONFIRMED;
}

static void deliver_upstream(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    bool invite = message->method == METHOD_INVITE;
    uint32_t server = transaction_other(worker, work->client);
    bool late = server == INDEX_NONE || has_refused(worker, server);
    if (late && invite && message->status / 100 == 2) { // 16.7 step 5: every 2xx goes on
        work->client = INDEX_NONE;
        transaction_upstream(work);
        response_stateless(worker, work);
        return;
    }
    if (server == INDEX_NONE)
        return;
    if (!invite && message->status == 408) { // RFC 4320 4.2: nor another's; the requester times out by itself
        transaction_release(&worker->transactions, server);
        return;
    }
    if (deliver_own_end(worker, server, work->client, message->status))
        return;
    struct transaction *record = transaction_at(&worker->transactions, server);
    enum transaction_event event = message->status < 200   ? TRANSACTION_ON_SEND_1XX
                                   : message->status < 300 ? TRANSACTION_ON_SEND_2XX
                                                           : TRANSACTION_ON_SEND_FAILURE;
    bool answers = record->state == TRANSACTION_PROCEEDING; // a repeated 2xx, or that of a fork, does not
    unsigned actions = transaction_step(&worker->transactions, server, event, worker->now);
    if (actions & TRANSACTION_DO_SEND) {
        // An INVITE's 2xx is repeated by the callee, not by us.
        bool keep = !(invite && message->status / 100 == 2);
        const struct transaction *client = transaction_at(&worker->transactions, work->client);
        if (client->member != NUMBER_NONE &&
            (message->status == 401 || message->status == 407 || message->status == 422))
            affinity_challenged(worker, work, client->peer, client->member);
        work->to_peer = record->peer;
        uint32_t outcome = forward_response(worker, work, record->remote, keep ? server : INDEX_NONE);
        settle(work, outcome == 0 ? COUNTER_OUT_FORWARDED : outcome);
        if (outcome == 0)
            refer_watch_response(worker, work);
        bool of_call = invite && record->member != NUMBER_NONE && message->status < 300;
        if (of_call && !(record->flags & TRANSACTION_FLAG_RINGING)) {
            record->flags |= TRANSACTION_FLAG_RINGING;
            response_count_delay(worker, record, HISTOGRAM_POST_DIAL_DELAY);
        }
        if (of_call && answers && message->status >= 200)
            response_count_delay(worker, record, HISTOGRAM_ANSWER_TIME);
    }
    if (actions & TRANSACTION_DO_RELEASE)
        transaction_release(&worker->transactions, server);
}

// The record follows the message: what its change sends (BYE for a call that was to end) leaves after the
// response.
static void deliver(struct worker *worker, struct work *work)
{
    bool invite = work->message->method == METHOD_INVITE;
    settle(work, COUNTER_OUT_ABSORBED);
    // 16.7 step 5: a 100 is hop by hop. RFC 4320 4.1: no other provisional response but to an INVITE.
    if (work->message->status == 100 || (work->message->status < 200 && !invite))
        return;
    deliver_upstream(worker, work);
    bool tracked = invite || work->message->method == METHOD_UPDATE; // UPDATE moves targets too
    if (tracked && work->client != INDEX_NONE)
        dialog_response(worker, work);
}

// The end of a request that we made, by a final response or NULL: nothing goes on; a BYE's end is the
// dialog's.
static void end_of_ours(struct worker *worker, uint32_t client, const struct message *response)
{
    const uint16_t status = response != NULL ? response->status : 0;
    const struct transaction *transaction = transaction_at(&worker->transactions, client);
    uint32_t dialog = transaction->dialog;
    enum dialog_side ours;
    bool ends = transaction->method == METHOD_BYE && dialog != INDEX_NONE &&
                dialog_at(&worker->dialogs, dialog)->generation == transaction->dialog_generation;
    if (ends && ua_side(worker, dialog, &ours))
        ua_bye_ended(worker, dialog);
    else if (ends)
        dialog_apply(worker, dialog, DIALOG_ON_BYE_DONE);
    keepalive_ended(worker, client, status);
    probe_ended(worker, client, status);
    refer_operator_ended(worker, client, response);
}

void response_stage(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    if (work->client == INDEX_NONE) {
        response_stateless(worker, work);
        return;
    }
    if (message->status >= 200 && !tx_has_mbufs(worker, message->length)) { // unacknowledged, it comes again
        settle(work, COUNTER_DROP_NO_MBUF);
        return;
    }
    uint32_t index = work->client;
    struct transaction *client = transaction_at(&worker->transactions, index);
    enum transaction_event event = message->status == 100  ? TRANSACTION_ON_100
                                   : message->status < 200 ? TRANSACTION_ON_1XX
                                   : message->status < 300 ? TRANSACTION_ON_2XX
                                                           : TRANSACTION_ON_FAILURE;
    unsigned actions = transaction_step(&worker->transactions, index, event, worker->now);
    settle(work, COUNTER_OUT_ABSORBED);
    if (client->member != NUMBER_NONE)
        member_heard(&worker->view, client->member);
    feedback_take(worker, work, client);
    if (message->status < 200) {
        client->flags |= TRANSACTION_FLAG_PROVISIONAL;
        if (failover_is_unwanted(worker, index))
            originate_cancel(worker, index);
    }
    if (actions & TRANSACTION_DO_ACK)
        originate_ack(worker, index, message);
    if (client->ua) {
        ua_answer(worker, work, actions);
    } else if (client->flags & TRANSACTION_FLAG_OURS) {
        if (message->status >= 200 && (actions & TRANSACTION_DO_DELIVER))
            end_of_ours(worker, index, message);
    } else if ((actions & TRANSACTION_DO_DELIVER) && !failover_absorbs(worker, work)) {
        deliver(worker, work);
    }
    if (actions & TRANSACTION_DO_RELEASE)
        transaction_release(&worker->transactions, index);
}

void response_failed(struct worker *worker, uint32_t client)
{
    struct transaction *record = transaction_at(&worker->transactions, client);
    if (record->ua) {
        ua_answer_none(worker, client, 408);
        return;
    }
    count(worker, COUNTER_TRANSACTION_TIMEOUT);
    if (record->flags & TRANSACTION_FLAG_OURS) {
        end_of_ours(worker, client, NULL);
        return;
    }
    uint32_t server = transaction_other(worker, client);
    if (failover_lost(worker, client) || server == INDEX_NONE)
        return;
    if (record->method !=
        METHOD_INVITE) { // RFC 4320 section 4.2: never a 408, the requester times out by itself
        transaction_release(&worker->transactions, server);
        return;
    }
    uint8_t flags = transaction_at(&worker->transactions, server)->flags;
    struct reply reply = {408, "Request Timeout", NULL};
    if (flags & TRANSACTION_FLAG_OPERATOR)
        reply = (struct reply){480, NULL, NULL};
    else if (flags & TRANSACTION_FLAG_CANCELLED)
        reply = (struct reply){487, "Request Terminated", NULL};
    dialog_refused(worker, server, reply.status);
    reply_for(worker, server, client, reply);
}
