// SPDX-License-Identifier: BSD-3-Clause
#include "failover.h"
#include <string.h>
#include "best.h"

#define ENDED_BY_US (TRANSACTION_FLAG_CANCELLED | TRANSACTION_FLAG_OPERATOR | TRANSACTION_FLAG_TIMER_C)

static struct transaction *record_of(struct worker *worker, uint32_t index)
{
    return transaction_at(&worker->transactions, index);
}

// No final response has gone upstream.
static bool is_open(struct worker *worker, uint32_t server)
{
    uint8_t state = record_of(worker, server)->state;
    return state == TRANSACTION_PROCEEDING || state == TRANSACTION_TRYING;
}

// NULL: taken out of the configuration.
static const struct snapshot_peer *peer_of(struct worker *worker, uint32_t client)
{
    uint16_t peer = record_of(worker, client)->peer;
    if (peer >= worker->rules->peer_count || !(worker->rules->peers[peer].flags & SNAPSHOT_PRESENT))
        return NULL;
    return &worker->rules->peers[peer];
}

static bool is_listed(const struct snapshot_peer *peer, uint16_t status)
{
    for (unsigned i = 0; peer != NULL && i < STATUSES_MAX; i++) {
        if (peer->failover_statuses[i] == status)
            return true;
    }
    return false;
}

static bool may_go_on(struct worker *worker, uint32_t server, uint32_t client)
{
    const struct transaction *from = record_of(worker, server), *branch = record_of(worker, client);
    const struct snapshot_peer *peer = peer_of(worker, client);
    const struct attempts *attempts = best_attempts(worker, server);
    uint32_t tried = attempts != NULL ? attempts->tried_count : 1;
    if (branch->member == NUMBER_NONE || transaction_other(worker, server) != client ||
        !is_open(worker, server) || (from->flags & (ENDED_BY_US | TRANSACTION_FLAG_RINGING)) ||
        peer == NULL || tried >= RTE_MIN(peer->attempts, MEMBER_TRIED_MAX) || tried >= peer->member_count ||
        (attempts != NULL && attempts->status >= 600))
        return false;
    const struct transactions *set = &worker->transactions;
    if (set->count <= set->capacity - set->capacity / 4)
        return true;
    count(worker, COUNTER_FAILOVER_NO_ROOM);
    return false;
}

// The record of the call that this INVITE began, INDEX_NONE.
static uint32_t call_of(struct worker *worker, uint32_t client)
{
    const struct transaction *branch = record_of(worker, client);
    bool live = branch->dialog != INDEX_NONE &&
                dialog_at(&worker->dialogs, branch->dialog)->generation == branch->dialog_generation;
    return live && branch->method == METHOD_INVITE ? branch->dialog : INDEX_NONE;
}

// For an INVITE it takes the member's place for a call.
static uint16_t next_member(struct worker *worker, uint32_t client, const struct attempts *attempts)
{
    const struct message *request = &worker->kept;
    struct member_choice choice = {.peer = record_of(worker, client)->peer,
                                   .call_hash = siphash13(&worker->parts.keys.table,
                                                          message_at(request, request->call_id),
                                                          request->call_id.length),
                                   .again = true};
    for (unsigned i = 0; i < attempts->tried_count; i++)
        member_tried(&choice, attempts->tried[i]);
    uint16_t member;
    while ((member = member_choose(&worker->view, &choice)) != NUMBER_NONE) {
        if (tx_is_routed(worker, target_of_member(worker, member)) &&
            (request->method != METHOD_INVITE || calls_take_member(worker, member)))
            return member;
        if (choice.tried_count == MEMBER_TRIED_MAX)
            return NUMBER_NONE;
        member_tried(&choice, member);
    }
    return NUMBER_NONE;
}

// The same request with a branch of its own. Our Via is the topmost, and all our branches are of one length.
// INDEX_NONE: no room, or keys that have changed.
static uint32_t copy_branch(struct worker *worker, uint32_t client)
{
    const struct message *request = &worker->kept;
    struct transactions *set = &worker->transactions;
    struct cookie_octets call_id = octets_of(request, request->call_id);
    struct cookie_branch parts;
    if (!cookie_branch_read(&worker->parts.keys, octets_of(request, request->via.branch), call_id, &parts))
        return INDEX_NONE;
    const struct transaction *old = record_of(worker, client);
    uint32_t index = transaction_create(set, old->kind, 0, worker->now);
    if (index == INDEX_NONE)
        return INDEX_NONE;
    if (transaction_keep(set, index, request->octets, request->length) != 0) {
        transaction_release(set, index);
        return INDEX_NONE;
    }
    struct transaction *made = record_of(worker, index);
    char branch[COOKIE_TEXT_MAX];
    parts.generation = (uint16_t)made->generation;
    parts.index = index;
    unsigned length = cookie_branch_write(&worker->parts.keys, &parts, call_id, branch);
    memcpy((uint8_t *)arena_at(&worker->arena, made->kept) + request->via.branch.offset, branch, length);
    made->key =
        cookie_branch_key(&parts, siphash13(&worker->parts.keys.table, call_id.octets, call_id.length));
    made->method = old->method;
    made->other = old->other;
    made->other_generation = old->other_generation;
    made->peer = old->peer;
    made->dialog = old->dialog;
    made->dialog_generation = old->dialog_generation;
    made->received_us = (uint32_t)worker->now_us;
    return index;
}

// From here on this is the branch that counts.
static void begin_branch(struct worker *worker, uint32_t server, uint32_t client, uint32_t index)
{
    struct transaction *made = record_of(worker, index), *from = record_of(worker, server);
    uint32_t dialog = call_of(worker, client);
    from->other = index;
    from->other_generation = made->generation;
    from->member = made->member;
    record_of(worker, client)->flags |= TRANSACTION_FLAG_ABANDONED;
    if (dialog != INDEX_NONE)
        dialog_moves(worker, dialog, made->member, made->remote);
    if (made->method == METHOD_INVITE) {
        limit_release(&worker->limits, LIMIT_MEMBER(made->member)); // the record holds it
        count_word(&worker->parts.members[made->member].calls_total, 1);
    }
    count_word(&worker->parts.members[record_of(worker, client)->member].failovers_total, 1);
    count(worker, made->method == METHOD_INVITE ? COUNTER_TRANSACTION_ICT : COUNTER_TRANSACTION_NICT);
    member_asked(&worker->view, made->member);
    // What does not leave now is repeated by timer A or E.
    (void)tx_copy(worker, arena_at(&worker->arena, made->kept), made->kept_length, made->remote);
    failover_watch(worker, index);
}

static bool try_next(struct worker *worker, uint32_t server, uint32_t client, enum counter why)
{
    const struct transaction *branch = record_of(worker, client);
    if (!may_go_on(worker, server, client) || branch->kept == ARENA_NONE ||
        message_parse(arena_at(&worker->arena, branch->kept), branch->kept_length, &worker->kept) !=
            MESSAGE_FINE)
        return false;
    struct attempts *attempts = best_attempts(worker, server);
    if (attempts == NULL)
        attempts = best_begin(worker, server, branch->member);
    if (attempts == NULL)
        return false;
    uint16_t member = next_member(worker, client, attempts);
    if (member == NUMBER_NONE)
        return false;
    const struct forward_move move = {.from = record_of(worker, client)->remote.listener,
                                      .to = target_of_member(worker, member).listener,
                                      .in = record_of(worker, server)->remote.listener};
    uint32_t index = INDEX_NONE;
    if (move.to == move.from || forward_readdress(worker, &move))
        index = copy_branch(worker, client);
    if (index == INDEX_NONE) {
        if (branch->method == METHOD_INVITE)
            limit_untake(&worker->limits, LIMIT_MEMBER(member), worker->now_us);
        count(worker, COUNTER_FAILOVER_NO_ROOM);
        return false;
    }
    attempts->tried[attempts->tried_count++] = member;
    record_of(worker, index)->member = member;
    record_of(worker, index)->remote = target_of_member(worker, member);
    begin_branch(worker, server, client, index);
    count(worker, why);
    return true;
}

enum verdict {
    WENT_ON, // another branch counts
    IS_BEST, // this end is what goes upstream
    WAS_SENT // a better one has gone
};

// The branch that counts has come to its end.
static enum verdict branch_ended(struct worker *worker, uint32_t client, const struct branch_end *end,
                                 enum counter why)
{
    uint32_t server = transaction_other(worker, client);
    bool next = why != COUNTER_COUNT && try_next(worker, server, client, why);
    bool best = best_attempts(worker, server) == NULL || best_note(worker, server, end);
    if (next)
        return WENT_ON;
    if (best)
        return IS_BEST;
    dialog_refused(worker, server, best_attempts(worker, server)->status);
    best_send(worker, server, client);
    return WAS_SENT;
}

void failover_watch(struct worker *worker, uint32_t client)
{
    const struct snapshot_peer *peer = peer_of(worker, client);
    if (record_of(worker, client)->member == NUMBER_NONE || peer == NULL || peer->failover_after_ms == 0 ||
        peer->attempts < 2)
        return;
    tick_t after = (peer->failover_after_ms + TICK_MS - 1) / TICK_MS;
    transaction_slow_at(&worker->transactions, client, worker->now + after);
}

void failover_slow(struct worker *worker, uint32_t client)
{
    uint32_t server = transaction_other(worker, client);
    const struct transaction *branch = record_of(worker, client);
    member_silent(&worker->view, branch->member, branch->started);
    if (server == INDEX_NONE || (branch->flags & TRANSACTION_FLAG_ABANDONED) ||
        !try_next(worker, server, client, COUNTER_FAILOVER_TIMEOUT))
        return;
    count_word(&worker->parts.members[branch->member].timeouts_total, 1);
    (void)best_note(worker, server, &(struct branch_end){.status = 408, .member = branch->member});
    transaction_quiet(&worker->transactions, client, worker->now);
}

bool failover_lost(struct worker *worker, uint32_t client)
{
    const struct transaction *branch = record_of(worker, client);
    if (branch->flags & TRANSACTION_FLAG_ABANDONED) // counted when it was
        return true;
    uint32_t server = transaction_other(worker, client);
    if (branch->member == NUMBER_NONE)
        return false;
    count_word(&worker->parts.members[branch->member].timeouts_total, 1);
    member_silent(&worker->view, branch->member, branch->started);
    if (server == INDEX_NONE || !is_open(worker, server) || (record_of(worker, server)->flags & ENDED_BY_US))
        return false;
    // Whoever sent another request has given up by now, too (timer F).
    enum counter why = branch->method == METHOD_INVITE ? COUNTER_FAILOVER_TIMEOUT : COUNTER_COUNT;
    const struct branch_end end = {.status = 408, .member = branch->member};
    return branch_ended(worker, client, &end, why) != IS_BEST;
}

// The transaction has answered upstream, or will with what it has: nothing more is wanted of this branch.
static void give_up(struct worker *worker, uint32_t client)
{
    struct transaction *branch = record_of(worker, client);
    if (branch->state != TRANSACTION_TRYING && branch->state != TRANSACTION_PROCEEDING)
        return;
    branch->flags |= TRANSACTION_FLAG_ABANDONED;
    transaction_quiet(&worker->transactions, client, worker->now);
    if (branch->method == METHOD_INVITE)
        originate_cancel(worker, client);
}

static void refused_when_abandoned(struct worker *worker, uint32_t server, uint32_t client,
                                   const struct message *message)
{
    const struct transaction *branch = record_of(worker, client);
    // What our own CANCEL has brought about says nothing.
    if (best_attempts(worker, server) == NULL ||
        (message->status == 487 && (branch->flags & TRANSACTION_FLAG_CANCEL_SENT)))
        return;
    (void)best_note(worker, server, &(struct branch_end){message->status, branch->member, message});
    uint32_t current = transaction_other(worker, server);
    if (message->status < 600 || current == INDEX_NONE || branch->method != METHOD_INVITE)
        return;
    record_of(worker, current)->flags |= TRANSACTION_FLAG_CANCELLED; // 16.7 step 5; its end sends the 6xx
    originate_cancel(worker, current);
}

// A branch that another one's answer has overtaken: its early dialog is over, whatever is left of the
// caller's.
static void end_early(struct worker *worker, const struct work *work)
{
    const struct message *message = work->message;
    enum dialog_side side;
    struct dialog_id id = response_id(work);
    uint32_t index = message->to_tag.length > 0 && message->method == METHOD_INVITE
                         ? dialog_find(&worker->dialogs, &id, &side)
                         : INDEX_NONE;
    if (index != INDEX_NONE && dialog_state(&worker->dialogs, index) == DIALOG_EARLY &&
        dialog_text_is(&worker->dialogs, index, DIALOG_TEXT_CALLEE_TAG, id.to_tag))
        dialog_apply(worker, index, DIALOG_ON_REFUSED);
}

bool failover_absorbs(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    const struct transaction *branch = record_of(worker, work->client);
    bool abandoned = branch->flags & TRANSACTION_FLAG_ABANDONED;
    uint32_t server = transaction_other(worker, work->client);
    if (message->status < 200)
        return abandoned;
    if (server == INDEX_NONE || !is_open(worker, server)) {
        if (abandoned && message->status >= 300)
            end_early(worker, work);
        return abandoned && message->status >= 300;
    }
    if (message->status < 300) {
        uint32_t current = transaction_other(worker, server);
        if (current != work->client && current != INDEX_NONE)
            give_up(worker, current); // 16.7 step 10
        return false;
    }
    if (abandoned) {
        refused_when_abandoned(worker, server, work->client, message);
        return true;
    }
    if (record_of(worker, server)->flags & ENDED_BY_US)
        return false;
    bool listed = message->status < 600 && is_listed(peer_of(worker, work->client), message->status);
    const struct branch_end end = {message->status, branch->member, message};
    enum counter why = listed ? COUNTER_FAILOVER_REFUSED : COUNTER_COUNT;
    return branch_ended(worker, work->client, &end, why) != IS_BEST;
}

bool failover_is_unwanted(struct worker *worker, uint32_t client)
{
    const struct transaction *branch = record_of(worker, client);
    uint32_t server = transaction_other(worker, client);
    return branch->method == METHOD_INVITE &&
           ((branch->flags & (TRANSACTION_FLAG_ABANDONED | TRANSACTION_FLAG_CANCELLED)) ||
            (server != INDEX_NONE && (record_of(worker, server)->flags & ENDED_BY_US)));
}

bool failover_unreachable(struct worker *worker, uint32_t client)
{
    const struct transaction *branch = record_of(worker, client);
    bool is_client = branch->kind == TRANSACTION_INVITE_CLIENT || branch->kind == TRANSACTION_CLIENT;
    if (!is_client || branch->state != TRANSACTION_TRYING || (branch->flags & TRANSACTION_FLAG_OURS))
        return false;
    uint32_t server = transaction_other(worker, client);
    bool counts =
        server != INDEX_NONE && !(branch->flags & TRANSACTION_FLAG_ABANDONED) && is_open(worker, server);
    const struct branch_end end = {.status = 503, .member = branch->member};
    if (counts && (record_of(worker, server)->flags & ENDED_BY_US)) {
        response_failed(worker, client);
    } else if (counts && branch_ended(worker, client, &end, COUNTER_FAILOVER_UNREACHABLE) == IS_BEST) {
        dialog_refused(worker, server, 503);
        best_send_own(worker, server, client, 503);
    }
    (void)transaction_step(&worker->transactions, client, TRANSACTION_ON_TRANSPORT, worker->now);
    transaction_release(&worker->transactions, client);
    return true;
}

void failover_follow(struct worker *worker, uint32_t client, uint32_t dialog)
{
    const struct transaction *branch = record_of(worker, client);
    if (branch->member != NUMBER_NONE)
        dialog_moves(worker, dialog, branch->member, branch->remote);
}
