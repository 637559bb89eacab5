// SPDX-License-Identifier: BSD-3-Clause
// A worker that is behind, on the wire: its transactions are few.
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define CALLS 33u // two transactions each: with the 33rd there are more than half of 128

static int setup(void **state)
{
    struct wire *wire = wire_open(&(struct wire_options){0});
    wire->image.header.settings.overload.transactions = 50;
    wire->image.header.settings.overload.retry_after_s = 7;
    wire_reload(wire);
    *state = wire;
    return 0;
}

static void fill(struct wire *wire, struct call calls[CALLS])
{
    char id[32];
    for (unsigned i = 0; i < CALLS; i++) {
        snprintf(id, sizeof(id), "call-%u@shed", i);
        call_init(&calls[i], wire, id);
        call_invite(&calls[i]);
    }
    wire_turn(wire); // sees what the last one did
    wire_expect_count(wire, COUNTER_OVERLOADED_TRANSACTIONS, 1);
    wire_expect_count(wire, COUNTER_OVERLOAD_LOSS, 100);
}

static void test_refused(void **state)
{
    struct wire *wire = *state;
    static struct call calls[CALLS];
    struct call new;
    char text[WIRE_TEXT_MAX];
    fill(wire, calls);
    call_init(&new, wire, "new@shed");
    call_invite_text(&new, text);
    for (unsigned repeat = 0; repeat < 2; repeat++) {
        wire_send(wire, wire_carrier, text);
        new.answer = wire_take(wire, wire_carrier);
        assert_starts(&new.answer, "SIP/2.0 503 Service Unavailable\r\n");
        assert_header(&new.answer, "Retry-After", "7");
        wire_expect_silence(wire);
    }
    wire_expect_count(wire, COUNTER_OVERLOAD_REFUSED, 2);
    wire_expect_count(wire, COUNTER_ANSWER_503, 2);
    assert_int_equal(wire->workers[0]->transactions.count, 2 * CALLS);
    // Its ACK ends here, by the MAC in our To-tag.
    call_ack_refusal(&new);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_OUT_ABSORBED, 1);
    // Its CANCEL finds nothing (9.2).
    call_cancel(&new);
    struct wire_packet answer = wire_take(wire, wire_carrier);
    assert_starts(&answer, "SIP/2.0 481 ");
}

// What belongs to a call goes on.
static void test_calls_go_on(void **state)
{
    struct wire *wire = *state;
    static struct call calls[CALLS];
    char text[WIRE_TEXT_MAX];
    fill(wire, calls);
    call_invite_text(&calls[0], text);
    struct wire_packet invite = calls[0].invite;
    wire_send(wire, wire_carrier, text); // a repeat is answered from memory
    invite = wire_take(wire, wire_carrier);
    assert_starts(&invite, "SIP/2.0 100 ");
    calls[0].invite = calls[1].invite;
    call_answer(&calls[1], "180 Ringing");
    call_answer(&calls[1], "200 OK");
    call_ack(&calls[1], DIALOG_CALLER, calls[1].sides[DIALOG_CALLER].cseq);
    invite = call_request(&calls[1], DIALOG_CALLER, "INVITE"); // inside the dialog
    assert_starts(&invite, "INVITE ");
    call_respond(&calls[1], &invite, "200 OK", "");
    wire_take(wire, wire_carrier);
    call_ack(&calls[1], DIALOG_CALLER, calls[1].sides[DIALOG_CALLER].cseq);
    call_hang_up(&calls[1], DIALOG_CALLEE);
    wire_expect_count(wire, COUNTER_OVERLOAD_REFUSED, 0);
}

static void test_recovers(void **state)
{
    struct wire *wire = *state;
    static struct call calls[CALLS];
    struct call new;
    fill(wire, calls);
    wire_pass_silently(wire, 40000); // nobody answers: timer B
    wire_expect_count(wire, COUNTER_OVERLOADED_TRANSACTIONS, 0);
    wire_expect_count(wire, COUNTER_OVERLOAD_LOSS, 0);
    call_init(&new, wire, "new@shed");
    call_invite(&new);
    wire_expect_count(wire, COUNTER_OVERLOAD_REFUSED, 0);
}

// Without a Retry-After when it is configured away, and with the mark at all of it never.
static void test_settings(void **state)
{
    struct wire *wire = *state;
    static struct call calls[CALLS];
    struct call new;
    char text[WIRE_TEXT_MAX];
    fill(wire, calls);
    wire->image.header.settings.overload.retry_after_s = 0;
    wire_reload(wire);
    call_init(&new, wire, "new@shed");
    call_invite_text(&new, text);
    wire_send(wire, wire_carrier, text);
    struct wire_packet answer = wire_take(wire, wire_carrier);
    assert_starts(&answer, "SIP/2.0 503 ");
    assert_header(&answer, "Retry-After", "");
    wire->image.header.settings.overload.transactions = 100;
    wire_reload(wire);
    wire_turn(wire);
    call_init(&new, wire, "newer@shed");
    call_invite(&new);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused, setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_calls_go_on, setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_recovers, setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_settings, setup, wire_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
