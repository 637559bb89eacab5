// SPDX-License-Identifier: BSD-3-Clause
// The dialog machine, one row an edge of RFC 3261 12, 13, 15, RFC 5057 and of an operator's end. What has no
// row changes nothing.
#include "world.h"

enum {
    NONE = DIALOG_ROW_NONE,
    EARLY = DIALOG_ROW_EARLY,
    CONFIRMED = DIALOG_ROW_CONFIRMED,
    TERMINATING = DIALOG_ROW_TERMINATING,
    BYE_EARLY = DIALOG_ROW_TERMINATING_EARLY,
    CANCELLED = DIALOG_ROW_TERMINATING_CANCELLED,
    UNACKED = DIALOG_ROW_TERMINATING_UNACKED,
    TERMINATED = DIALOG_ROW_TERMINATED
};
enum {
    CONFIRM = DIALOG_DO_CONFIRM,
    END_CONFIRMED = DIALOG_DO_END_CONFIRMED,
    END_EARLY = DIALOG_DO_END_EARLY,
    RELEASE = DIALOG_DO_RELEASE,
    BYE_BOTH = DIALOG_DO_BYE_BOTH,
    CANCEL = DIALOG_DO_CANCEL
};

struct row {
    int row, event, next;
    unsigned actions;
};

static const struct row rows[] = {
    {NONE, DIALOG_ON_PROVISIONAL, EARLY, DIALOG_DO_EARLY},      // 12.1: a 101-199 with a To-tag
    {NONE, DIALOG_ON_SUCCESS, CONFIRMED, CONFIRM},              // 12.1: 2xx without a 1xx
    {NONE, DIALOG_ON_REFUSED, TERMINATED, END_EARLY | RELEASE}, // no dialog comes of it
    {NONE, DIALOG_ON_TIMEOUT, TERMINATED, END_EARLY | RELEASE},
    {NONE, DIALOG_ON_OPERATOR_END, CANCELLED, CANCEL},
    {EARLY, DIALOG_ON_SUCCESS, CONFIRMED, CONFIRM},
    {EARLY, DIALOG_ON_REFUSED, TERMINATED, END_EARLY | RELEASE}, // 12.3
    {EARLY, DIALOG_ON_BYE, BYE_EARLY, 0},                        // 15: the caller may end an early dialog
    {EARLY, DIALOG_ON_TIMEOUT, TERMINATED, END_EARLY | RELEASE},
    {EARLY, DIALOG_ON_OPERATOR_END, CANCELLED, CANCEL},
    {CONFIRMED, DIALOG_ON_BYE, TERMINATING, 0},
    {CONFIRMED, DIALOG_ON_BYE_DONE, TERMINATED, END_CONFIRMED | RELEASE},
    {CONFIRMED, DIALOG_ON_TIMEOUT, TERMINATING, BYE_BOTH},
    {CONFIRMED, DIALOG_ON_OPERATOR_END, TERMINATING, BYE_BOTH},
    {CONFIRMED, DIALOG_ON_DEAD, TERMINATING, BYE_BOTH},
    {CONFIRMED, DIALOG_ON_END_UNACKED, UNACKED, 0}, // 15: the callee may not before the ACK
    {CONFIRMED, DIALOG_ON_GONE, TERMINATING, 0},    // 12.2.1.2, RFC 5057
    {CONFIRMED, DIALOG_ON_NO_ACK, TERMINATED, END_CONFIRMED | RELEASE},      // 13.3.1.4
    {CONFIRMED, DIALOG_ON_SESSION_END, TERMINATED, END_CONFIRMED | RELEASE}, // RFC 4028 8.3
    {TERMINATING, DIALOG_ON_BYE_DONE, TERMINATED, END_CONFIRMED | RELEASE},
    {TERMINATING, DIALOG_ON_BYE_CHALLENGED, CONFIRMED, 0},
    {TERMINATING, DIALOG_ON_TIMEOUT, TERMINATED, END_CONFIRMED | RELEASE},
    {BYE_EARLY, DIALOG_ON_SUCCESS, TERMINATING, CONFIRM},            // crossed the BYE
    {BYE_EARLY, DIALOG_ON_REFUSED, TERMINATED, END_EARLY | RELEASE}, // 15.1.2: 487
    {BYE_EARLY, DIALOG_ON_BYE_DONE, TERMINATED, END_EARLY | RELEASE},
    {BYE_EARLY, DIALOG_ON_BYE_CHALLENGED, EARLY, 0},
    {BYE_EARLY, DIALOG_ON_TIMEOUT, TERMINATED, END_EARLY | RELEASE},
    {CANCELLED, DIALOG_ON_SUCCESS, UNACKED, CONFIRM}, // 9.1: crossed the CANCEL
    {CANCELLED, DIALOG_ON_REFUSED, TERMINATED, END_EARLY | RELEASE},
    {CANCELLED, DIALOG_ON_TIMEOUT, TERMINATED, END_EARLY | RELEASE},
    {UNACKED, DIALOG_ON_ACK, TERMINATING, BYE_BOTH},
    {UNACKED, DIALOG_ON_BYE, TERMINATING, 0},
    {UNACKED, DIALOG_ON_BYE_DONE, TERMINATED, END_CONFIRMED | RELEASE},
    {UNACKED, DIALOG_ON_TIMEOUT, TERMINATING, BYE_BOTH}, // 15: 64*T1 are over
};

static struct row expected(int row, int event)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].row == row && rows[i].event == event)
            return rows[i];
    return (struct row){row, event, 0, 0};
}

static void every_cell(void **test)
{
    for (int row = 0; row < DIALOG_ROWS; row++)
        for (int event = 0; event < DIALOG_EVENTS; event++) {
            struct row right = expected(row, event);
            struct dialog_cell cell = dialog_fsm[row][event];
            if (cell.next != right.next || cell.actions != right.actions)
                fail_msg("row %d event %d: %u, actions %u; should be %d, %u", row, event, cell.next,
                         cell.actions, right.next, right.actions);
        }
}

static void rows_are_states(void **test)
{
    static const uint8_t states[] = {
        DIALOG_FREE,        DIALOG_NONE,        DIALOG_EARLY,       DIALOG_CONFIRMED,  DIALOG_TERMINATING,
        DIALOG_TERMINATING, DIALOG_TERMINATING, DIALOG_TERMINATING, DIALOG_TERMINATED,
    };
    assert_memory_equal(dialog_state_of, states, sizeof(states));
}

static uint32_t make(struct world *world)
{
    struct dialog_string texts[DIALOG_TEXT_COUNT] = {0};
    uint32_t index =
        dialog_create(&world->dialogs, &(struct dialog_birth){.call_hash = 1, .texts = texts}, world->now);
    assert_int_not_equal(index, INDEX_NONE);
    return index;
}

// All sequences of five events from None, through dialog_step(): counts by state stay right, a confirmed one
// is counted once and ended once, every live record is on the wheel and committed, an ended one is not.
static void every_sequence(void **test)
{
    enum { LENGTH = 5 };
    struct world *world = calloc(1, sizeof(*world));
    unsigned sequences = 1;
    world_init(world);
    for (unsigned i = 0; i < LENGTH; i++)
        sequences *= DIALOG_EVENTS;
    for (unsigned sequence = 0; sequence < sequences; sequence++) {
        uint32_t index = make(world);
        const struct dialog *dialog = dialog_at(&world->dialogs, index);
        int confirmed = 0, ended_confirmed = 0, ended_early = 0;
        unsigned rest = sequence;
        for (unsigned i = 0; i < LENGTH && dialog->row != TERMINATED; i++, rest /= DIALOG_EVENTS) {
            enum dialog_event event = rest % DIALOG_EVENTS;
            if (event == DIALOG_ON_TIMEOUT)
                wheel_cancel(&world->wheel, WHEEL_HANDLE(WHEEL_CLASS_DIALOG, index)); // it expired
            unsigned actions = dialog_step(&world->dialogs, index, event, world->now);
            enum dialog_state state = dialog_state(&world->dialogs, index);
            confirmed += (actions & CONFIRM) != 0;
            ended_confirmed += (actions & END_CONFIRMED) != 0;
            ended_early += (actions & END_EARLY) != 0;
            assert_int_equal((actions & RELEASE) != 0, state == DIALOG_TERMINATED);
            assert_int_equal(world->dialogs.by_state[state], 1);
            assert_int_equal(world->dialogs.by_state[DIALOG_FREE], WORLD_CAPACITY - 1);
            assert_int_equal(wheel_armed(&dialog->timer), state != DIALOG_TERMINATED);
            assert_int_equal(dialog->check, state == DIALOG_TERMINATED ? 0 : dialog_record_check(dialog));
        }
        assert_true(confirmed <= 1);
        assert_int_equal(ended_confirmed, dialog->row == TERMINATED ? confirmed : 0);
        assert_int_equal(ended_early, dialog->row == TERMINATED ? 1 - confirmed : 0);
        dialog_release(&world->dialogs, index);
    }
    world_fini(world);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell),
        cmocka_unit_test(rows_are_states),
        cmocka_unit_test(every_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
