// SPDX-License-Identifier: BSD-3-Clause
// Records of an earlier process. First the line alone, so that calls go on as soon as all lines are there;
// the cold part is fetched later, or when something is to change. A record is in two files for a moment; the
// journal then says that the older one is to go.
#include <errno.h>
#include "dialog_commit.h"

uint32_t dialog_adopt(struct dialogs *set, unsigned image, uint32_t record, tick_t now)
{
    const struct dialog *from = &set->images[image]->records[record];
    uint32_t index = dialog_take(set, from->call_hash);
    if (index == INDEX_NONE)
        return INDEX_NONE;
    struct dialog *dialog = &set->records[index];
    dialog->call_hash = from->call_hash;
    dialog->cseq[DIALOG_CALLER] = from->cseq[DIALOG_CALLER];
    dialog->cseq[DIALOG_CALLEE] = from->cseq[DIALOG_CALLEE];
    dialog->cold = record;
    dialog->since = from->since;
    dialog->caller_tag_hash = from->caller_tag_hash;
    dialog->callee_tag_hash = from->callee_tag_hash;
    dialog->caller_peer = from->caller_peer;
    dialog->callee_peer = from->callee_peer;
    dialog->callee_member = from->callee_member;
    dialog->row = from->row;
    // What is not answered keeps the end that it had: its transaction is dead, but the caller's side still
    // waits and a 2xx may come as long as the callee rings, which timer C of any proxy on the way bounds
    // (16.6 step 11), counted from the INVITE. A bound nearer than that was the dead transaction's.
    dialog->flags = from->flags & (uint8_t)~DIALOG_FLAG_BOUNDED;
    dialog->heard = 0;
    dialog->invite = INDEX_NONE;
    dialog->invite_generation = 0;
    dialog->image = (uint8_t)(image + 1);
    set->images_left++;
    set->by_state[DIALOG_NONE]--;
    set->by_state[dialog_state_of[dialog->row]]++;
    dialog_arm(set, index, now);
    dialog_tell(set, index, DIALOG_FREE, DIALOG_EVENTS);
    return index;
}

int dialog_thaw(struct dialogs *set, uint32_t index)
{
    struct dialog *dialog = &set->records[index];
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    if (commit_is_ours(dialog))
        return 0;
    struct image *image = set->images[dialog->image - 1];
    uint32_t record = dialog->cold;
    dialog_cold_gather(set, index, texts);
    const struct dialog_cold *head = dialog_cold(set, index);
    const struct dialog_tail tail = dialog_cold_tail(head);
    arena_ref cold = dialog_cold_make(set, head, texts, &tail);
    if (cold == ARENA_NONE)
        return -ENOSPC;
    set->journal->taken_from = record;
    set->journal->taken_image = (uint32_t)image->header->epoch << 8 | image->header->worker;
    commit_order();
    set->journal->taken = index;
    dialog->cold = cold;
    dialog->image = 0;
    commit_new(dialog);
    image_strike(image, record);
    commit_order();
    set->journal->taken = INDEX_NONE;
    set->images_left--;
    return 0;
}
