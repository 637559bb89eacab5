// SPDX-License-Identifier: BSD-3-Clause
// The machine's steps, and the one timer of each record. From Confirmed on the deadline follows from what is
// in the record; the timer may run out earlier (an ACK moves the deadline away, the timer stays), and then
// only begins again: dialog_expired().
#include "dialog_commit.h"

static inline bool is_due(tick_t deadline, tick_t now)
{
    return (int32_t)(now - deadline) >= 0;
}

static inline tick_t nearer(tick_t a, tick_t b)
{
    return (int32_t)(a - b) < 0 ? a : b;
}

// When to see who was heard: at times that are as far apart as the keepalive says and lie anywhere, so that a
// million dialogs that were taken over at once are not asked at once. They need no memory.
static tick_t since_look(const struct dialogs *set, uint32_t index, tick_t at)
{
    return (at + (tick_t)set->records[index].call_hash) % set->life.keepalive;
}

static tick_t next_look(const struct dialogs *set, uint32_t index, tick_t now)
{
    return now + set->life.keepalive - since_look(set, index, now);
}

// Before the ACK nobody is asked: that the call is there is not yet agreed on.
static bool is_look(const struct dialogs *set, uint32_t index, tick_t at)
{
    return set->life.keepalive != 0 && (set->records[index].flags & DIALOG_FLAG_ACKED) &&
           since_look(set, index, at) == 0;
}

static tick_t confirmed_end(const struct dialogs *set, uint32_t index, tick_t now)
{
    const struct dialog *dialog = &set->records[index];
    tick_t end = dialog->since + set->life.confirmed;
    if (!(dialog->flags & DIALOG_FLAG_ACKED))
        end = nearer(end, dialog->since + set->life.no_ack);
    if (dialog->flags & DIALOG_FLAG_SESSION)
        end = nearer(end, dialog_cold(set, index)->session_end);
    if (set->life.keepalive != 0)
        end = nearer(end, next_look(set, index, now));
    return end;
}

void dialog_arm_confirmed(struct dialogs *set, uint32_t index, tick_t now)
{
    const struct wheel_node *timer = &set->records[index].timer;
    tick_t end = confirmed_end(set, index, now);
    if (!wheel_armed(timer) || (int32_t)(end - timer->deadline) < 0)
        wheel_arm(set->wheel, WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index), end);
}

void dialog_arm(struct dialogs *set, uint32_t index, tick_t now)
{
    const struct dialog *dialog = &set->records[index];
    uint32_t handle = WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index);
    switch (dialog_state_of[dialog->row]) {
    case DIALOG_NONE:
        wheel_arm(set->wheel, handle, dialog->since + set->life.none);
        break;
    case DIALOG_EARLY:
        if (!(dialog->flags & DIALOG_FLAG_BOUNDED) || !wheel_armed(&dialog->timer))
            wheel_arm(set->wheel, handle, dialog_cold(set, index)->created + set->life.early);
        break;
    case DIALOG_CONFIRMED:
        dialog_arm_confirmed(set, index, now);
        break;
    default:
        wheel_arm(set->wheel, handle, now + set->life.terminating);
        break;
    }
}

enum dialog_event dialog_expired(struct dialogs *set, uint32_t index, tick_t now)
{
    const struct dialog *dialog = &set->records[index];
    if (dialog->row == DIALOG_ROW_FREE || wheel_armed(&dialog->timer))
        return DIALOG_EVENTS;
    if (dialog->row != DIALOG_ROW_CONFIRMED)
        return DIALOG_ON_TIMEOUT;
    if (!(dialog->flags & DIALOG_FLAG_ACKED) && is_due(dialog->since + set->life.no_ack, now))
        return DIALOG_ON_NO_ACK;
    if ((dialog->flags & DIALOG_FLAG_SESSION) && is_due(dialog_cold(set, index)->session_end, now))
        return DIALOG_ON_SESSION_END;
    if (is_due(dialog->since + set->life.confirmed, now))
        return DIALOG_ON_TIMEOUT;
    tick_t ran_out = dialog->timer.deadline;
    dialog_arm_confirmed(set, index, now);
    return is_look(set, index, ran_out) ? DIALOG_ON_KEEPALIVE : DIALOG_EVENTS;
}

static uint8_t flags_after(const struct dialog *dialog, enum dialog_event event)
{
    if (event == DIALOG_ON_ACK && dialog->row >= DIALOG_ROW_CONFIRMED)
        return dialog->flags | DIALOG_FLAG_ACKED;
    if (event == DIALOG_ON_CANCEL && (dialog->row == DIALOG_ROW_NONE || dialog->row == DIALOG_ROW_EARLY))
        return dialog->flags | DIALOG_FLAG_CANCELLED;
    if (event == DIALOG_ON_BYE_CHALLENGED && dialog_fsm[dialog->row][event].next != DIALOG_ROW_FREE)
        return dialog->flags | DIALOG_FLAG_RESUMED;
    return dialog->flags;
}

// It is left: the caller releases it.
static unsigned terminate(struct dialogs *set, uint32_t index, enum dialog_event event, unsigned actions)
{
    struct dialog *dialog = &set->records[index];
    uint8_t from = dialog_state_of[dialog->row];
    commit_gone(dialog);
    dialog->row = DIALOG_ROW_TERMINATED;
    wheel_cancel(set->wheel, WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index));
    set->by_state[from]--;
    set->by_state[DIALOG_TERMINATED]++;
    dialog_tell(set, index, from, event);
    return actions;
}

unsigned dialog_step(struct dialogs *set, uint32_t index, enum dialog_event event, tick_t now)
{
    struct dialog *dialog = &set->records[index];
    struct dialog_cell cell = dialog_fsm[dialog->row][event];
    uint8_t flags = flags_after(dialog, event);
    uint8_t row = cell.next != DIALOG_ROW_FREE ? cell.next : dialog->row;
    uint8_t from = dialog_state_of[dialog->row];
    if (row == DIALOG_ROW_FREE)
        return 0;
    if (row == DIALOG_ROW_TERMINATED)
        return terminate(set, index, event, cell.actions);
    if (row != dialog->row || flags != dialog->flags) {
        (void)commit_thaw(set, index);
        struct commit_group group = commit_group_of(dialog);
        commit_row(&group, row, flags);
        if (cell.actions & (DIALOG_DO_EARLY | DIALOG_DO_CONFIRM))
            group.since = now;
        commit_change(set, index, group);
        set->by_state[from]--;
        set->by_state[dialog_state_of[row]]++;
        dialog_tell(set, index, from, event);
    }
    // Whatever happened: no record leaves here without a timer.
    if (cell.next != DIALOG_ROW_FREE || !wheel_armed(&dialog->timer))
        dialog_arm(set, index, now);
    return cell.actions;
}

tick_t dialog_state_since(const struct dialogs *set, uint32_t index)
{
    const struct dialog *dialog = &set->records[index];
    if (dialog_state_of[dialog->row] != DIALOG_TERMINATING)
        return dialog->since;
    return dialog->timer.deadline - set->life.terminating;
}

void dialog_end_at(struct dialogs *set, uint32_t index, tick_t deadline)
{
    struct dialog *dialog = &set->records[index];
    if (wheel_armed(&dialog->timer) && (int32_t)(deadline - dialog->timer.deadline) >= 0)
        return;
    struct commit_group group = commit_group_of(dialog);
    commit_row(&group, dialog->row, dialog->flags | DIALOG_FLAG_BOUNDED);
    commit_change(set, index, group);
    wheel_arm(set->wheel, WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index), deadline);
}
