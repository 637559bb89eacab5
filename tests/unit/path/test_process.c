// SPDX-License-Identifier: BSD-3-Clause
// Messages that come in one burst: those of a call keep their order, whatever their kinds.
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define TWICE 16u // calls of a burst of which each message comes twice

static void put(struct call *call, enum dialog_side from, const char *text)
{
    wire_put(call->wire, call->sides[from].at, text, (uint32_t)strlen(text));
}

static void put_request(struct call *call, enum dialog_side from, const char *method)
{
    char text[WIRE_TEXT_MAX];
    call_request_text(call, from, method, text);
    put(call, from, text);
}

// Place among what left of the first message that begins so and belongs to the call.
static unsigned place_of(const struct call *call, const char *begin)
{
    for (unsigned i = 0; i < call->wire->out_count; i++) {
        if (starts(&call->wire->out[i], begin) && strstr(call->wire->out[i].text, call->id) != NULL)
            return i;
    }
    fail_msg("no %s of %s left", begin, call->id);
    return 0;
}

static void expect_in_order(const struct call *call, const char *first, const char *second)
{
    assert_true(place_of(call, first) < place_of(call, second));
}

static void answered(struct call *call, struct wire *wire, const char *id)
{
    call_init(call, wire, id);
    call_invite(call);
    call_answer(call, "200 OK");
}

// A BYE overtakes the ACKs of other calls, but not the ACK of its own.
static void test_messages_of_a_call_keep_their_order(void **state)
{
    struct wire *wire = *state;
    struct call over, other, long_ago;
    answered(&over, wire, "over@burst");
    answered(&other, wire, "other@burst");
    call_init(&long_ago, wire, "long-ago@burst");
    call_establish(&long_ago);
    put_request(&over, DIALOG_CALLER, "ACK");
    put_request(&over, DIALOG_CALLER, "BYE");
    put_request(&other, DIALOG_CALLER, "ACK");
    put_request(&long_ago, DIALOG_CALLER, "BYE");
    wire_turn(wire);
    assert_int_equal(wire->out_count, 4);
    expect_in_order(&over, "ACK ", "BYE ");
    assert_true(place_of(&long_ago, "BYE ") < place_of(&other, "ACK "));
    wire_take_all(wire, over.sides[DIALOG_CALLEE].at, "ACK ");
    wire_take_all(wire, other.sides[DIALOG_CALLEE].at, "ACK ");
    struct call *ending[] = {&over, &long_ago};
    for (unsigned i = 0; i < RTE_DIM(ending); i++) {
        struct wire_packet bye = call_take(ending[i], DIALOG_CALLEE, "BYE ");
        struct call *call = strstr(bye.text, over.id) != NULL ? &over : &long_ago;
        call_respond(call, &bye, "200 OK", "");
        call_take(call, DIALOG_CALLER, "SIP/2.0 200 ");
    }
    call_hang_up(&other, DIALOG_CALLER);
    wire_pass_silently(wire, 64000);
}

// What ends is worked on before what begins, and both come about.
static void test_new_calls_come_behind_what_is_over(void **state)
{
    struct wire *wire = *state;
    struct call call, next;
    char invite[WIRE_TEXT_MAX];
    call_init(&call, wire, "ends@burst");
    call_establish(&call);
    call_init(&next, wire, "begins@burst");
    call_invite_text(&next, invite);
    put(&next, DIALOG_CALLER, invite);
    put_request(&call, DIALOG_CALLER, "BYE");
    wire_turn(wire);
    assert_true(place_of(&call, "BYE ") < place_of(&next, "INVITE "));
    struct wire_packet bye = wire->out[place_of(&call, "BYE ")];
    next.invite = wire->out[place_of(&next, "INVITE ")];
    wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "");
    wire_take_all(wire, next.sides[DIALOG_CALLEE].at, "");
    call_take(&next, DIALOG_CALLER, "SIP/2.0 100 ");
    call_respond(&call, &bye, "200 OK", "");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    call_answer(&next, "200 OK");
    call_request(&next, DIALOG_CALLER, "ACK");
    call_hang_up(&next, DIALOG_CALLEE);
    wire_pass_silently(wire, 64000);
}

// RFC 3261 9.2: the CANCEL finds the INVITE that came right before it.
static void test_cancel_in_the_burst_of_its_invite(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char invite[WIRE_TEXT_MAX], cancel[WIRE_TEXT_MAX];
    call_init(&call, wire, "regret@burst");
    call_invite_text(&call, invite);
    const char *cseq = strstr(invite, " INVITE\r\n");
    snprintf(cancel, sizeof(cancel), "CANCEL %.*s CANCEL%s", (int)(cseq - invite - 7), invite + 7, cseq + 7);
    put(&call, DIALOG_CALLER, invite);
    put(&call, DIALOG_CALLER, cancel);
    wire_turn(wire);
    call.invite = call_take(&call, DIALOG_CALLEE, "INVITE ");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 100 ");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_TRANSACTION_REPEAT, 0);
    call_respond(&call, &call.invite, "180 Ringing", call.sides[DIALOG_CALLEE].tag);
    call_take(&call, DIALOG_CALLEE, "CANCEL "); // 9.1: now it may go
    wire_take_all(wire, call.sides[DIALOG_CALLER].at, "SIP/2.0 180 ");
    wire_pass_silently(wire, 400000);
}

// A full burst in which every second message repeats the one before.
static void test_repeats_in_one_burst_find_their_requests(void **state)
{
    struct wire *wire = *state;
    struct call calls[TWICE];
    char id[32], text[WIRE_TEXT_MAX];
    static_assert(2 * TWICE == BURST, "one turn takes them");
    for (unsigned i = 0; i < TWICE; i++) {
        snprintf(id, sizeof(id), "twice-%u@burst", i);
        call_init(&calls[i], wire, id);
        call_invite_text(&calls[i], text);
        put(&calls[i], DIALOG_CALLER, text);
        put(&calls[i], DIALOG_CALLER, text);
    }
    wire_turn(wire);
    wire_expect_count(wire, COUNTER_TRANSACTION_REPEAT, TWICE);
    unsigned invites = 0, trying = 0;
    for (unsigned i = 0; i < wire->out_count; i++) {
        invites += starts(&wire->out[i], "INVITE ");
        trying += starts(&wire->out[i], "SIP/2.0 100 ");
    }
    assert_int_equal(invites, TWICE);
    assert_int_equal(trying, 2 * TWICE);
    assert_int_equal(wire->workers[0]->dialogs.count, TWICE);
    wire->out_count = 0;
    wire_pass_silently(wire, 400000);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_messages_of_a_call_keep_their_order),
        ON_WIRE(test_new_calls_come_behind_what_is_over),
        ON_WIRE(test_cancel_in_the_burst_of_its_invite),
        ON_WIRE(test_repeats_in_one_burst_find_their_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
