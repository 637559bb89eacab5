// SPDX-License-Identifier: BSD-3-Clause
// The table of all transfers over a restart of control (control/ua/keep.h). Those between two peers are heard
// of again as their messages pass; those of applications and operators go on when their own records are
// there, else they are lost.
#include <stdlib.h>
#include <string.h>
#include "../control.h"
#include "operator.h"
#include "referral.h"
#include "transfer.h"

enum { FLAG_CALLEE = 1, FLAG_ATTENDED = 2, FLAG_ACCEPTED = 4, FLAG_OVER = 8 };

#define NUMBERS 12u

void referral_keep(struct control *control, const struct referral *referral)
{
    struct keep_writer *writer = keep_begin(control->ua.keep);
    if (!writer)
        return;
    const uint64_t numbers[NUMBERS] = {
        referral->by_call.key,
        referral->dialog,
        referral->began_ms,
        referral->changed_ms,
        referral->began_unix_ms,
        referral->from_peer,
        referral->to_peer,
        referral->application,
        referral->status,
        (uint64_t)referral->origin << 8 | referral->outcome,
        (referral->callee ? FLAG_CALLEE : 0u) | (referral->attended ? FLAG_ATTENDED : 0u) |
            (referral->accepted ? FLAG_ACCEPTED : 0u) | (referral->over ? FLAG_OVER : 0u),
        referral->reported,
    };
    for (unsigned i = 0; i < NUMBERS; i++)
        keep_number(writer, numbers[i]);
    keep_octets(writer, &referral->refer, sizeof(referral->refer));
    keep_octets(writer, referral->steps, referral->step_count * sizeof(referral->steps[0]));
    keep_text(writer, referral->target);
    keep_text(writer, referral->replaces);
    keep_text(writer, referral->referred_by);
    keep_put(control->ua.keep, KEEP_REFERRAL, referral->by_id.key);
}

static void free_texts(struct referral *referral)
{
    free(referral->target);
    free(referral->replaces);
    free(referral->referred_by);
    free(referral);
}

// Returns the number of the Call-ID.
static uint64_t read_numbers(struct referral *referral, struct keep_reader *reader)
{
    uint64_t n[NUMBERS];
    for (unsigned i = 0; i < NUMBERS; i++)
        n[i] = keep_read_number(reader);
    referral->dialog = n[1];
    referral->began_ms = n[2];
    referral->changed_ms = n[3];
    referral->began_unix_ms = n[4];
    referral->from_peer = (uint16_t)n[5];
    referral->to_peer = (uint16_t)n[6];
    referral->application = (uint16_t)n[7];
    referral->status = (uint16_t)n[8];
    referral->origin = (uint8_t)(n[9] >> 8);
    referral->outcome = (uint8_t)n[9];
    referral->callee = (n[10] & FLAG_CALLEE) != 0;
    referral->attended = (n[10] & FLAG_ATTENDED) != 0;
    referral->accepted = (n[10] & FLAG_ACCEPTED) != 0;
    referral->over = (n[10] & FLAG_OVER) != 0;
    referral->reported = (uint16_t)n[11];
    return n[0];
}

static bool read_machine(struct referral *referral, struct keep_reader *reader)
{
    size_t length, steps_length;
    struct refer *refer = keep_read_octets(reader, &length);
    struct referral_step *steps = keep_read_octets(reader, &steps_length);
    bool whole = refer && length == sizeof(*refer) && refer->state < REFER_STATES && steps &&
                 steps_length <= sizeof(referral->steps) && steps_length % sizeof(*steps) == 0;
    if (whole) {
        referral->refer = *refer;
        referral->step_count = (uint8_t)(steps_length / sizeof(*steps));
        memcpy(referral->steps, steps, steps_length);
    }
    for (unsigned i = 0; whole && i < referral->step_count; i++) {
        referral->steps[i].reason[sizeof(referral->steps[i].reason) - 1] = '\0';
        whole = referral->steps[i].state < REFER_STATES;
    }
    free(refer);
    free(steps);
    return whole;
}

static void take(void *context, uint64_t id, struct keep_reader *reader)
{
    struct control *control = context;
    struct referral *referral = calloc(1, sizeof(*referral));
    if (!referral)
        return;
    uint64_t call = read_numbers(referral, reader);
    bool whole = read_machine(referral, reader);
    referral->target = keep_read_text(reader);
    referral->replaces = keep_read_text(reader);
    referral->referred_by = keep_read_text(reader);
    if (whole && !reader->bad && id && referral->origin < REFERRAL_ORIGIN_COUNT &&
        referral->outcome < REFERRAL_OUTCOME_COUNT && referral_take(control, referral, id, call))
        return;
    free_texts(referral);
    keep_drop(control->ua.keep, KEEP_REFERRAL, id);
}

static bool is_carried_on(struct control *control, const struct referral *referral)
{
    switch (referral->origin) {
    case REFERRAL_APPLICATION:
        return transfer_find(&control->ua, referral->by_id.key) != NULL;
    case REFERRAL_OPERATOR:
        return operator_has(control, referral->by_id.key);
    default:
        return true;
    }
}

void referrals_take(struct control *control)
{
    struct referral *referral, *next;
    keep_each(control->ua.keep, KEEP_REFERRAL, take, control);
    for (referral = TAILQ_FIRST(&control->referrals.open); referral; referral = next) {
        next = TAILQ_NEXT(referral, link);
        if (!is_carried_on(control, referral))
            referral_end(control, referral, REFERRAL_LOST);
    }
}
