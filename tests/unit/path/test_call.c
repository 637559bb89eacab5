// SPDX-License-Identifier: BSD-3-Clause
// A call that is answered, and what each message of it looks like on either side.
#include <stdio.h>
#include <string.h>
#include "tests.h"

static void answered_then_bye(struct wire *wire, bool outward, enum dialog_side who)
{
    struct call call;
    (outward ? call_init_outward : call_init)(&call, wire, "answered@call");
    call_establish(&call);
    wire_expect_count(wire, COUNTER_DIALOG_CREATED, 1);
    wire_expect_count(wire, COUNTER_DIALOG_ANSWERED, 1);
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], 1);
    assert_int_equal(wire->parts[0].peers[IMAGE_CARRIER_A].calls_in, !outward);
    assert_int_equal(wire->parts[0].peers[IMAGE_SBCS].calls_out, !outward);
    call_hang_up(&call, who);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, 1);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
    wire_expect_count(wire, COUNTER_OUT_FORWARDED, 6); // INVITE 180 200 ACK BYE 200
    wire_expect_count(wire, COUNTER_RX_PACKETS, 6);
    wire_expect_count(wire, COUNTER_TX_PACKETS, 7); // and the 100
    wire_expect_count(wire, COUNTER_ANSWER_100, 1);
    wire_expect_count(wire, COUNTER_TRANSACTION_IST, 1);
    wire_expect_count(wire, COUNTER_TRANSACTION_ICT, 1);
    wire_expect_count(wire, COUNTER_TRANSACTION_NIST, 0); // BYE goes without state
}

static void test_answered_caller_hangs_up(void **state)
{
    answered_then_bye(*state, false, DIALOG_CALLER);
}

static void test_answered_callee_hangs_up(void **state)
{
    answered_then_bye(*state, false, DIALOG_CALLEE);
}

static void test_outward_call_callee_hangs_up(void **state)
{
    answered_then_bye(*state, true, DIALOG_CALLEE);
}

static void test_outward_call_caller_hangs_up(void **state)
{
    answered_then_bye(*state, true, DIALOG_CALLER);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_answered_caller_hangs_up),
        ON_WIRE(test_answered_callee_hangs_up),
        ON_WIRE(test_outward_call_callee_hangs_up),
        ON_WIRE(test_outward_call_caller_hangs_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
