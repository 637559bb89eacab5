// SPDX-License-Identifier: BSD-3-Clause
// Events to control, each with the message that it is about. What is not told for want of room is counted by
// the ring, and control learns how much that was; what is not told because nobody is there, here. What waits
// for no answer is kept for the control that comes, in the first half of the ring: the other is for what that
// control is told then.
#include <string.h>
#include "command.h"
#include "ua.h"

static const uint8_t told_states[DIALOG_STATES] = {[DIALOG_NONE] = CHANNEL_DIALOG_NONE,
                                                   [DIALOG_EARLY] = CHANNEL_DIALOG_EARLY,
                                                   [DIALOG_CONFIRMED] = CHANNEL_DIALOG_CONFIRMED,
                                                   [DIALOG_TERMINATING] = CHANNEL_DIALOG_TERMINATING,
                                                   [DIALOG_TERMINATED] = CHANNEL_DIALOG_TERMINATED};

bool ua_is_heard(const struct worker *worker)
{
    const atomic_uint *heard = worker->parts.ua_heard;
    return heard != NULL && atomic_load_explicit(heard, memory_order_relaxed) != 0;
}

bool ua_may_keep(const struct worker *worker)
{
    return worker->parts.ua_events != NULL && !ua_ring_is_half_full(worker->parts.ua_events);
}

static bool wants_answer(const struct ua_told *told)
{
    return told->kind == CHANNEL_UA_CALL || (told->kind == CHANNEL_UA_ASKED && told->transaction != 0);
}

uint64_t ua_transaction_handle(struct worker *worker, uint32_t transaction)
{
    if (transaction == INDEX_NONE)
        return 0;
    return command_handle(worker->parts.id, transaction_at(&worker->transactions, transaction)->generation,
                          transaction);
}

uint32_t ua_transaction_by_handle(struct worker *worker, uint64_t handle)
{
    uint32_t index = (uint32_t)handle;
    if (index >= worker->transactions.capacity || ua_transaction_handle(worker, index) != handle)
        return INDEX_NONE;
    const struct transaction *transaction = transaction_at(&worker->transactions, index);
    return transaction->state != TRANSACTION_FREE && transaction->ua ? index : INDEX_NONE;
}

struct ua_told ua_told_of(const struct worker *worker, enum channel_ua_kind kind, uint32_t dialog)
{
    const struct dialog *record = dialog_at(&worker->dialogs, dialog);
    enum dialog_side ours = DIALOG_CALLEE;
    (void)ua_side(worker, dialog, &ours);
    bool called = ours == DIALOG_CALLEE;
    return (struct ua_told){.kind = kind,
                            .dialog = command_handle(worker->parts.id, record->generation, dialog),
                            .call = record->call_hash,
                            .application = called ? record->callee_peer : record->caller_peer,
                            .peer = called ? record->caller_peer : record->callee_peer,
                            .state = dialog_state(&worker->dialogs, dialog),
                            .called = called};
}

static uint64_t call_of(const struct worker *worker, const struct ua_told *told)
{
    if (told->call != 0 || told->message == NULL)
        return told->call;
    return siphash13(&worker->parts.keys.table, message_at(told->message, told->message->call_id),
                     told->message->call_id.length);
}

bool ua_tell(struct worker *worker, const struct ua_told *told)
{
    if (!ua_is_heard(worker) && (wants_answer(told) || !ua_may_keep(worker))) {
        count(worker, COUNTER_UA_UNHEARD);
        return false;
    }
    uint32_t length = told->message == NULL ? 0 : told->message->length;
    struct channel_ua_event event = {
        .tag = told->tag,
        .dialog = told->dialog,
        .transaction = told->transaction,
        .call = call_of(worker, told),
        .time_ms = (worker->now_us + worker->wall_us) / 1000,
        .result = told->result,
        .application = told->application,
        .peer = told->peer,
        .status = told->status,
        .length = (uint16_t)length,
        .kind = (uint8_t)told->kind,
        .state = told_states[told->state],
        .reason = (uint8_t)told->reason,
        .flags = (told->called ? CHANNEL_UA_CALLEE : 0) | (told->absorbed ? CHANNEL_UA_ABSORBED : 0),
        .source = told->source.address,
        .source_port = told->source.port,
    };
    uint8_t *to = ua_ring_add(worker->parts.ua_events, channel_ua_event_size(&event));
    if (to == NULL) {
        count(worker, COUNTER_UA_RING_FULL);
        return false;
    }
    memcpy(to, &event, sizeof(event));
    if (length > 0)
        memcpy(to + sizeof(event), told->message->octets, length);
    memset(to + sizeof(event) + length, 0, channel_ua_event_size(&event) - sizeof(event) - length);
    ua_ring_publish(worker->parts.ua_events);
    count(worker, COUNTER_UA_TOLD);
    return true;
}
