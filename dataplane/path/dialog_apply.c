// SPDX-License-Identifier: BSD-3-Clause
// Steps of a dialog's machine on the worker: gauges, counters, and what the machine wants sent.
#include <errno.h>
#include "command.h"
#include "ua.h"

static bool is_call(const struct worker *worker, uint32_t index)
{
    enum dialog_state state = dialog_state(&worker->dialogs, index);
    return state == DIALOG_EARLY || state == DIALOG_CONFIRMED;
}

static_assert(DIALOG_NUMBER_NONE == NUMBER_NONE, "one name for no peer and no member");

static void count_call(struct worker *worker, const struct dialog *dialog, int change)
{
    count_gauge(&worker->parts.peers[dialog->caller_peer].calls_in, change);
    count_gauge(&worker->parts.peers[dialog->callee_peer].calls_out, change);
    if (dialog->callee_member != NUMBER_NONE)
        count_gauge(&worker->parts.members[dialog->callee_member].calls, change);
}

static void count_actions(struct worker *worker, const struct dialog *dialog, unsigned actions)
{
    if (actions & DIALOG_DO_CONFIRM) {
        count(worker, COUNTER_DIALOG_ANSWERED);
        count_word(&worker->parts.peers[dialog->caller_peer].answered_in_total, 1);
        count_word(&worker->parts.peers[dialog->callee_peer].answered_out_total, 1);
        if (dialog->callee_member != NUMBER_NONE)
            count_word(&worker->parts.members[dialog->callee_member].answered_total, 1);
    }
    if (actions & DIALOG_DO_END_CONFIRMED) {
        count(worker, COUNTER_DIALOG_ENDED);
        count_histogram(worker, HISTOGRAM_CALL_DURATION, (worker->now - dialog->since) / (1000 / TICK_MS), 1);
    }
    if (actions & DIALOG_DO_END_EARLY)
        count(worker, COUNTER_DIALOG_REFUSED);
}

// The INVITE's server transaction while it waits for an answer, NULL.
static struct transaction *open_invite(struct worker *worker, const struct dialog *dialog)
{
    if (dialog->invite & UA_INVITE) // INDEX_NONE too
        return NULL;
    struct transaction *server = transaction_at(&worker->transactions, dialog->invite);
    bool open =
        (uint16_t)server->generation == dialog->invite_generation && server->state == TRANSACTION_PROCEEDING;
    return open ? server : NULL;
}

static void cancel_invite(struct worker *worker, const struct dialog *dialog)
{
    struct transaction *server = open_invite(worker, dialog);
    if (server == NULL)
        return;
    if (!(server->flags & TRANSACTION_FLAG_TIMER_C))
        server->flags |= TRANSACTION_FLAG_OPERATOR;
    originate_cancel(worker, transaction_other(worker, dialog->invite));
}

// From its INVITE to the BYE or the refusal. Of several records of one set one carries the call.
static bool carries_call(const struct worker *worker, uint32_t index)
{
    enum dialog_state state = dialog_state(&worker->dialogs, index);
    return (dialog_at(&worker->dialogs, index)->flags & DIALOG_FLAG_COUNTED) &&
           (state == DIALOG_NONE || state == DIALOG_EARLY || state == DIALOG_CONFIRMED);
}

// The call goes on with another record of the set, or has ended.
static void drop_call(struct worker *worker, uint32_t index, uint32_t heir)
{
    if (heir != INDEX_NONE) { // perhaps on another member
        dialog_count_pass(&worker->dialogs, index, heir);
        calls_hold(worker, dialog_at(&worker->dialogs, heir));
    }
    calls_release(worker, dialog_at(&worker->dialogs, index));
}

// Whether a record that carries the call does not after this event.
static bool is_left(const struct worker *worker, uint32_t index, enum dialog_event event)
{
    uint8_t next = dialog_fsm[dialog_at(&worker->dialogs, index)->row][event].next;
    return next > DIALOG_ROW_CONFIRMED; // ROW_FREE: nothing happens
}

// Of several records of an INVITE the one that is answered stands for the call.
static void take_call(struct worker *worker, uint32_t index)
{
    uint32_t before = dialog_count_take(&worker->dialogs, index);
    if (before == INDEX_NONE)
        return;
    calls_hold(worker, dialog_at(&worker->dialogs, index));
    calls_release(worker, dialog_at(&worker->dialogs, before));
}

// A 2xx that crosses a BYE or a CANCEL was an answer (9.1, 15.1.1), whichever fork sends it.
static void claim_call(struct worker *worker, uint32_t index)
{
    uint32_t before = dialog_count_claim(&worker->dialogs, index);
    if (before != INDEX_NONE && dialog_state(&worker->dialogs, before) < DIALOG_TERMINATING) // it rings on
        calls_release(worker, dialog_at(&worker->dialogs, before));
}

unsigned dialog_apply_end(struct worker *worker, uint32_t index, enum dialog_event event,
                          const struct call_end *end)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    bool before = is_call(worker, index), carried = carries_call(worker, index);
    bool left = carried && is_left(worker, index, event);
    uint32_t heir = left ? dialog_count_heir(&worker->dialogs, index) : INDEX_NONE;
    if (event == DIALOG_ON_SUCCESS)
        claim_call(worker, index);
    if (heir == INDEX_NONE && call_record_is_due(worker, index, event))
        call_record_end(worker, index, event, end);
    unsigned actions = dialog_step(&worker->dialogs, index, event, worker->now);
    bool after = is_call(worker, index);
    if (before != after)
        count_call(worker, dialog, after ? 1 : -1);
    if (left)
        drop_call(worker, index, heir);
    else if (!carried && carries_call(worker, index)) // a challenged BYE
        calls_hold(worker, dialog);
    else if (actions & DIALOG_DO_CONFIRM)
        take_call(worker, index);
    count_actions(worker, dialog, actions);
    if (actions & DIALOG_DO_CANCEL)
        cancel_invite(worker, dialog);
    if (actions & DIALOG_DO_BYE_BOTH) {
        originate_bye(worker, index, DIALOG_CALLEE);
        originate_bye(worker, index, DIALOG_CALLER);
    }
    if (actions & DIALOG_DO_RELEASE)
        dialog_release(&worker->dialogs, index);
    return actions;
}

unsigned dialog_apply(struct worker *worker, uint32_t index, enum dialog_event event)
{
    static const struct call_end of_event = {.known = false};
    return dialog_apply_end(worker, index, event, &of_event);
}

void dialog_taken(struct worker *worker, uint32_t index)
{
    if (is_call(worker, index))
        count_call(worker, dialog_at(&worker->dialogs, index), 1);
    if (carries_call(worker, index))
        calls_hold(worker, dialog_at(&worker->dialogs, index));
}

void dialog_moves(struct worker *worker, uint32_t index, uint16_t member, struct endpoint to)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    uint16_t before = dialog->callee_member;
    if (before == member || before == NUMBER_NONE)
        return;
    if (is_call(worker, index)) {
        count_gauge(&worker->parts.members[before].calls, -1);
        count_gauge(&worker->parts.members[member].calls, 1);
    }
    if (carries_call(worker, index)) {
        limit_hold(&worker->limits, LIMIT_MEMBER(member));
        limit_release(&worker->limits, LIMIT_MEMBER(before));
    }
    dialog_member_set(&worker->dialogs, index, member);
    dialog_see(&worker->dialogs, index, &(struct dialog_seen){.side = DIALOG_CALLEE, .source = to});
}

void dialog_drop(struct worker *worker, uint32_t index)
{
    if (is_call(worker, index))
        count_call(worker, dialog_at(&worker->dialogs, index), -1);
    bool carried = carries_call(worker, index);
    uint32_t heir = carried ? dialog_count_heir(&worker->dialogs, index) : INDEX_NONE;
    if (heir == INDEX_NONE && call_record_is_due(worker, index, DIALOG_EVENTS))
        call_record_end(worker, index, DIALOG_EVENTS, &(struct call_end){.status = 200});
    if (carried)
        drop_call(worker, index, heir);
    dialog_release(&worker->dialogs, index);
}

int dialog_end(struct worker *worker, uint32_t index)
{
    enum dialog_state state = dialog_state(&worker->dialogs, index);
    enum dialog_side ours;
    if (state == DIALOG_TERMINATING)
        return -EALREADY;
    if (ua_side(worker, index, &ours))
        return ua_end(worker, index, CHANNEL_REASON_OPERATOR);
    // Section 15: the callee's side may not send BYE before its 2xx is acknowledged, and we speak for it.
    bool unacked =
        state == DIALOG_CONFIRMED && !(dialog_at(&worker->dialogs, index)->flags & DIALOG_FLAG_ACKED);
    dialog_apply_end(
        worker, index, unacked ? DIALOG_ON_END_UNACKED : DIALOG_ON_OPERATOR_END,
        &(struct call_end){true, CHANNEL_ENDER_OPERATOR, CHANNEL_REASON_OPERATOR, .status = 480});
    return 0;
}

void dialog_overdue(struct worker *worker, uint32_t index)
{
    struct transaction *server = open_invite(worker, dialog_at(&worker->dialogs, index));
    if (server == NULL || dialog_state(&worker->dialogs, index) == DIALOG_TERMINATING) {
        dialog_apply(worker, index, DIALOG_ON_TIMEOUT);
        return;
    }
    server->flags |= TRANSACTION_FLAG_TIMER_C; // the caller's 487 becomes a 408
    dialog_apply_end(worker, index, DIALOG_ON_OPERATOR_END,
                     &(struct call_end){true, CHANNEL_ENDER_TIMEOUT, CHANNEL_REASON_TIMEOUT, .status = 408});
}

struct endpoint dialog_endpoint(const struct worker *worker, uint32_t index, enum dialog_side side)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    struct endpoint to = dialog_learnt(dialog_cold(&worker->dialogs, index), side);
    uint16_t peer = side == DIALOG_CALLER ? dialog->caller_peer : dialog->callee_peer;
    if (peer < worker->rules->peer_count && (worker->rules->peers[peer].flags & SNAPSHOT_PRESENT))
        to.listener = listener_towards(worker, peer, &to.address, to.listener);
    else
        to.address = (struct ip_address){{0}}; // the peer was taken out of the configuration
    return to;
}

uint32_t dialog_by_handle(const struct worker *worker, uint64_t handle)
{
    uint32_t index = (uint32_t)handle;
    if (command_handle_worker(handle) != worker->parts.id || index >= worker->dialogs.capacity)
        return INDEX_NONE;
    return dialog_state(&worker->dialogs, index) != DIALOG_FREE &&
                   handle ==
                       command_handle(worker->parts.id, dialog_at(&worker->dialogs, index)->generation, index)
               ? index
               : INDEX_NONE;
}
