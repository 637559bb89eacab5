// SPDX-License-Identifier: BSD-3-Clause
// CSeq numbers when we have put requests of our own into a dialog (RFC 3261 12.2.1.1: each request counts one
// up, and 12.2.2: a lower number than the last is refused). A request that we send to one end in the name of
// the other takes a number which that other end does not know of. What it sends from there on is shifted;
// what it had sent before, and whatever belongs to that (repetitions, ACK, CANCEL, PRACK), keeps the shift of
// its time. So each direction has a list of watermarks: from this number on, shifted by so much. A number of
// the far end leads back by the same list, since both columns only grow.
//
// A direction keeps DIALOG_SHIFTS_MAX watermarks. One begins only where the side has sent a request since the
// last of ours, so that what is forgotten lies that many of its requests back, and as many of ours. A number
// from before passes as it is: the far end takes it for what it is, one of long ago.
//
// Rejected: requests of ours with a number that was used before. A far end answers those with 500 while the
// dialog lives, in theory; in practice they are taken for repetitions, or dropped.
#include <errno.h>
#include "dialog_commit.h"

#define NUMBER_MAX 0x7fffffffu // 8.1.1.5

// The watermarks of one direction, oldest first.
struct shifts {
    const uint8_t *octets;
    unsigned count;
};

static struct dialog_shift shift_at(const struct shifts *shifts, unsigned which)
{
    struct dialog_shift shift;
    memcpy(&shift, shifts->octets + which * sizeof(shift), sizeof(shift));
    return shift;
}

static struct shifts shifts_of(const struct dialog_cold *cold, enum dialog_side side)
{
    const uint8_t *octets = (const uint8_t *)(cold + 1) + cold->length;
    unsigned caller = dialog_shift_count(cold, DIALOG_CALLER);
    if (side == DIALOG_CALLER)
        return (struct shifts){octets, caller};
    return (struct shifts){octets + caller * sizeof(struct dialog_shift), dialog_shift_count(cold, side)};
}

static struct shifts shifts_at(const struct dialogs *set, uint32_t index, enum dialog_side side)
{
    if (!(set->records[index].flags & DIALOG_FLAG_SHIFTED))
        return (struct shifts){NULL, 0};
    return shifts_of(dialog_cold(set, index), side);
}

uint32_t dialog_cseq_out(const struct dialogs *set, uint32_t index, enum dialog_side side, uint32_t number)
{
    struct shifts shifts = shifts_at(set, index, side);
    for (unsigned i = shifts.count; i-- > 0;) {
        struct dialog_shift shift = shift_at(&shifts, i);
        if (number >= shift.from)
            return number <= NUMBER_MAX - shift.by ? number + shift.by : number;
    }
    return number;
}

uint32_t dialog_cseq_back(const struct dialogs *set, uint32_t index, enum dialog_side side, uint32_t number)
{
    struct shifts shifts = shifts_at(set, index, side);
    for (unsigned i = shifts.count; i-- > 0;) {
        struct dialog_shift shift = shift_at(&shifts, i);
        if (number >= shift.from + shift.by)
            return number - shift.by;
    }
    return number;
}

// The least number that this side has not used. Of the callee 0 says that nothing was seen yet (12.1.2).
static uint32_t unused_number(const struct dialogs *set, uint32_t index, enum dialog_side side)
{
    uint32_t seen = set->records[index].cseq[side];
    return side == DIALOG_CALLEE && seen == 0 ? 0 : seen + 1;
}

uint32_t dialog_cseq_next(const struct dialogs *set, uint32_t index, enum dialog_side side)
{
    struct shifts shifts = shifts_at(set, index, side);
    uint32_t unused = unused_number(set, index, side);
    if (shifts.count == 0)
        return unused > 0 ? unused : 1;
    return unused + shift_at(&shifts, shifts.count - 1).by; // no watermark lies above what was seen
}

// One number more of a side is ours; added NULL: as it was. shifts: room for DIALOG_SHIFTS_MAX. Returns how
// many there are.
static unsigned add_shift(const struct shifts *old, const struct dialog_shift *added,
                          struct dialog_shift *shifts)
{
    unsigned count = 0, first = 0;
    bool again = added != NULL && old->count > 0 && shift_at(old, old->count - 1).from == added->from;
    if (added != NULL && !again && old->count == DIALOG_SHIFTS_MAX)
        first = 1;
    for (unsigned i = first; i < old->count; i++)
        shifts[count++] = shift_at(old, i);
    if (again)
        count--;
    if (added != NULL)
        shifts[count++] = *added;
    return count;
}

int dialog_cseq_take(struct dialogs *set, uint32_t index, enum dialog_side side)
{
    struct dialog_shift shifts[2 * DIALOG_SHIFTS_MAX];
    uint32_t number = dialog_cseq_next(set, index, side);
    uint32_t unused = unused_number(set, index, side);
    if (number >= NUMBER_MAX)
        return -ERANGE;
    if (commit_thaw(set, index) != 0)
        return -ENOSPC;
    struct dialog_cold head = *dialog_cold(set, index);
    struct shifts caller = shifts_at(set, index, DIALOG_CALLER);
    struct shifts callee = shifts_at(set, index, DIALOG_CALLEE);
    const struct dialog_shift added = {.from = unused, .by = number + 1 - unused};
    unsigned counts[2];
    for (unsigned i = 0, used = 0; i < 2; used += counts[i++]) {
        const struct shifts *old = i == DIALOG_CALLER ? &caller : &callee;
        counts[i] = add_shift(old, i == side ? &added : NULL, shifts + used);
    }
    head.shifts = (uint8_t)(counts[DIALOG_CALLER] | counts[DIALOG_CALLEE] << 4);
    return dialog_cold_shift(set, index, &head, shifts);
}
