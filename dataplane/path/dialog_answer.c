// SPDX-License-Identifier: BSD-3-Clause
// Which record a response belongs to: by its transaction, by Call-ID and tags, or, for a 2xx whose record is
// gone, by our Record-Route in it.
#include "dialog_track.h"
#include "keepalive.h"
#include "route_set.h"

// The record that an INVITE's transaction is tied to. When the first of several forks is gone, another one
// stands for the set.
static uint32_t record_of_client(struct worker *worker, const struct work *work)
{
    const struct transaction *client = transaction_at(&worker->transactions, work->client);
    uint32_t index = client->dialog;
    if (index == INDEX_NONE || dialog_at(&worker->dialogs, index)->generation == client->dialog_generation)
        return index;
    uint32_t found[DIALOGS_OF_CALL_MAX];
    unsigned n = dialog_find_call(&worker->dialogs, work->packet->call_hash, (struct dialog_string){NULL, 0},
                                  found, DIALOGS_OF_CALL_MAX);
    for (unsigned i = 0; i < n; i++) {
        if (track_began_with(worker, found[i], client->other))
            return found[i];
    }
    return INDEX_NONE;
}

// The call that a 2xx belongs to is known by our Record-Route when its record is not: after a restart, or
// because everybody had given it up. False: none of ours names the two peers that it goes between.
static bool find_passage(const struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    uint16_t caller = rules_peer(worker->rules, &work->upstream_at.address);
    bool ours = false;
    for (uint8_t field = message->first[HEADER_RECORD_ROUTE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        uint32_t at = 0;
        struct address address;
        while (address_next(message->octets, message->headers[field].value, &at, &address) ==
               1) { // each turn moves on in the line
            if (!route_set_cookie(worker, message, &address, &work->cookie))
                continue;
            ours = true;
            if (work->cookie.caller_peer == caller &&
                rules_may_speak(worker->rules, work->packet->peer, work->cookie.callee_peer)) {
                work->has_cookie = true;
                return true;
            }
        }
    }
    return !ours;
}

bool dialog_may_answer(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    struct dialog_id id = response_id(work);
    bool answer = message->method == METHOD_INVITE && message->status / 100 == 2;
    work->dialog = dialog_find(&worker->dialogs, &id, &work->side);
    if (message->to_tag.length == 0 &&
        (work->dialog == INDEX_NONE || !dialog_is_untagged(worker, work->dialog))) {
        work->dialog = INDEX_NONE;
        return true;
    }
    if (work->dialog == INDEX_NONE)
        return !answer || find_passage(worker, work);
    const struct dialog *dialog = dialog_at(&worker->dialogs, work->dialog);
    if (rules_may_speak(worker->rules, work->packet->peer,
                        work->side == DIALOG_CALLER ? dialog->callee_peer : dialog->caller_peer))
        return true;
    work->dialog = INDEX_NONE; // another passage's, if anybody's
    return answer && find_passage(worker, work) && work->has_cookie;
}

// What a restart left of the INVITE: a record that no transaction belongs to, without the callee's tag.
static uint32_t orphan_of(const struct worker *worker, const struct work *work)
{
    const struct message *message = work->message;
    enum dialog_side side;
    struct dialog_id id = {.call_hash = work->packet->call_hash,
                           .call_id = string_of(message, message->call_id),
                           .from_tag = string_of(message, message->from_tag),
                           .peer = work->packet->peer,
                           .response = true};
    uint32_t index = dialog_find(&worker->dialogs, &id, &side);
    if (index == INDEX_NONE)
        return INDEX_NONE;
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    bool orphan = dialog->invite == INDEX_NONE && dialog->callee_tag_hash == 0 &&
                  dialog->row == DIALOG_ROW_NONE && dialog->caller_peer == work->cookie.caller_peer &&
                  dialog->callee_peer == work->cookie.callee_peer;
    return orphan ? index : INDEX_NONE;
}

// A 2xx whose record was early when the process died.
static void answer_late(struct worker *worker, struct work *work)
{
    uint8_t row = dialog_at(&worker->dialogs, work->dialog)->row;
    if ((row == DIALOG_ROW_NONE || row == DIALOG_ROW_EARLY) && find_passage(worker, work))
        track_tag(worker, work, work->dialog, work->has_cookie ? &work->cookie : NULL);
}

// RFC 3261 16.7 step 5, 13.3.1.4: the call exists from this 2xx on.
static void begin_late(struct worker *worker, struct work *work)
{
    const struct dialog_birth birth = {
        .caller_peer = work->cookie.caller_peer,
        .callee_peer = work->cookie.callee_peer,
        .callee_member = NUMBER_NONE,
        .learnt = {[DIALOG_CALLER] = work->upstream_at, [DIALOG_CALLEE] = work->packet->source},
        .invite = INDEX_NONE};
    uint32_t index = orphan_of(worker, work);
    if (index == INDEX_NONE)
        index = track_begin(worker, work, birth, &work->cookie);
    if (index != INDEX_NONE)
        track_tag(worker, work, index, &work->cookie);
}

void dialog_response(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    if (work->client == INDEX_NONE) {
        if (work->dialog != INDEX_NONE)
            keepalive_heard(worker, work->dialog, 1 - work->side);
        if (work->dialog != INDEX_NONE && message->method != METHOD_INVITE)
            track_inside(worker, work, work->dialog);
        else if (work->dialog != INDEX_NONE && message->status / 100 == 2)
            answer_late(worker, work);
        else if (work->dialog == INDEX_NONE && work->has_cookie)
            begin_late(worker, work);
        return;
    }
    const struct transaction *client = transaction_at(&worker->transactions, work->client);
    uint32_t index = record_of_client(worker, work);
    if (index == INDEX_NONE)
        return;
    if (!track_began_with(worker, index, client->other)) {
        keepalive_heard(worker, index, 1 - track_asker(worker, message, index));
        if (message->status / 100 == 2)
            track_reinvite(worker, work, index);
        else
            track_inside(worker, work, index);
        return;
    }
    keepalive_heard(worker, index, DIALOG_CALLEE);
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    const struct cookie_route mine = {.worker = (uint8_t)worker->parts.id,
                                      .generation = (uint16_t)client->dialog_generation,
                                      .index = client->dialog,
                                      .caller_peer = dialog->caller_peer,
                                      .callee_peer = dialog->callee_peer};
    if (message->status >= 300) {
        struct call_end end = call_end_of_refusal(worker, client->other, message->status);
        track_refusal(worker, index, &end);
    } else if (message->status > 100) { // without a tag too: 12.1.2
        track_tag(worker, work, index, &mine);
    }
}
