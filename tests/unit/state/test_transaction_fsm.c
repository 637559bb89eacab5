// SPDX-License-Identifier: BSD-3-Clause
// The machines as RFC 3261 17.1.1, 17.1.2, 17.2.1, 17.2.2 and RFC 6026 7.1, 7.2 describe them, one row a
// sentence or arrow. What has no row is absorbed, or is refused when the user sends after its final response.
#include "world.h"

enum {
    IST = TRANSACTION_INVITE_SERVER,
    NIST = TRANSACTION_SERVER,
    ICT = TRANSACTION_INVITE_CLIENT,
    NICT = TRANSACTION_CLIENT
};
enum {
    TRYING = TRANSACTION_TRYING,
    PROCEEDING = TRANSACTION_PROCEEDING,
    COMPLETED = TRANSACTION_COMPLETED,
    CONFIRMED = TRANSACTION_CONFIRMED,
    ACCEPTED = TRANSACTION_ACCEPTED,
    TERMINATED = TRANSACTION_TERMINATED
};
enum {
    SEND = TRANSACTION_DO_SEND,
    RESEND = TRANSACTION_DO_RESEND,
    DELIVER = TRANSACTION_DO_DELIVER,
    ACK = TRANSACTION_DO_ACK,
    FAIL = TRANSACTION_DO_FAIL,
    RELEASE = TRANSACTION_DO_RELEASE,
    REFUSE = TRANSACTION_DO_REFUSE,
    CANCEL = TRANSACTION_DO_CANCEL,
    LATE = TRANSACTION_DO_TRYING,
    FAILOVER = TRANSACTION_DO_FAILOVER
};

struct row {
    int kind, state, event, next;
    unsigned actions;
};

static const struct row rows[] = {
    // 17.2.1: "the server transaction MUST be in Proceeding"; RFC 6026 figure 7
    {IST, PROCEEDING, TRANSACTION_ON_REQUEST, PROCEEDING, RESEND},
    {IST, PROCEEDING, TRANSACTION_ON_SEND_1XX, PROCEEDING, SEND},
    {IST, PROCEEDING, TRANSACTION_ON_SEND_2XX, ACCEPTED, SEND},
    {IST, PROCEEDING, TRANSACTION_ON_SEND_FAILURE, COMPLETED, SEND},
    {IST, PROCEEDING, TRANSACTION_ON_TRANSPORT, PROCEEDING, FAIL},
    {IST, PROCEEDING, TRANSACTION_ON_TIMEOUT, TERMINATED, FAIL | RELEASE}, // an end that the user set
    {IST, COMPLETED, TRANSACTION_ON_REQUEST, COMPLETED, RESEND},
    {IST, COMPLETED, TRANSACTION_ON_ACK, CONFIRMED, 0},
    {IST, COMPLETED, TRANSACTION_ON_RETRANSMIT, COMPLETED, RESEND},       // G
    {IST, COMPLETED, TRANSACTION_ON_TIMEOUT, TERMINATED, FAIL | RELEASE}, // H
    {IST, COMPLETED, TRANSACTION_ON_TRANSPORT, COMPLETED, FAIL},
    {IST, CONFIRMED, TRANSACTION_ON_END, TERMINATED, RELEASE}, // I
    {IST, ACCEPTED, TRANSACTION_ON_ACK, ACCEPTED, DELIVER},
    {IST, ACCEPTED, TRANSACTION_ON_SEND_2XX, ACCEPTED, SEND},
    {IST, ACCEPTED, TRANSACTION_ON_END, TERMINATED, RELEASE}, // L
    {IST, ACCEPTED, TRANSACTION_ON_TRANSPORT, ACCEPTED, FAIL},
    // 17.2.1: other final responses MUST be discarded while in Completed; RFC 6026 7.1: so in Accepted, but
    // for 2xx
    {IST, COMPLETED, TRANSACTION_ON_SEND_1XX, 0, REFUSE},
    {IST, COMPLETED, TRANSACTION_ON_SEND_2XX, 0, REFUSE},
    {IST, COMPLETED, TRANSACTION_ON_SEND_FAILURE, 0, REFUSE},
    {IST, CONFIRMED, TRANSACTION_ON_SEND_1XX, 0, REFUSE},
    {IST, CONFIRMED, TRANSACTION_ON_SEND_2XX, 0, REFUSE},
    {IST, CONFIRMED, TRANSACTION_ON_SEND_FAILURE, 0, REFUSE},
    {IST, ACCEPTED, TRANSACTION_ON_SEND_1XX, 0, REFUSE},
    {IST, ACCEPTED, TRANSACTION_ON_SEND_FAILURE, 0, REFUSE},

    // 17.2.2, figure 8. A repeat in Trying is discarded: no row.
    {NIST, TRYING, TRANSACTION_ON_SEND_1XX, PROCEEDING, SEND},
    {NIST, TRYING, TRANSACTION_ON_SEND_2XX, COMPLETED, SEND},
    {NIST, TRYING, TRANSACTION_ON_SEND_FAILURE, COMPLETED, SEND},
    {NIST, TRYING, TRANSACTION_ON_TIMEOUT, TERMINATED, FAIL | RELEASE}, // an end that the user set
    {NIST, TRYING, TRANSACTION_ON_LATE, PROCEEDING, LATE},              // RFC 4320 4.1
    {NIST, PROCEEDING, TRANSACTION_ON_REQUEST, PROCEEDING, RESEND},
    {NIST, PROCEEDING, TRANSACTION_ON_SEND_1XX, PROCEEDING, SEND},
    {NIST, PROCEEDING, TRANSACTION_ON_SEND_2XX, COMPLETED, SEND},
    {NIST, PROCEEDING, TRANSACTION_ON_SEND_FAILURE, COMPLETED, SEND},
    {NIST, PROCEEDING, TRANSACTION_ON_TRANSPORT, TERMINATED, FAIL | RELEASE},
    {NIST, PROCEEDING, TRANSACTION_ON_TIMEOUT, TERMINATED, FAIL | RELEASE},
    {NIST, COMPLETED, TRANSACTION_ON_REQUEST, COMPLETED, RESEND},
    {NIST, COMPLETED, TRANSACTION_ON_TRANSPORT, TERMINATED, FAIL | RELEASE},
    {NIST, COMPLETED, TRANSACTION_ON_END, TERMINATED, RELEASE}, // J
    {NIST, COMPLETED, TRANSACTION_ON_SEND_1XX, 0, REFUSE},
    {NIST, COMPLETED, TRANSACTION_ON_SEND_2XX, 0, REFUSE},
    {NIST, COMPLETED, TRANSACTION_ON_SEND_FAILURE, 0, REFUSE},

    // 17.1.1.2, RFC 6026 figure 5
    {ICT, TRYING, TRANSACTION_ON_RETRANSMIT, TRYING, RESEND},          // A
    {ICT, TRYING, TRANSACTION_ON_TIMEOUT, TERMINATED, FAIL | RELEASE}, // B
    {ICT, TRYING, TRANSACTION_ON_SLOW, TRYING, FAILOVER},
    {ICT, TRYING, TRANSACTION_ON_TRANSPORT, TERMINATED, FAIL | RELEASE},
    {ICT, TRYING, TRANSACTION_ON_1XX, PROCEEDING, DELIVER},
    {ICT, TRYING, TRANSACTION_ON_100, PROCEEDING, DELIVER},
    {ICT, TRYING, TRANSACTION_ON_2XX, ACCEPTED, DELIVER},
    {ICT, TRYING, TRANSACTION_ON_FAILURE, COMPLETED, DELIVER | ACK},
    {ICT, PROCEEDING, TRANSACTION_ON_1XX, PROCEEDING, DELIVER},
    {ICT, PROCEEDING, TRANSACTION_ON_100, PROCEEDING, DELIVER},
    {ICT, PROCEEDING, TRANSACTION_ON_2XX, ACCEPTED, DELIVER},
    {ICT, PROCEEDING, TRANSACTION_ON_FAILURE, COMPLETED, DELIVER | ACK},
    {ICT, PROCEEDING, TRANSACTION_ON_TIMER_C, PROCEEDING, CANCEL},         // 16.8
    {ICT, PROCEEDING, TRANSACTION_ON_TIMEOUT, TERMINATED, FAIL | RELEASE}, // 9.1: 64*T1 after the CANCEL
    {ICT, COMPLETED, TRANSACTION_ON_FAILURE, COMPLETED, ACK},
    {ICT, COMPLETED, TRANSACTION_ON_2XX, COMPLETED, DELIVER}, // 16.7 step 5
    {ICT, COMPLETED, TRANSACTION_ON_TRANSPORT, TERMINATED, FAIL | RELEASE},
    {ICT, COMPLETED, TRANSACTION_ON_END, TERMINATED, RELEASE}, // D
    {ICT, ACCEPTED, TRANSACTION_ON_2XX, ACCEPTED, DELIVER},
    {ICT, ACCEPTED, TRANSACTION_ON_END, TERMINATED, RELEASE}, // M

    // 17.1.2.2, figure 6
    {NICT, TRYING, TRANSACTION_ON_RETRANSMIT, TRYING, RESEND},          // E
    {NICT, TRYING, TRANSACTION_ON_TIMEOUT, TERMINATED, FAIL | RELEASE}, // F
    {NICT, TRYING, TRANSACTION_ON_SLOW, TRYING, FAILOVER},
    {NICT, PROCEEDING, TRANSACTION_ON_SLOW, PROCEEDING, 0}, // there was a response
    {NICT, TRYING, TRANSACTION_ON_TRANSPORT, TERMINATED, FAIL | RELEASE},
    {NICT, TRYING, TRANSACTION_ON_1XX, PROCEEDING, DELIVER},
    {NICT, TRYING, TRANSACTION_ON_100, PROCEEDING, DELIVER},
    {NICT, TRYING, TRANSACTION_ON_2XX, COMPLETED, DELIVER},
    {NICT, TRYING, TRANSACTION_ON_FAILURE, COMPLETED, DELIVER},
    {NICT, PROCEEDING, TRANSACTION_ON_RETRANSMIT, PROCEEDING, RESEND},
    {NICT, PROCEEDING, TRANSACTION_ON_TIMEOUT, TERMINATED, FAIL | RELEASE},
    {NICT, PROCEEDING, TRANSACTION_ON_TRANSPORT, TERMINATED, FAIL | RELEASE},
    {NICT, PROCEEDING, TRANSACTION_ON_1XX, PROCEEDING, DELIVER},
    {NICT, PROCEEDING, TRANSACTION_ON_100, PROCEEDING, DELIVER},
    {NICT, PROCEEDING, TRANSACTION_ON_2XX, COMPLETED, DELIVER},
    {NICT, PROCEEDING, TRANSACTION_ON_FAILURE, COMPLETED, DELIVER},
    {NICT, COMPLETED, TRANSACTION_ON_END, TERMINATED, RELEASE}, // K
};

static struct row expected(int kind, int state, int event)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].kind == kind && rows[i].state == state && rows[i].event == event)
            return rows[i];
    return (struct row){kind, state, event, 0, 0};
}

static void every_cell(void **test)
{
    for (int kind = 0; kind < TRANSACTION_KINDS; kind++)
        for (int state = 0; state < TRANSACTION_STATES; state++)
            for (int event = 0; event < TRANSACTION_EVENTS; event++) {
                struct row row = expected(kind, state, event);
                struct transaction_cell cell = transaction_fsm[kind][state][event];
                if (cell.next != row.next || cell.actions != row.actions)
                    fail_msg("kind %d state %d event %d: %u, actions %u; should be %d, %u", kind, state,
                             event, cell.next, cell.actions, row.next, row.actions);
            }
}

// The same through transaction_step(), from each state that a transaction can be in.
static void every_step(void **test)
{
    struct world *world = calloc(1, sizeof(*world));
    world_init(world);
    for (int kind = 0; kind < TRANSACTION_KINDS; kind++)
        for (int state = TRYING; state < TERMINATED; state++)
            for (int event = 0; event <= TRANSACTION_EVENTS; event++) {
                struct row row = expected(kind, state, event);
                uint32_t index =
                    transaction_create(&world->transactions, (enum transaction_kind)kind, 1, world->now);
                struct transaction *transaction = transaction_at(&world->transactions, index);
                assert_int_equal(transaction_keep(&world->transactions, index, "x", 1), 0);
                transaction->state = (uint8_t)state;
                unsigned actions =
                    transaction_step(&world->transactions, index, (enum transaction_event)event, world->now);
                assert_int_equal(actions, row.actions);
                assert_int_equal(transaction->state, row.next != 0 ? row.next : state);
                // Terminated is off the wheel.
                if (row.next == TERMINATED)
                    assert_false(wheel_armed(&transaction->timer));
                transaction_release(&world->transactions, index);
            }
    world_fini(world);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell),
        cmocka_unit_test(every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
