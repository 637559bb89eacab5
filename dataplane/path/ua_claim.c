// SPDX-License-Identifier: BSD-3-Clause
// A claim names a dialog by index and generation, so that the end of the dialog is its end, and the control
// that made it, so that it ends with that. It is looked at for commands only: UA_CLAIMS of them are gone
// through one by one.
#include "ua_claim.h"
#include <errno.h>
#include "ua.h"

static uint32_t control_now(const struct worker *worker)
{
    return atomic_load_explicit(worker->parts.ua_heard, memory_order_relaxed);
}

static bool is_live(const struct worker *worker, const struct ua_claim *claim)
{
    return claim->control != 0 && claim->control == control_now(worker) &&
           (int32_t)(claim->until - worker->now) > 0 &&
           dialog_at(&worker->dialogs, claim->dialog)->generation == claim->generation &&
           dialog_state(&worker->dialogs, claim->dialog) != DIALOG_FREE;
}

// That of the dialog, NULL: none. *unused: one that is, NULL: none.
static struct ua_claim *find_claim(struct worker *worker, uint32_t dialog, struct ua_claim **unused)
{
    *unused = NULL;
    for (unsigned i = 0; i < UA_CLAIMS; i++) {
        struct ua_claim *claim = &worker->ua.claims[i];
        if (!is_live(worker, claim))
            *unused = claim;
        else if (claim->dialog == dialog)
            return claim;
    }
    return NULL;
}

// RFC 3891 6.1: 0 is also the tag of an end of RFC 2543, which has none.
static bool is_tag(const struct worker *worker, uint32_t dialog, enum dialog_text which,
                   struct dialog_string tag)
{
    bool null = tag.length == 1 && *(const char *)tag.octets == '0';
    char text[1];
    return dialog_text_is(&worker->dialogs, dialog, which, tag) ||
           (null && dialog_text(&worker->dialogs, dialog, which, text, 0) == 0);
}

// RFC 3891 section 3: the to-tag is ours, the from-tag the far end's, whoever called. Without an answer with
// a tag there is no dialog.
static bool is_named(const struct worker *worker, uint32_t dialog, const struct ua_command *command)
{
    const struct dialog *record = dialog_at(&worker->dialogs, dialog);
    enum dialog_side ours;
    if (!ua_side(worker, dialog, &ours) || dialog_state(&worker->dialogs, dialog) == DIALOG_NONE)
        return false;
    bool called = ours == DIALOG_CALLEE;
    return (called ? record->callee_peer : record->caller_peer) == command->fixed->application &&
           is_tag(worker, dialog, called ? DIALOG_TEXT_CALLEE_TAG : DIALOG_TEXT_CALLER_TAG,
                  command->texts[CHANNEL_UA_TEXT_TO]) &&
           is_tag(worker, dialog, called ? DIALOG_TEXT_CALLER_TAG : DIALOG_TEXT_CALLEE_TAG,
                  command->texts[CHANNEL_UA_TEXT_FROM_TAG]);
}

// RFC 3891 section 3: several are as good as none.
static uint32_t find_dialog(struct worker *worker, const struct ua_command *command)
{
    struct dialog_string call_id = command->texts[CHANNEL_UA_TEXT_CALL_ID];
    uint32_t indexes[DIALOGS_OF_CALL_MAX], found = INDEX_NONE;
    uint64_t hash = siphash13(&worker->parts.keys.table, call_id.octets, call_id.length);
    unsigned n = dialog_find_call(&worker->dialogs, hash, call_id, indexes, DIALOGS_OF_CALL_MAX);
    for (unsigned i = 0; i < n; i++) {
        if (!is_named(worker, indexes[i], command))
            continue;
        if (found != INDEX_NONE)
            return INDEX_NONE;
        found = indexes[i];
    }
    return found;
}

// RFC 3891 section 3. A 199 has ended what is early still (RFC 6228).
static int judge(struct worker *worker, uint32_t dialog, bool early_only)
{
    enum dialog_state state = dialog_state(&worker->dialogs, dialog);
    uint32_t usage = ua_usage_awake(worker, dialog);
    enum dialog_side ours = DIALOG_CALLEE;
    (void)ua_side(worker, dialog, &ours);
    bool lost = usage != INDEX_NONE && usage_at(&worker->ua.usages, usage)->state == USAGE_LOST_EARLY;
    if (state == DIALOG_TERMINATING || (state == DIALOG_EARLY && lost))
        return -EALREADY;
    if (state == DIALOG_EARLY)
        return ours == DIALOG_CALLEE ? -EPROTO : 0;
    return early_only ? -EISCONN : 0;
}

static int change(struct worker *worker, const struct ua_command *command)
{
    struct ua_claim *unused, *claim = find_claim(worker, command->dialog, &unused);
    if (claim == NULL)
        return -EALREADY;
    if (command->fixed->flags & CHANNEL_UA_CLAIMED)
        claim->until = worker->now + 64 * worker->transactions.timers.t1;
    else
        claim->control = 0;
    return 0;
}

int ua_claim(struct worker *worker, struct ua_command *command)
{
    struct ua_claim *unused;
    bool early_only = command->fixed->flags & CHANNEL_UA_EARLY_ONLY;
    if (command->dialog != INDEX_NONE)
        return change(worker, command);
    uint32_t dialog = find_dialog(worker, command);
    if (dialog == INDEX_NONE)
        return -ENOENT;
    int result = judge(worker, dialog, early_only);
    if (result != 0)
        return result;
    if (find_claim(worker, dialog, &unused) != NULL)
        return -EBUSY;
    if (unused == NULL)
        return -ENOSPC;
    command->dialog = dialog;
    *unused = (struct ua_claim){.dialog = dialog,
                                .generation = dialog_at(&worker->dialogs, dialog)->generation,
                                .until = worker->now + 64 * worker->transactions.timers.t1,
                                .control = control_now(worker),
                                .early_only = early_only};
    return 0;
}

bool ua_claim_end(struct worker *worker, uint32_t dialog)
{
    struct ua_claim *unused, *claim = find_claim(worker, dialog, &unused);
    if (claim == NULL)
        return false;
    claim->control = 0;
    // RFC 3891 7.1: what was answered meanwhile stays.
    return !claim->early_only || dialog_state(&worker->dialogs, dialog) == DIALOG_EARLY;
}
