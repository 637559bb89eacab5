// SPDX-License-Identifier: BSD-3-Clause
// One record of those that an INVITE made stands for the call. After a restart the INVITE is forgotten, so
// that they are known by what it had: Call-ID, caller's tag and the two peers.
#include "dialog_commit.h"

static void set_flags(struct dialogs *set, uint32_t index, uint8_t flags)
{
    const struct dialog *dialog = &set->records[index];
    struct commit_group group = commit_group_of(dialog);
    commit_row(&group, dialog->row, flags);
    commit_change(set, index, group);
}

static bool is_sibling(const struct dialog *dialog, const struct dialog *of)
{
    return dialog != of && dialog->caller_tag_hash == of->caller_tag_hash &&
           dialog->caller_peer == of->caller_peer && dialog->callee_peer == of->callee_peer;
}

static bool is_heir(const struct dialogs *set, const struct dialog *of, uint32_t index)
{
    const struct dialog *dialog = &set->records[index];
    enum dialog_state state = dialog_state(set, index);
    return is_sibling(dialog, of) && !(dialog->flags & DIALOG_FLAG_COUNTED) &&
           (state == DIALOG_NONE || state == DIALOG_EARLY || state == DIALOG_CONFIRMED);
}

uint32_t dialog_count_heir(const struct dialogs *set, uint32_t index)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    const struct dialog *dialog = &set->records[index];
    unsigned n =
        dialog_find_call(set, dialog->call_hash, (struct dialog_string){NULL, 0}, found, DIALOGS_OF_CALL_MAX);
    bool answered = dialog_state(set, index) == DIALOG_CONFIRMED; // those that still ring are given up
    for (unsigned i = 0; i < n; i++) {
        if (is_heir(set, dialog, found[i]) && (!answered || dialog_state(set, found[i]) == DIALOG_CONFIRMED))
            return found[i];
    }
    return INDEX_NONE;
}

void dialog_count_pass(struct dialogs *set, uint32_t from, uint32_t to)
{
    (void)commit_thaw(set, to); // without room the image keeps it as it was
    set_flags(set, to, set->records[to].flags | DIALOG_FLAG_COUNTED);
    set_flags(set, from, set->records[from].flags & (uint8_t)~DIALOG_FLAG_COUNTED);
}

// Being ended, and not known yet as what.
static bool is_ending(const struct dialog *dialog)
{
    return dialog->row == DIALOG_ROW_TERMINATING_EARLY || dialog->row == DIALOG_ROW_TERMINATING_CANCELLED;
}

uint32_t dialog_count_claim(struct dialogs *set, uint32_t index)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    const struct dialog *dialog = &set->records[index];
    if ((dialog->flags & DIALOG_FLAG_COUNTED) || !is_ending(dialog))
        return INDEX_NONE;
    unsigned n =
        dialog_find_call(set, dialog->call_hash, (struct dialog_string){NULL, 0}, found, DIALOGS_OF_CALL_MAX);
    for (unsigned i = 0; i < n; i++) {
        const struct dialog *other = &set->records[found[i]];
        enum dialog_state state = dialog_state(set, found[i]);
        if (!(other->flags & DIALOG_FLAG_COUNTED) || !is_sibling(dialog, other) ||
            !(is_ending(other) || state == DIALOG_NONE || state == DIALOG_EARLY))
            continue;
        dialog_count_pass(set, found[i], index);
        return found[i];
    }
    return INDEX_NONE;
}

uint32_t dialog_count_take(struct dialogs *set, uint32_t index)
{
    uint32_t found[DIALOGS_OF_CALL_MAX];
    const struct dialog *dialog = &set->records[index];
    if (dialog->flags & DIALOG_FLAG_COUNTED) // nearly always: it did not fork
        return INDEX_NONE;
    unsigned n =
        dialog_find_call(set, dialog->call_hash, (struct dialog_string){NULL, 0}, found, DIALOGS_OF_CALL_MAX);
    for (unsigned i = 0; i < n; i++) {
        enum dialog_state state = dialog_state(set, found[i]);
        if (!(set->records[found[i]].flags & DIALOG_FLAG_COUNTED) ||
            !is_heir(set, &set->records[found[i]], index) || (state != DIALOG_NONE && state != DIALOG_EARLY))
            continue;
        dialog_count_pass(set, found[i], index);
        return found[i];
    }
    return INDEX_NONE;
}
