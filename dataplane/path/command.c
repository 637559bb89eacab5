// SPDX-License-Identifier: BSD-3-Clause
// Commands from the agent: one bounded piece a turn, so that a list of a million dialogs holds no call up.
#include <errno.h>
#include <string.h>
#include <rte_ring.h>
#include "command.h"
#include "worker_core.h"

static const enum dialog_text row_texts[CHANNEL_TEXT_COUNT] = {
    [CHANNEL_TEXT_CALL_ID] = DIALOG_TEXT_CALL_ID,
    [CHANNEL_TEXT_CALLER_URI] = DIALOG_TEXT_CALLER_FROM,
    [CHANNEL_TEXT_CALLEE_URI] = DIALOG_TEXT_CALLEE_TO,
    [CHANNEL_TEXT_CALLER_TAG] = DIALOG_TEXT_CALLER_TAG,
    [CHANNEL_TEXT_CALLEE_TAG] = DIALOG_TEXT_CALLEE_TAG,
    [CHANNEL_TEXT_CALLER_TARGET] = DIALOG_TEXT_CALLER_TARGET,
    [CHANNEL_TEXT_CALLEE_TARGET] = DIALOG_TEXT_CALLEE_TARGET};

static const uint16_t row_states[DIALOG_STATES] = {[DIALOG_NONE] = CHANNEL_DIALOG_NONE,
                                                   [DIALOG_EARLY] = CHANNEL_DIALOG_EARLY,
                                                   [DIALOG_CONFIRMED] = CHANNEL_DIALOG_CONFIRMED,
                                                   [DIALOG_TERMINATING] = CHANNEL_DIALOG_TERMINATING,
                                                   [DIALOG_TERMINATED] = CHANNEL_DIALOG_TERMINATED};

// Longer texts are cut: a row is for people, the record keeps the whole.
#define ROW_TEXT_MAX 1024u

// Appends one row. Returns false when there is no room for it.
static bool add_row(const struct worker *worker, struct command *command, uint32_t index)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    const uint8_t *end = command->rows + COMMAND_ROWS_OCTETS;
    uint8_t *begin = command->rows + command->used;
    struct channel_dialog_row row = {
        .handle = command_handle(worker->parts.id, dialog->generation, index),
        .call = dialog->call_hash,
        .age_ms = (uint64_t)(tick_t)(worker->now - dialog_cold(&worker->dialogs, index)->created) * TICK_MS,
        .state_ms = (uint64_t)(tick_t)(worker->now - dialog_state_since(&worker->dialogs, index)) * TICK_MS,
        .state = row_states[dialog_state(&worker->dialogs, index)],
        .worker = (uint16_t)worker->parts.id,
        .caller_peer = dialog->caller_peer,
        .callee_peer = dialog->callee_peer,
        .callee_member = dialog->callee_member,
        .acked = (dialog->flags & DIALOG_FLAG_ACKED) != 0,
        .caller_cseq = dialog->cseq[DIALOG_CALLER],
        .callee_cseq = dialog->cseq[DIALOG_CALLEE],
    };
    if ((size_t)(end - begin) < sizeof(row))
        return false;
    uint8_t *out = begin + sizeof(row);
    for (unsigned i = 0; i < CHANNEL_TEXT_COUNT; i++) {
        uint32_t length = dialog_text(&worker->dialogs, index, row_texts[i], out, (uint32_t)(end - out));
        if (length > (size_t)(end - out))
            return false;
        row.text_lengths[i] = (uint16_t)RTE_MIN(length, ROW_TEXT_MAX);
        out += row.text_lengths[i];
    }
    memcpy(begin, &row, sizeof(row));
    while ((out - begin) % 8 != 0) // as the room is a multiple, there is some
        *out++ = 0;
    command->used += (uint32_t)(out - begin);
    command->row_count++;
    return true;
}

static bool is_wanted(const struct worker *worker, const struct command *command, uint32_t index)
{
    const struct dialog *dialog = dialog_at(&worker->dialogs, index);
    enum dialog_state state = dialog_state(&worker->dialogs, index);
    return state != DIALOG_FREE &&
           (command->peer == NUMBER_NONE || command->peer == dialog->caller_peer ||
            command->peer == dialog->callee_peer) &&
           (command->state == CHANNEL_DIALOG_ANY || command->state == row_states[state]) &&
           (command->older_ms == 0 ||
            (uint64_t)(tick_t)(worker->now - dialog_cold(&worker->dialogs, index)->created) * TICK_MS >=
                command->older_ms);
}

static void list(const struct worker *worker, struct command *command)
{
    uint32_t looked = 0;
    while (command->cursor < worker->dialogs.capacity && looked++ < COMMAND_SLICE &&
           command->row_count < command->limit) {
        if (is_wanted(worker, command, command->cursor) && !add_row(worker, command, command->cursor))
            break;
        command->cursor++;
    }
    command->done = command->cursor >= worker->dialogs.capacity;
}

static void show(const struct worker *worker, struct command *command)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    unsigned n = 1;
    if (command->handle != 0) {
        found[0] = dialog_by_handle(worker, command->handle);
        n = found[0] != INDEX_NONE;
    } else {
        uint64_t hash = siphash13(&worker->parts.keys.table, command->call_id, command->call_id_length);
        n = dialog_find_call(&worker->dialogs, hash,
                             (struct dialog_string){command->call_id, command->call_id_length}, found,
                             DIALOGS_OF_CALL_MAX);
    }
    for (unsigned i = 0; i < n; i++) {
        if (!add_row(worker, command, found[i]))
            break;
    }
    command->result = n > 0 ? 0 : -ENOENT;
}

static void end(struct worker *worker, struct command *command)
{
    uint32_t index = dialog_by_handle(worker, command->handle);
    command->result = index == INDEX_NONE ? -ENOENT : dialog_end(worker, index);
}

bool command_slice(struct worker *worker)
{
    void *taken;
    if (rte_ring_sc_dequeue(worker->parts.commands, &taken) != 0)
        return false;
    struct command *command = taken;
    command->row_count = 0;
    command->used = 0;
    command->result = 0;
    command->done = 1;
    switch (command->kind) {
    case COMMAND_DIALOG_LIST:
        list(worker, command);
        break;
    case COMMAND_DIALOG_SHOW:
        show(worker, command);
        break;
    case COMMAND_DIALOG_END:
        end(worker, command);
        break;
    default:
        command->result = -EINVAL;
    }
    // As large as the command ring: it always has room for what came from there.
    (void)rte_ring_sp_enqueue(worker->parts.results, command);
    return true;
}
