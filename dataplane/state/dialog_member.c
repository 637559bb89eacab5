// SPDX-License-Identifier: BSD-3-Clause
// A call that is not answered yet may pass to another member of the callee's peer.
#include "dialog_commit.h"

void dialog_member_set(struct dialogs *set, uint32_t index, uint16_t member)
{
    struct dialog *dialog = &set->records[index];
    if (dialog->callee_member == member)
        return;
    (void)commit_thaw(set, index); // without room for that nothing is committed, and the image keeps the old
    commit_open(set, index);
    dialog->callee_member = member;
    commit_close(set, index);
}
