// SPDX-License-Identifier: BSD-3-Clause
// Dialogs that nobody has left: who was not heard is asked, a dead one is ended, one that only rings is
// cancelled.
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define EVERY_MS 20000u

static void begin(struct call *call, struct wire *wire, const char *id)
{
    wire->image.header.settings.keepalive_ms = EVERY_MS;
    wire_reload(wire);
    call_init(call, wire, id);
}

// Turns the clock until something leaves.
static void wait_for_anything(struct wire *wire)
{
    for (uint32_t ms = 0; wire->out_count == 0; ms += 100) {
        assert_true(ms < 4 * EVERY_MS);
        wire_pass(wire, 100);
    }
}

// When the call's record is looked at next.
static tick_t next_look(const struct call *call)
{
    uint32_t index = call_expect(call, DIALOG_CONFIRMED);
    return dialog_at(&call->wire->workers[0]->dialogs, index)->timer.deadline;
}

static struct wire_packet take_options(struct call *call, enum dialog_side at, const char *cseq)
{
    struct wire_packet options = call_take(call, at, "OPTIONS ");
    assert_header(&options, "CSeq", cseq);
    return options;
}

static void test_who_was_not_heard_is_asked(void **state)
{
    struct wire *wire = *state;
    struct call call;
    begin(&call, wire, "asked@keepalive");
    call_establish(&call);
    tick_t look = next_look(&call);
    wait_for_anything(wire);
    assert_int_equal(next_look(&call) - look, 2 * EVERY_MS / TICK_MS); // the first one found 2xx and ACK
    struct wire_packet to_callee = take_options(&call, DIALOG_CALLEE, "101 OPTIONS");
    struct wire_packet to_caller = take_options(&call, DIALOG_CALLER, "1 OPTIONS");
    wire_expect_silence(wire);
    assert_int_equal(strncmp(to_callee.text + 8, call.sides[DIALOG_CALLEE].target,
                             strlen(call.sides[DIALOG_CALLEE].target)),
                     0);
    assert_header(&to_callee, "From", "\"alice\" <sip:alice@10.10.1.1>;tag=tag-alice");
    assert_header(&to_callee, "To", "<sip:bob@10.10.0.10>;tag=tag-bob");
    assert_header(&to_callee, "Route", "");
    assert_header(&to_caller, "From", "<sip:bob@10.10.0.10>;tag=tag-bob");
    assert_header(&to_caller, "To", "\"alice\" <sip:alice@10.10.1.1>;tag=tag-alice");
    wire_expect_count(wire, COUNTER_KEEPALIVE_SENT, 2);
    call_respond(&call, &to_callee, "200 OK", "");
    call_respond(&call, &to_caller, "405 Method Not Allowed", "");
    wire_expect_silence(wire);
    // The next one an interval later.
    wait_for_anything(wire);
    assert_int_equal(next_look(&call) - look, 3 * EVERY_MS / TICK_MS);
    to_callee = take_options(&call, DIALOG_CALLEE, "102 OPTIONS");
    to_caller = take_options(&call, DIALOG_CALLER, "2 OPTIONS");
    call_respond(&call, &to_callee, "200 OK", "");
    call_respond(&call, &to_caller, "200 OK", "");
    call_expect(&call, DIALOG_CONFIRMED);
    call_hang_up(&call, DIALOG_CALLER);
    wire_expect_count(wire, COUNTER_KEEPALIVE_DEAD, 0);
}

// A request proves its sender, a response who answered.
static void test_who_was_heard_is_not_asked(void **state)
{
    struct wire *wire = *state;
    struct call call;
    begin(&call, wire, "heard@keepalive");
    call_establish(&call);
    for (unsigned i = 0; i < 12; i++) { // the callee by nothing but its answers: without state, and with
        const char *method = i < 6 ? "INFO" : "INVITE";
        wire_pass(wire, 8000);
        struct wire_packet request = call_request(&call, DIALOG_CALLER, method);
        call_respond(&call, &request, "200 OK", "");
        call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
        if (i >= 6)
            call_ack(&call, DIALOG_CALLER, call.sides[DIALOG_CALLER].cseq);
        wire_expect_silence(wire);
    }
    // One side alone: its requests are not answered.
    for (unsigned i = 0; i < 8 && wire_count(wire, COUNTER_KEEPALIVE_SENT) == 0; i++) {
        call_request(&call, DIALOG_CALLER, "INFO");
        wire_pass(wire, 7000);
    }
    struct wire_packet options = call_take(&call, DIALOG_CALLEE, "OPTIONS ");
    wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "OPTIONS "); // repetitions
    wire_expect_silence(wire);
    call_respond(&call, &options, "200 OK", "");
    wire_expect_count(wire, COUNTER_KEEPALIVE_SENT, 1);
    call_hang_up(&call, DIALOG_CALLEE);
}

struct row {
    const char *status; // NULL: no answer
    bool dead;
};

static const struct row rows[] = {
    {"200 OK", false},
    {"401 Unauthorized", false},
    {"404 Not Found", false},
    {"405 Method Not Allowed", false},
    {"500 Server Internal Error", false}, // 12.2.2: its number was out of order, so there is a dialog
    {"501 Not Implemented", false},
    {"408 Request Timeout", true},
    {"481 Call/Transaction Does Not Exist", true},
    {NULL, true},
};

static void end_both(struct call *call)
{
    struct wire_packet to_callee = call_take(call, DIALOG_CALLEE, "BYE ");
    struct wire_packet to_caller = call_take(call, DIALOG_CALLER, "BYE ");
    assert_header(&to_callee, "CSeq", "102 BYE"); // behind the OPTIONS
    assert_header(&to_caller, "CSeq", "2 BYE");
    call_respond(call, &to_callee, "200 OK", "");
    call_respond(call, &to_caller, "200 OK", "");
}

static void test_answers(void **state)
{
    struct wire *wire = *state;
    uint64_t dead = 0;
    for (unsigned i = 0; i < 2 * RTE_DIM(rows); i++) {
        const struct row *row = &rows[i / 2];
        enum dialog_side side = i % 2;
        struct call call;
        char id[32];
        snprintf(id, sizeof(id), "row-%u@keepalive", i);
        print_message("%s\n", row->status != NULL ? row->status : "silence");
        begin(&call, wire, id);
        call_establish(&call);
        wait_for_anything(wire);
        struct wire_packet options = call_take(&call, side, "OPTIONS ");
        struct wire_packet other = call_take(&call, 1 - side, "OPTIONS ");
        call_respond(&call, &other, "200 OK", "");
        wire_expect_silence(wire);
        if (row->status != NULL)
            call_respond(&call, &options, row->status, "");
        else
            wire_pass_silently(wire,
                               33000); // timer F; beside it the other side was asked anew, and both had BYE
        dead += row->dead;
        wire_expect_count(wire, COUNTER_KEEPALIVE_DEAD, dead);
        call_expect(&call, row->dead ? DIALOG_TERMINATING : DIALOG_CONFIRMED);
        if (row->status == NULL)
            wire_pass_silently(wire, 33000);
        else if (row->dead)
            end_both(&call);
        else
            call_hang_up(&call, side);
        call_expect_gone(&call);
        wire_expect_silence(wire);
    }
}

// One at a time, however long it takes: repetitions of one, and then BYE.
static void test_one_is_out_at_a_time(void **state)
{
    struct wire *wire = *state;
    struct call call;
    begin(&call, wire, "one@keepalive");
    wire->image.header.settings.keepalive_ms = 10000;
    wire_reload(wire);
    call_establish(&call);
    wait_for_anything(wire);
    wire_pass(wire, 31500);
    wire_expect_count(wire, COUNTER_KEEPALIVE_SENT, 2);
    wire_pass(wire, 600);
    wire_expect_count(wire, COUNTER_KEEPALIVE_DEAD, 1);
    assert_true(wire_take_all(wire, wire_carrier, "OPTIONS ") > 5);
    assert_true(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "OPTIONS ") > 5);
    assert_true(wire_take_all(wire, wire_carrier, "BYE ") > 0);
    assert_true(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "BYE ") > 0);
}

// Between the 2xx and its ACK nobody is asked, nor in a dialog that only rings or is ending.
static void test_confirmed_ones_alone(void **state)
{
    struct wire *wire = *state;
    struct call call;
    begin(&call, wire, "others@keepalive");
    wire->image.header.settings.keepalive_ms = 10000;
    wire_reload(wire);
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    wire_pass(wire, 45000);
    wire_expect_silence(wire);
    call_answer(&call, "200 OK");
    wire_pass(wire, 30000);
    wire_expect_silence(wire);
    call_request(&call, DIALOG_CALLER, "ACK");
    call_request(&call, DIALOG_CALLER, "BYE");
    wire_pass(wire, 30000);
    wire_expect_silence(wire);
}

// Looks of many dialogs lie all over the interval.
static void test_looks_are_spread(void **state)
{
    enum { CALLS = 20 };
    struct wire *wire = *state;
    unsigned busy = 0;
    for (unsigned i = 0; i < CALLS; i++) {
        struct call call;
        char id[32];
        snprintf(id, sizeof(id), "%u-spread@keepalive", i);
        begin(&call, wire, id);
        call_establish(&call);
    }
    for (unsigned i = 0; i < 2 * EVERY_MS / 1000; i++) {
        wire_pass_silently(wire, 1000);
        uint64_t sent = wire_count(wire, COUNTER_KEEPALIVE_SENT);
        static uint64_t before;
        busy += sent != before;
        before = sent;
    }
    wire_expect_count(wire, COUNTER_KEEPALIVE_SENT, 2 * CALLS);
    assert_true(busy >= 5);
    for (unsigned i = 0; i < 3; i++)
        wire_pass_silently(wire, 33000); // nobody answers
}

static void test_without_room_nothing_goes(void **state)
{
    struct wire *wire = *state;
    struct call call;
    begin(&call, wire, "room@keepalive");
    call_establish(&call);
    uint64_t full = wire_count(wire, COUNTER_DIALOG_FULL);
    wire->workers[0]->arena.fail_at = 0; // the next block: for the number of the callee's
    wait_for_anything(wire);
    struct wire_packet options = take_options(&call, DIALOG_CALLEE, "101 OPTIONS");
    call_respond(&call, &options, "200 OK", "");
    wire_expect_silence(wire); // nothing to the caller
    wire_expect_count(wire, COUNTER_DIALOG_FULL, full + 1);
    wire_expect_count(wire, COUNTER_KEEPALIVE_SENT, 1);
    struct wire_packet info = call_request(&call, DIALOG_CALLEE, "INFO");
    assert_header(&info, "CSeq", "101 INFO");
    call_respond(&call, &info, "200 OK", "");
    call_take(&call, DIALOG_CALLEE, "SIP/2.0 200 ");
    call_hang_up(&call, DIALOG_CALLER);
}

// However often it rings: dialogs.early_lifetime after the INVITE the callee gets CANCEL, the caller 408.
static void ring_too_long(struct call *call, struct wire *wire, const char *id)
{
    call_init(call, wire, id);
    call_invite(call);
    for (unsigned i = 0; i < 4; i++) {
        call_answer(call, "180 Ringing");
        wire_pass(wire, 58000);
    }
    wire_expect_silence(wire);
    wire_pass(wire, 8000);
    struct wire_packet cancel = call_take(call, DIALOG_CALLEE, "CANCEL ");
    call_respond(call, &cancel, "200 OK", "c");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DIALOG_EXPIRED, 1);
}

static void test_rings_beyond_its_life(void **state)
{
    struct wire *wire = *state;
    struct call call;
    ring_too_long(&call, wire, "early@keepalive");
    call_answer(&call, "487 Request Terminated");
    assert_starts(&call.answer, "SIP/2.0 408 ");
    assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "ACK "), 1);
    call_ack_refusal(&call);
    wire_expect_silence(wire);
    call_expect_gone(&call);
    wire_expect_count(wire, COUNTER_DIALOG_REFUSED, 1);
}

static void test_rings_beyond_its_life_and_is_answered(void **state)
{
    struct wire *wire = *state;
    struct call call;
    ring_too_long(&call, wire, "crossing@keepalive");
    call_answer(&call, "200 OK");
    wire_expect_silence(wire);
    call_request(&call, DIALOG_CALLER, "ACK");
    struct wire_packet to_callee = call_take(&call, DIALOG_CALLEE, "BYE ");
    struct wire_packet to_caller = call_take(&call, DIALOG_CALLER, "BYE ");
    call_respond(&call, &to_callee, "200 OK", "");
    call_respond(&call, &to_caller, "200 OK", "");
    call_expect_gone(&call);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_who_was_not_heard_is_asked),
        ON_WIRE(test_who_was_heard_is_not_asked),
        ON_WIRE(test_answers),
        ON_WIRE(test_one_is_out_at_a_time),
        ON_WIRE(test_confirmed_ones_alone),
        ON_WIRE(test_looks_are_spread),
        ON_WIRE(test_without_room_nothing_goes),
        ON_WIRE(test_rings_beyond_its_life),
        ON_WIRE(test_rings_beyond_its_life_and_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
