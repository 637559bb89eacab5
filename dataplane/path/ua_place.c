// SPDX-License-Identifier: BSD-3-Clause
// Requests of applications outside a dialog: the INVITE of a call (RFC 3261 8.1, 13.2.1), and others.
#include <errno.h>
#include "dialog_track.h"
#include "ua_send.h"
#include "ua_way.h"

// What a request has beyond the texts of its command.
#define REQUEST_ADDS 512u

// Its transaction and the request, ready to go; worker->kept is the request then. The transaction stays the
// caller's when it fails.
static int render(struct worker *worker, struct placed *placed, uint32_t client, struct originated *request)
{
    struct transaction *transaction = transaction_at(&worker->transactions, client);
    const struct cookie_octets call_id = cookie_of(placed->call_id);
    struct cookie_branch parts = {.worker = (uint8_t)worker->parts.id,
                                  .generation = (uint16_t)transaction->generation,
                                  .index = client};
    cookie_branch_write(&worker->parts.keys, &parts, call_id, placed->branch);
    transaction->key =
        cookie_branch_key(&parts, siphash13(&worker->parts.keys.table, call_id.octets, call_id.length));
    transaction->received_us = (uint32_t)worker->now_us;
    transaction->peer = placed->peer;
    transaction->member = placed->member;
    request->to = placed->to;
    uint32_t expected = placed->command->body.length;
    for (unsigned i = 0; i < CHANNEL_UA_TEXTS; i++)
        expected += placed->command->texts[i].length;
    request->mbuf = tx_open_for(worker, &request->writer, expected + REQUEST_ADDS);
    if (request->mbuf == NULL)
        return -ENOSPC;
    request->writer.size = RTE_MIN(request->writer.size, tx_room(worker, placed->to));
    ua_draft_write(worker, &request->writer, placed, &worker->kept);
    if (!request->writer.overflow &&
        message_parse(request->writer.octets, request->writer.used, &worker->kept) == MESSAGE_FINE)
        return 0;
    rte_pktmbuf_free(request->mbuf);
    return request->writer.overflow ? -EMSGSIZE : -EINVAL; // a route has made something else of the URI
}

// Everything up to a request that only has to be sent.
static int prepare(struct worker *worker, struct placed *placed, uint32_t *client, struct originated *request)
{
    const struct ua_command *command = placed->command;
    if (!rules_is_application(worker->rules, command->fixed->application))
        return -EINVAL;
    placed->packet.peer = command->fixed->application;
    placed->packet.source.listener = NUMBER_NONE;
    int result = ua_draft_name(worker, placed);
    if (result == 0)
        result = ua_draft_make(worker, placed);
    if (result == 0)
        result = ua_way_find(worker, placed);
    if (result != 0)
        return result;
    enum sip_method method = (enum sip_method)worker->kept.method;
    *client = originate_begin(worker, (uint8_t)method, placed->to, INDEX_NONE);
    if (*client == INDEX_NONE)
        result = -ENOSPC;
    else if ((result = render(worker, placed, *client, request)) != 0)
        transaction_release(&worker->transactions, *client);
    const struct call_parties call = {placed->packet.peer, placed->peer, placed->member};
    if (result != 0 && placed->invite)
        calls_untake(worker, &call);
    return result;
}

// The record and the usage of the call, and its transaction tied to them. INDEX_NONE: no room, and the call
// is not counted any more.
static uint32_t begin_call(struct worker *worker, struct placed *placed, uint32_t client)
{
    const struct call_parties call = {placed->packet.peer, placed->peer, placed->member};
    const struct work work = {.packet = &placed->packet, .message = &worker->kept};
    const struct dialog_birth birth = {
        .caller_peer = call.from,
        .callee_peer = call.to,
        .callee_member = call.member,
        .counted = true,
        .learnt = {[DIALOG_CALLER] = {.listener = placed->to.listener}, [DIALOG_CALLEE] = placed->to},
        .invite = INDEX_NONE};
    uint32_t usage = usage_create(&worker->ua.usages, USAGE_CLIENT, placed->cseq, worker->now);
    if (usage == INDEX_NONE)
        count(worker, COUNTER_UA_FULL);
    uint32_t dialog = usage == INDEX_NONE ? INDEX_NONE : track_begin(worker, &work, birth, NULL);
    if (dialog == INDEX_NONE) {
        if (usage != INDEX_NONE)
            usage_release(&worker->ua.usages, usage);
        calls_untake(worker, &call);
        return INDEX_NONE;
    }
    struct transaction *transaction = transaction_at(&worker->transactions, client);
    struct usage *record = usage_at(&worker->ua.usages, usage);
    ua_tie(worker, dialog, usage);
    transaction->dialog = dialog;
    transaction->dialog_generation = dialog_at(&worker->dialogs, dialog)->generation;
    record->invite = client;
    record->invite_generation = transaction->generation;
    if (placed->command->fixed->flags & CHANNEL_UA_LATE_ACK)
        record->flags |= USAGE_FLAG_LATE_ACK;
    if (placed->command->fixed->flags & CHANNEL_UA_DESCRIPTION)
        (void)usage_description(&worker->ua.usages, usage, OFFER_IN_INVITE, true);
    return dialog;
}

int ua_place(struct worker *worker, struct ua_command *command)
{
    struct placed placed = {.command = command, .invite = true};
    struct originated request;
    uint32_t client;
    if (command->dialog != INDEX_NONE)
        return -EINVAL;
    int result = prepare(worker, &placed, &client, &request);
    if (result != 0)
        return result;
    uint32_t dialog = begin_call(worker, &placed, client);
    if (dialog == INDEX_NONE) {
        rte_pktmbuf_free(request.mbuf);
        transaction_release(&worker->transactions, client);
        return -ENOSPC;
    }
    ua_own(worker, client, command->fixed->tag);
    result = originate_send_asked(worker, client, &request);
    if (result != 0) {
        usage_release(&worker->ua.usages, ua_usage_awake(worker, dialog));
        dialog_apply_end(worker, dialog, DIALOG_ON_REFUSED, &(struct call_end){.unrecorded = true});
        return result;
    }
    count_word(&worker->parts.peers[placed.packet.peer].calls_in_total, 1);
    count_word(&worker->parts.peers[placed.peer].calls_out_total, 1);
    count_word(&worker->parts.members[placed.member].calls_total, 1);
    command->dialog = dialog;
    command->transaction = client;
    return 0;
}

int ua_place_other(struct worker *worker, struct ua_command *command)
{
    struct placed placed = {.command = command};
    struct originated request;
    uint32_t client;
    int result = prepare(worker, &placed, &client, &request);
    if (result != 0)
        return result;
    ua_own(worker, client, command->fixed->tag);
    result = originate_send_asked(worker, client, &request);
    if (result == 0)
        command->transaction = client;
    return result;
}
