// SPDX-License-Identifier: BSD-3-Clause
// The record of a call: one for each, of whatever end, with the times and the words that belong to it; of
// several branches and forks one; of a refused attempt one; and none while they are off.
#include <stdlib.h>
#include <string.h>
#include "command.h"
#include "recording.h"
#include "tests.h"

static void test_answered(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    call_init(&call, wire, "answered@record");
    wire_pass(wire, 7);
    uint64_t began_ms = wire->workers[0]->now_us / 1000;
    call_invite(&call);
    wire_pass(wire, 303);
    call_answer(&call, "180 Ringing");
    wire_pass_silently(wire, 2509);
    call_answer(&call, "180 Ringing"); // the first one counts
    call_answer(&call, "200 OK");
    call_ack(&call, DIALOG_CALLER, 100);
    wire_pass_silently(wire, 5006);
    call.extra = "Reason: Q.850;cause=16;text=\"Normal\"\r\n";
    struct wire_packet bye = call_request(&call, DIALOG_CALLEE, "BYE");
    call.extra = NULL;
    call_respond(&call, &bye, "200 OK", "");
    call_take(&call, DIALOG_CALLEE, "SIP/2.0 200 ");
    struct recorded seen = recording_next();
    recording_expect(&seen, 200, CHANNEL_ENDER_CALLEE, CHANNEL_REASON_BYE);
    recording_times(&seen, 303, 2812, 7818);
    assert_int_equal(seen.record.start_ms, began_ms);
    assert_int_equal(seen.record.cause, 16);
    assert_false(seen.record.sip_cause);
    assert_int_equal(seen.record.sequence, 1);
    assert_int_equal(seen.record.flags, 0);
    assert_int_equal(seen.record.caller_peer, IMAGE_CARRIER_A);
    assert_int_equal(seen.record.callee_peer, IMAGE_SBCS);
    assert_true(seen.record.callee_member == IMAGE_MEMBER_SBC1 ||
                seen.record.callee_member == IMAGE_MEMBER_SBC2);
    assert_string_equal(seen.texts[CHANNEL_RECORD_CALL_ID], "answered@record");
    assert_non_null(strstr(seen.texts[CHANNEL_RECORD_FROM], "sip:"));
    assert_non_null(strstr(seen.texts[CHANNEL_RECORD_TO], "sip:"));
    wire_expect_count(wire, COUNTER_RECORD_MADE, 1);
    recording_end();
}

static void test_by_caller_at_once(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    call_init(&call, wire, "caller@record");
    call_invite(&call);
    call_answer(&call, "200 OK");
    call_ack(&call, DIALOG_CALLER, 100);
    call_hang_up(&call, DIALOG_CALLER);
    struct recorded seen = recording_next();
    recording_expect(&seen, 200, CHANNEL_ENDER_CALLER, CHANNEL_REASON_BYE);
    recording_times(&seen, CHANNEL_RECORD_NEVER, 0, 0);
    recording_end();
}

static void test_refused(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    call_init(&call, wire, "busy@record");
    call_invite(&call);
    wire_pass(wire, 200);
    call_answer(&call, "180 Ringing");
    wire_pass(wire, 200);
    call_answer(&call, "486 Busy Here");
    call_take(&call, DIALOG_CALLEE, "ACK ");
    call_ack_refusal(&call);
    struct recorded seen = recording_next();
    recording_expect(&seen, 486, CHANNEL_ENDER_CALLEE, CHANNEL_REASON_REFUSED);
    recording_times(&seen, 200, CHANNEL_RECORD_NEVER, 400);
    recording_end();
}

// Beyond what is kept to the millisecond.
static void test_rings_long(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    call_init(&call, wire, "long@record");
    call_invite(&call);
    call_respond(&call, &call.invite, "100 Trying", "");
    wire_pass_silently(wire, 45678);
    call_answer(&call, "180 Ringing");
    wire_pass_silently(wire, 1);
    call_answer(&call, "200 OK");
    call_ack(&call, DIALOG_CALLER, 100);
    call_hang_up(&call, DIALOG_CALLER);
    struct recorded seen = recording_next();
    recording_times(&seen, 45670, 45679, 45679);
    recording_end();
}

// Records were off when it rang and was answered: the record knows it by ticks.
static void test_switched_on_meanwhile(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    wire->image.header.settings.flags &= ~SETTINGS_RECORDS;
    wire_reload(wire);
    call_init(&call, wire, "on@record");
    wire_pass(wire, TICK_MS - wire->workers[0]->now_us / 1000 % TICK_MS);
    call_invite(&call);
    wire_pass(wire, 303);
    call_answer(&call, "180 Ringing");
    wire->image.header.settings.flags |= SETTINGS_RECORDS;
    wire_reload(wire);
    wire_pass(wire, 1004);
    call_answer(&call, "200 OK");
    call_ack(&call, DIALOG_CALLER, 100);
    call_hang_up(&call, DIALOG_CALLER);
    struct recorded seen = recording_next();
    recording_times(&seen, 300, 1307, 1307);
    recording_end();
}

static void test_cancelled(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    call_init(&call, wire, "cancel@record");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    call.extra = "Reason: SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=31\r\n";
    call_cancel(&call);
    call.extra = NULL;
    wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "CANCEL");
    wire_take_all(wire, call.sides[DIALOG_CALLER].at, "SIP/2.0 200 ");
    call_answer(&call, "487 Request Terminated");
    call_take(&call, DIALOG_CALLEE, "ACK ");
    call_ack_refusal(&call);
    struct recorded seen = recording_next();
    recording_expect(&seen, 487, CHANNEL_ENDER_CALLER, CHANNEL_REASON_CANCEL);
    assert_int_equal(seen.record.cause, 200);
    assert_true(seen.record.sip_cause);
    recording_end();
    wire_pass_silently(wire, 40000);
}

// The caller's CANCEL comes too late, and it says BYE then.
static void test_cancelled_too_late(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    call_init(&call, wire, "late-cancel@record");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    call.extra = "Reason: SIP;cause=200\r\n";
    call_cancel(&call);
    call.extra = NULL;
    wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "CANCEL");
    wire_take_all(wire, call.sides[DIALOG_CALLER].at, "SIP/2.0 200 ");
    call_answer(&call, "200 OK");
    call_ack(&call, DIALOG_CALLER, 100);
    wire_pass(wire, 12);
    call_hang_up(&call, DIALOG_CALLER);
    struct recorded seen = recording_next();
    recording_expect(&seen, 200, CHANNEL_ENDER_CALLER, CHANNEL_REASON_BYE);
    assert_int_equal(seen.record.cause, 0);
    recording_times(&seen, 0, 0, 12);
    recording_end();
}

// RFC 3261 section 15: the caller may say BYE before the answer.
static void test_bye_before_the_answer(void **state)
{
    struct wire *wire = *state;
    struct call call;
    for (unsigned answered = 0; answered < 2; answered++) {
        recording_begin(wire);
        call_init(&call, wire, answered ? "bye-crosses@record" : "bye-early@record");
        call_invite(&call);
        call_answer(&call, "180 Ringing");
        call.extra = "Reason: Q.850;cause=19\r\n";
        struct wire_packet bye = call_request(&call, DIALOG_CALLER, "BYE");
        call.extra = NULL;
        wire_pass(wire, 23);
        assert_int_equal(recording_ring->head, 0); // nobody knows yet
        call_answer(&call, answered ? "200 OK" : "487 Request Terminated");
        if (answered)
            call_ack(&call, DIALOG_CALLER, 100);
        else
            call_take(&call, DIALOG_CALLEE, "ACK ");
        struct recorded seen = recording_next();
        recording_expect(&seen, answered ? 200 : 487, CHANNEL_ENDER_CALLER, CHANNEL_REASON_BYE);
        recording_times(&seen, 0, answered ? 23 : CHANNEL_RECORD_NEVER, 23);
        assert_int_equal(seen.record.cause, 19);
        assert_false(seen.record.sip_cause);
        call_respond(&call, &bye, "200 OK", "");
        call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
        if (!answered)
            call_ack_refusal(&call);
        recording_end();
        wire_pass_silently(wire, 40000);
    }
}

// Nobody is there: timer B.
static void test_no_answer(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    call_init(&call, wire, "silent@record");
    call_invite(&call);
    wire_pass_silently(wire, 80000);
    struct recorded seen = recording_next();
    assert_int_equal(seen.record.status, 408);
    assert_int_equal(seen.record.ender, CHANNEL_ENDER_TIMEOUT);
    assert_int_equal(seen.record.ring_ms, CHANNEL_RECORD_NEVER);
    recording_end();
}

static void test_operator(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    call_init(&call, wire, "operator@record");
    call_establish(&call);
    uint32_t index = call_expect(&call, DIALOG_CONFIRMED);
    static struct command command;
    command = (struct command){
        .kind = COMMAND_DIALOG_END,
        .handle = command_handle(0, dialog_at(&wire->workers[0]->dialogs, index)->generation, index)};
    wire_command(wire, 0, &command);
    struct recorded seen = recording_next();
    recording_expect(&seen, 200, CHANNEL_ENDER_OPERATOR, CHANNEL_REASON_OPERATOR);
    wire_pass_silently(wire, 80000); // nobody answers our BYE, and that is no second record
    recording_end();
}

// The operator ends it while it rings, or its early lifetime; a 2xx that crosses our CANCEL was an answer.
static void end_ringing(struct wire *wire, const char *id, bool by_timer, bool answered)
{
    struct call call;
    recording_begin(wire);
    call_init(&call, wire, id);
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    for (unsigned i = 0; by_timer && i < 4; i++) { // each 180 begins timer C anew
        wire_pass_silently(wire, 59990);
        if (i < 3)
            call_answer(&call, "180 Ringing");
    }
    if (!by_timer)
        assert_int_equal(dialog_end(wire->workers[0], call_expect(&call, DIALOG_EARLY)), 0);
    wire_pass(wire, 100);
    struct wire_packet cancel = call_take(&call, DIALOG_CALLEE, "CANCEL ");
    call_respond(&call, &cancel, "200 OK", "c");
    wire_pass(wire, 34);
    assert_int_equal(recording_ring->head, 0); // nobody knows yet
    call_answer(&call, answered ? "200 OK" : "487 Request Terminated");
    struct recorded seen = recording_next();
    recording_expect(&seen,
                     answered   ? 200
                     : by_timer ? 408
                                : 480,
                     by_timer ? CHANNEL_ENDER_TIMEOUT : CHANNEL_ENDER_OPERATOR,
                     by_timer ? CHANNEL_REASON_TIMEOUT : CHANNEL_REASON_OPERATOR);
    uint32_t end_ms = seen.record.end_ms;
    assert_in_range(end_ms, by_timer ? 240034 : 134, by_timer ? 240200 : 134);
    recording_times(&seen, 0, answered ? end_ms : CHANNEL_RECORD_NEVER, end_ms);
    if (answered) {
        call_ack(&call, DIALOG_CALLER, 100);
        call_take(&call, DIALOG_CALLEE, "BYE ");
        call_take(&call, DIALOG_CALLER, "BYE ");
    } else {
        call_take(&call, DIALOG_CALLEE, "ACK ");
        call_ack_refusal(&call);
    }
    wire_pass_silently(wire, 80000);
    recording_end();
}

static void test_ended_while_it_rings(void **state)
{
    end_ringing(*state, "operator-early@record", false, false);
    end_ringing(*state, "operator-crosses@record", false, true);
    end_ringing(*state, "timer-early@record", true, false);
    end_ringing(*state, "timer-crosses@record", true, true);
}

// A route that refuses, without any state; its repeat is the same attempt.
static void test_attempt(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    recording_begin(wire);
    wire->image.header.settings.flags |= SETTINGS_DRAINING;
    wire_reload(wire);
    call_init(&call, wire, "attempt@record");
    call_invite_text(&call, text);
    for (unsigned i = 0; i < 2; i++) {
        wire_send(wire, call.sides[DIALOG_CALLER].at, text);
        assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLER].at, "SIP/2.0 503 "), 1);
    }
    struct recorded seen = recording_next();
    recording_expect(&seen, 503, CHANNEL_ENDER_PROXY, CHANNEL_REASON_REFUSED);
    assert_int_equal(seen.record.callee_peer, NUMBER_NONE);
    assert_string_equal(seen.texts[CHANNEL_RECORD_CALL_ID], "attempt@record");
    recording_end();
}

// Refusals take half of the ring at most: a call that ended has its record still.
static void test_refusals_leave_room(void **state)
{
    struct wire *wire = *state;
    struct call call, refused;
    char text[WIRE_TEXT_MAX];
    recording_begin(wire);
    call_init(&call, wire, "room@record");
    call_establish(&call);
    recording_ring->head = CALL_RING_OCTETS / 2; // as after many of them
    wire->image.header.settings.flags |= SETTINGS_DRAINING;
    wire_reload(wire);
    call_init(&refused, wire, "refused@record");
    call_invite_text(&refused, text);
    wire_send(wire, refused.sides[DIALOG_CALLER].at, text);
    assert_int_equal(wire_take_all(wire, refused.sides[DIALOG_CALLER].at, "SIP/2.0 503 "), 1);
    assert_int_equal(recording_ring->lost, 1);
    assert_int_equal(recording_ring->head, CALL_RING_OCTETS / 2);
    call_hang_up(&call, DIALOG_CALLER);
    recording_ring->tail = CALL_RING_OCTETS / 2;
    struct recorded seen = recording_next();
    assert_string_equal(seen.texts[CHANNEL_RECORD_CALL_ID], "room@record");
    recording_end();
}

// Two branches of a fork ring, the second one answers: one call, answered.
static void test_fork(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    call_init(&call, wire, "fork@record");
    call_invite(&call);
    strcpy(call.sides[DIALOG_CALLEE].tag, "first");
    call_answer(&call, "180 Ringing");
    strcpy(call.sides[DIALOG_CALLEE].tag, "second");
    call_answer(&call, "180 Ringing");
    call_answer(&call, "200 OK");
    call_ack(&call, DIALOG_CALLER, 100);
    call_hang_up(&call, DIALOG_CALLER); // before the first branch is given up
    struct recorded seen = recording_next();
    recording_expect(&seen, 200, CHANNEL_ENDER_CALLER, CHANNEL_REASON_BYE);
    assert_int_not_equal(seen.record.answer_ms, CHANNEL_RECORD_NEVER);
    wire_pass_silently(wire, 80000);
    recording_end();
}

static void ring_as(struct call *call, const char *tag)
{
    strcpy(call->sides[DIALOG_CALLEE].tag, tag);
    call_answer(call, "180 Ringing");
}

// The caller ends the branch that rang first, or both, and a 2xx of that one crosses its BYE: the call was
// answered.
static void test_fork_crosses(void **state)
{
    struct wire *wire = *state;
    for (unsigned both = 0; both < 2; both++) {
        struct call call;
        recording_begin(wire);
        call_init(&call, wire, both ? "both-cross@record" : "one-crosses@record");
        call_invite(&call);
        ring_as(&call, "first");
        ring_as(&call, "second");
        strcpy(call.sides[DIALOG_CALLEE].tag, "first");
        struct wire_packet bye = call_request(&call, DIALOG_CALLER, "BYE");
        struct wire_packet second;
        strcpy(call.sides[DIALOG_CALLEE].tag, "second");
        if (both)
            second = call_request(&call, DIALOG_CALLER, "BYE");
        wire_pass(wire, 31);
        assert_int_equal(recording_ring->head, 0); // nobody knows yet
        strcpy(call.sides[DIALOG_CALLEE].tag, "first");
        call_answer(&call, "200 OK");
        struct recorded seen = recording_next();
        recording_expect(&seen, 200, CHANNEL_ENDER_CALLER, CHANNEL_REASON_BYE);
        recording_times(&seen, 0, 31, 31);
        call_ack(&call, DIALOG_CALLER, 100);
        call_respond(&call, &bye, "200 OK", "");
        call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
        if (both) {
            call_respond(&call, &second, "481 Gone", "");
            call_take(&call, DIALOG_CALLER, "SIP/2.0 481 ");
        }
        wire_pass_silently(wire, 80000);
        recording_end();
    }
}

// A BYE that has to come again with credentials ends the call twice, and the second record says so.
static void test_challenged_bye(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    call_init(&call, wire, "challenge@record");
    call_establish(&call);
    struct wire_packet bye = call_request(&call, DIALOG_CALLER, "BYE");
    call_respond(&call, &bye, "407 Proxy Authentication Required", "");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 407 ");
    struct recorded seen = recording_next();
    assert_int_equal(seen.record.flags, 0);
    call_hang_up(&call, DIALOG_CALLER);
    seen = recording_next();
    assert_int_equal(seen.record.flags, CHANNEL_RECORD_RESUMED);
    assert_int_equal(seen.record.sequence, 2);
    recording_end();
}

static void test_off(void **state)
{
    struct wire *wire = *state;
    struct call call;
    recording_begin(wire);
    wire->image.header.settings.flags = 0;
    wire_reload(wire);
    call_init(&call, wire, "off@record");
    call_establish(&call);
    call_hang_up(&call, DIALOG_CALLER);
    assert_int_equal(recording_ring->head, 0);
    recording_end();
}

// Full: lost and counted; the end of the ring is skipped where a record does not fit.
static void test_ring(void **state)
{
    struct call_ring *small = aligned_alloc(64, sizeof(*small));
    const struct call_text texts[CHANNEL_RECORD_TEXTS] = {{"a", 1}, {"bb", 2}, {"ccc", 3}};
    assert_non_null(small);
    memset(small, 0, sizeof(*small));
    small->head = small->tail = CALL_RING_OCTETS - 16;
    struct channel_record record = {.status = 1};
    assert_true(call_ring_put(small, &record, texts, 0));
    assert_int_equal(record.size, 64);
    assert_int_equal(small->head, CALL_RING_OCTETS + 64);
    assert_memory_equal(small->octets + CALL_RING_OCTETS - 16, "\0\0\0\0\0\0\0\0", 8);
    assert_memory_equal(small->octets + sizeof(record), "abbccc\0\0", 8);
    unsigned put = 1;
    while (call_ring_put(small, &record, texts, 0))
        put++;
    assert_int_equal(put, (CALL_RING_OCTETS - 16) / 64);
    assert_int_equal(small->lost, 1);
    assert_int_equal(small->sequence, put); // what was lost has no number
    small->head = CALL_RING_OCTETS - 16;
    small->tail = small->head + 64 - CALL_RING_OCTETS; // room for the record, but not for what it skips
    assert_false(call_ring_put(small, &record, texts, 0));
    free(small);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_answered),
        ON_WIRE(test_by_caller_at_once),
        ON_WIRE(test_refused),
        ON_WIRE(test_rings_long),
        ON_WIRE(test_switched_on_meanwhile),
        ON_WIRE(test_cancelled),
        ON_WIRE(test_cancelled_too_late),
        ON_WIRE(test_bye_before_the_answer),
        ON_WIRE(test_no_answer),
        ON_WIRE(test_operator),
        ON_WIRE(test_ended_while_it_rings),
        ON_WIRE(test_attempt),
        ON_WIRE(test_fork),
        ON_WIRE(test_fork_crosses),
        ON_WIRE(test_challenged_bye),
        ON_WIRE(test_off),
        ON_WIRE(test_refusals_leave_room),
        cmocka_unit_test(test_ring),
    };
    return cmocka_run_group_tests_name("path record", tests, NULL, NULL);
}
