// SPDX-License-Identifier: BSD-3-Clause
// Floods of calls that nobody carries to their end. Whatever is left of them goes by its timer, without a
// message from outside: no record, no timer, no octet of the arena and no packet stays.
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define FLOOD 500u

static struct call calls[FLOOD];

static struct wire *flood_open(void)
{
    return wire_open(&(struct wire_options){.dialogs = FLOOD, .transactions = 4 * FLOOD});
}

static void flood_init(struct wire *wire, unsigned i)
{
    char id[32];
    snprintf(id, sizeof(id), "flood-%u@half-open", i);
    call_init(&calls[i], wire, id);
}

// Time passes, with as many turns as it takes to work off what is due; what leaves is thrown away.
static void flood_pass(struct wire *wire, uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at += 500) {
        wire->workers[0]->us_base += 500000;
        for (unsigned turn = 0; turn < 5 * FLOOD / EXPIRED_A_TURN + 1; turn++)
            wire_turn_silently(wire);
    }
}

static void expect_records(const struct wire *wire, uint32_t dialogs, uint32_t transactions)
{
    const struct worker *worker = wire->workers[0];
    assert_int_equal(worker->dialogs.count, dialogs);
    assert_int_equal(worker->transactions.count, transactions);
    if (dialogs + transactions == 0) {
        assert_int_equal(worker->wheel.armed, 0);
        assert_int_equal(worker->arena.used, 0);
    }
    assert_int_equal(rte_mempool_avail_count(wire_pool()), wire->mbufs);
}

// A call like any other: what was flooded is in nobody's way.
static void expect_service(struct wire *wire)
{
    struct call call;
    call_init(&call, wire, "after@half-open");
    call_establish(&call);
    call_hang_up(&call, DIALOG_CALLER);
}

// A: 32 s, then our 408 to a caller that acknowledges nothing: H, 32 s.
static void test_invites_without_an_answer(void **state)
{
    (void)state;
    struct wire *wire = flood_open();
    for (unsigned i = 0; i < FLOOD; i++) {
        flood_init(wire, i);
        call_invite(&calls[i]);
    }
    expect_records(wire, FLOOD, 2 * FLOOD);
    flood_pass(wire, 31500);
    expect_records(wire, FLOOD, 2 * FLOOD);
    flood_pass(wire, 1000);
    expect_records(wire, 0, FLOOD); // the callers' halves wait for their ACK
    wire_expect_count(wire, COUNTER_ANSWER_408, FLOOD);
    wire_expect_count(wire, COUNTER_DIALOG_REFUSED, FLOOD);
    expect_service(wire);
    flood_pass(wire, 33000 + 33000);
    expect_records(wire, 0, 0);
    wire_expect_count(wire, COUNTER_TRANSACTION_NO_ACK, FLOOD);
    wire_close(wire);
}

// They ring for ever: timer C (16.8), a CANCEL that nobody answers, 64*T1.
static void test_invites_that_only_ring(void **state)
{
    (void)state;
    struct wire *wire = flood_open();
    for (unsigned i = 0; i < FLOOD; i++) {
        flood_init(wire, i);
        call_invite(&calls[i]);
        call_answer(&calls[i], "180 Ringing");
    }
    flood_pass(wire, 180000);
    expect_records(wire, FLOOD, 2 * FLOOD);
    flood_pass(wire, 1500 + 32500);
    expect_records(wire, 0, FLOOD);
    flood_pass(wire, 33000);
    expect_records(wire, 0, 0);
    wire_expect_count(wire, COUNTER_DIALOG_REFUSED, FLOOD);
    wire_close(wire);
}

// 13.3.1.4: the callee gives up after 64*T1 and would send BYE; if it does not, its dialog ends here T4
// later.
static void test_200s_without_an_ack(void **state)
{
    (void)state;
    struct wire *wire = flood_open();
    for (unsigned i = 0; i < FLOOD; i++) {
        flood_init(wire, i);
        call_invite(&calls[i]);
        call_answer(&calls[i], "200 OK");
    }
    expect_records(wire, FLOOD, 2 * FLOOD);
    flood_pass(wire, 36500);
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], FLOOD);
    flood_pass(wire, 1000);
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], 0);
    expect_records(wire, 0, 0);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, FLOOD);
    wire_expect_count(wire, COUNTER_DIALOG_NO_ACK, FLOOD);
    wire_expect_count(wire, COUNTER_DIALOG_EXPIRED, 0);
    expect_service(wire);
    wire_close(wire);
}

// Each INVITE is cancelled at once and the callee answers nothing, not even 100: no CANCEL may go out (9.1).
static void test_cancels_before_any_answer(void **state)
{
    (void)state;
    struct wire *wire = flood_open();
    for (unsigned i = 0; i < FLOOD; i++) {
        flood_init(wire, i);
        call_invite(&calls[i]);
        call_cancel(&calls[i]);
        call_take(&calls[i], DIALOG_CALLER, "SIP/2.0 200 ");
        wire_expect_silence(wire);
    }
    flood_pass(wire, 32500 + 33000);
    expect_records(wire, 0, 0);
    wire_expect_count(wire, COUNTER_ANSWER_487, FLOOD);
    wire_close(wire);
}

// Each rings and is cancelled ten times over; the callee takes the CANCEL, and then it answers nothing more.
static void test_storm_of_cancels(void **state)
{
    (void)state;
    struct wire *wire = flood_open();
    for (unsigned i = 0; i < FLOOD; i++) {
        flood_init(wire, i);
        call_invite(&calls[i]);
        call_answer(&calls[i], "180 Ringing");
        for (unsigned k = 0; k < 10; k++)
            call_cancel(&calls[i]);
        assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 10);
        struct wire_packet cancel = call_take(&calls[i], DIALOG_CALLEE, "CANCEL ");
        wire_expect_silence(wire);
        call_respond(&calls[i], &cancel, "200 OK", "c");
    }
    expect_records(wire, FLOOD, 3 * FLOOD);
    flood_pass(wire, 5500); // timer K
    expect_records(wire, FLOOD, 2 * FLOOD);
    flood_pass(wire, 27500); // 9.1: 64*T1
    expect_records(wire, 0, FLOOD);
    wire_expect_count(wire, COUNTER_ANSWER_487, FLOOD);
    flood_pass(wire, 33000);
    expect_records(wire, 0, 0);
    wire_close(wire);
}

// CANCELs that belong to nothing are answered from no memory.
static void test_storm_of_unknown_cancels(void **state)
{
    (void)state;
    struct wire *wire = flood_open();
    for (unsigned i = 0; i < FLOOD; i++) {
        flood_init(wire, i);
        call_cancel(&calls[i]);
        call_take(&calls[i], DIALOG_CALLER, "SIP/2.0 481 ");
    }
    expect_records(wire, 0, 0);
    wire_close(wire);
}

// BYEs whose answers never come.
static void test_byes_without_an_answer(void **state)
{
    (void)state;
    struct wire *wire = flood_open();
    for (unsigned i = 0; i < FLOOD; i++) {
        flood_init(wire, i);
        call_establish(&calls[i]);
        call_request(&calls[i], i % 2, "BYE");
    }
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_TERMINATING], FLOOD);
    flood_pass(wire, 33000);
    expect_records(wire, 0, 0);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, FLOOD);
    wire_close(wire);
}

// The same few octets again and again make no more than the first of them made.
static void test_one_invite_a_thousand_times(void **state)
{
    (void)state;
    struct wire *wire = flood_open();
    char text[WIRE_TEXT_MAX];
    flood_init(wire, 0);
    call_invite_text(&calls[0], text);
    call_invite(&calls[0]);
    size_t used = wire->workers[0]->arena.used;
    for (unsigned i = 0; i < 1000; i++) {
        wire_send(wire, wire_carrier, text);
        call_take(&calls[0], DIALOG_CALLER, "SIP/2.0 100 ");
    }
    wire_expect_silence(wire);
    expect_records(wire, 1, 2);
    assert_int_equal(wire->workers[0]->arena.used, used);
    wire_close(wire);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invites_without_an_answer), cmocka_unit_test(test_invites_that_only_ring),
        cmocka_unit_test(test_200s_without_an_ack),       cmocka_unit_test(test_cancels_before_any_answer),
        cmocka_unit_test(test_storm_of_cancels),          cmocka_unit_test(test_storm_of_unknown_cancels),
        cmocka_unit_test(test_byes_without_an_answer),    cmocka_unit_test(test_one_invite_a_thousand_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
