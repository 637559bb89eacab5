// SPDX-License-Identifier: BSD-3-Clause
// The next member when one has failed, and which answer the caller gets in the end.
#include "failover.h"
#include <stdio.h>
#include <string.h>
#include "failing.h"
#include "tests.h"

struct row {
    const char *name;
    uint16_t attempts;
    uint16_t statuses[STATUSES_MAX];
    const char
        *answers[FAILING_MEMBERS]; // of one member after the other; "-": none; NULL: nobody else is asked
    const char *upstream;
};

#define USUAL                                                                                                \
    {                                                                                                        \
        408, 503                                                                                             \
    }
static const struct row rows[] = {
    {"answered", 3, USUAL, {"200 OK"}, "200 OK"},
    {"silent", 3, USUAL, {"-", "200 OK"}, "200 OK"},
    {"two are silent", 3, USUAL, {"-", "-", "200 OK"}, "200 OK"},
    {"503", 3, USUAL, {"503 Busy", "200 OK"}, "200 OK"},
    {"408", 3, USUAL, {"408 Late", "200 OK"}, "200 OK"},
    {"500 is listed", 3, {500}, {"500 Oops", "200 OK"}, "200 OK"},
    {"500 is not", 3, USUAL, {"500 Oops"}, "500 Oops"},
    {"503 is not", 3, {500}, {"503 Busy"}, "503 Busy"},
    {"nothing is listed", 3, {0}, {"408 Late"}, "408 Late"},
    {"486", 3, USUAL, {"486 Busy Here"}, "486 Busy Here"},
    {"6xx", 3, {603}, {"603 Decline"}, "603 Decline"},
    {"3xx", 3, USUAL, {"302 Moved"}, "302 Moved"},
    {"one attempt", 1, USUAL, {"503 Busy"}, "503 Busy"},
    {"two attempts", 2, USUAL, {"503 Busy", "503 Again"}, "503 Again"},
    {"never twice", 8, USUAL, {"503 One", "503 Two", "503 Three"}, "503 Three"},
    {"486 of 503 486", 3, USUAL, {"503 Busy", "486 Busy Here"}, "486 Busy Here"},
    {"408 of 503 408", 2, USUAL, {"503 Busy", "408 Late"}, "408 Late"},
    {"408 of 408 503", 2, USUAL, {"408 Late", "503 Busy"}, "408 Late"},
    {"404 of 404 500", 2, {404}, {"404 Nobody", "500 Oops"}, "404 Nobody"},
    {"484 of 484 404", 2, {484}, {"484 More", "404 Nobody"}, "484 More"},
    {"407 of 407 486", 2, {407}, {"407 Who", "486 Busy Here"}, "407 Who"},
    {"404 of 404 408", 3, {404, 408}, {"404 Nobody", "408 Late", "503 Busy"}, "404 Nobody"},
    {"302 of 503 302", 3, USUAL, {"503 Busy", "302 Moved"}, "302 Moved"},
    {"302 of 302 404", 3, {302}, {"302 Moved", "404 Nobody"}, "302 Moved"},
    {"603 of 404 603", 3, {404}, {"404 Nobody", "603 Decline"}, "603 Decline"},
    {"603 of 401 603", 3, {401}, {"401 Who", "603 Decline"}, "603 Decline"},
    {"408 of silent 503", 2, USUAL, {"-", "503 Busy"}, "408 Request Timeout"},
    {"486 of silent 486", 2, USUAL, {"-", "486 Busy Here"}, "486 Busy Here"},
    {"480 of 503 silent 480", 3, USUAL, {"503 Busy", "-", "480 Away"}, "480 Away"},
};

static void check_row(struct wire *wire, const struct row *row)
{
    struct call call;
    char line[64];
    print_message("%s\n", row->name);
    failing_configure(wire, row->attempts, row->statuses);
    snprintf(line, sizeof(line), "row-%u@failover", (unsigned)(row - rows));
    failing_begin(&call, wire, line);
    unsigned last = 0;
    while (last + 1 < FAILING_MEMBERS && row->answers[last + 1] != NULL)
        failing_by(&call, row->answers[last++]);
    failing_respond(&call, &call.invite, row->answers[last], "last");
    snprintf(line, sizeof(line), "SIP/2.0 %s\r\n", row->upstream);
    call.answer = call_take(&call, DIALOG_CALLER, line);
    if (row->upstream[0] == '2') {
        failing_ack(&call, "last");
    } else {
        failing_asked(wire, "ACK ");
        call_ack_refusal(&call);
        call_expect_gone(&call);
    }
    // Exactly one, and nobody else is asked.
    wire_expect_silence(wire);
    wire_pass(wire, 5000);
    wire_expect_silence(wire);
    if (row->upstream[0] == '2') {
        call_expect(&call, DIALOG_CONFIRMED);
        assert_int_equal(dialog_at(&wire->workers[0]->dialogs, 0)->callee_member,
                         failing_member(call.invite.to));
        call_hang_up(&call, DIALOG_CALLER);
    }
    assert_int_equal(limit_held(&wire->workers[0]->limits, LIMIT_ALL), 0);
    for (uint16_t member = 0; member < IMAGE_MEMBERS; member++) {
        assert_int_equal(limit_held(&wire->workers[0]->limits, LIMIT_MEMBER(member)), 0);
        assert_int_equal(wire->parts[0].members[member].calls, 0);
    }
}

static void test_rows(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        struct wire *wire = wire_open(&(struct wire_options){0});
        check_row(wire, &rows[i]);
        wire_close(wire);
    }
}

static void test_counters(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "counters@failover");
    uint16_t first = failing_member(call.invite.to);
    failing_by(&call, "-");
    uint16_t second = failing_member(call.invite.to);
    failing_by(&call, "503 Busy");
    uint16_t third = failing_member(call.invite.to);
    const struct counters_member *members = wire->parts[0].members;
    assert_int_equal(members[first].calls_total, 1);
    assert_int_equal(members[first].timeouts_total, 1);
    assert_int_equal(members[first].failovers_total, 1);
    assert_int_equal(members[second].timeouts_total, 0);
    assert_int_equal(members[second].failovers_total, 1);
    assert_int_equal(members[third].calls_total, 1);
    assert_int_equal(members[third].failovers_total, 0);
    const struct limits *limits = &wire->workers[0]->limits;
    assert_int_equal(limit_held(limits, LIMIT_MEMBER(first)), 0);
    assert_int_equal(limit_held(limits, LIMIT_MEMBER(second)), 0);
    assert_int_equal(limit_held(limits, LIMIT_MEMBER(third)), 1);
    assert_int_equal(limit_held(limits, LIMIT_PEER_OUT(IMAGE_SBCS)), 1);
    wire_expect_count(wire, COUNTER_FAILOVER_TIMEOUT, 1);
    wire_expect_count(wire, COUNTER_FAILOVER_REFUSED, 1);
    failing_respond(&call, &call.invite, "180 Ringing", "t");
    assert_int_equal(members[third].calls, 1);
    assert_int_equal(members[first].calls, 0);
}

// What comes within the time is no failure: a 100 is enough, and the request is not repeated then.
static void test_any_response_in_time(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "in-time@failover");
    wire_pass(wire, 400);
    failing_respond(&call, &call.invite, "100 Trying", "");
    wire_pass(wire, 60000);
    wire_expect_silence(wire);
    failing_respond(&call, &call.invite, "503 Busy", "t"); // a 100 was not sent on: there is still a choice
    failing_asked(wire, "ACK ");
    failing_asked(wire, "INVITE ");
}

// 18x has gone upstream: nobody else is asked, whatever comes then.
static void test_after_ringing(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "ringing@failover");
    failing_by(&call, "-");
    failing_respond(&call, &call.invite, "183 Session Progress", "t");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 183 ");
    failing_respond(&call, &call.invite, "503 Busy", "t");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 408 "); // the first one's
    failing_asked(wire, "ACK ");
    wire_expect_silence(wire);
    call_expect_gone(&call);
}

// It rings for longer than the first one's timer B, which says nothing any more.
static void test_rings_long(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "rings-long@failover");
    failing_by(&call, "-");
    failing_respond(&call, &call.invite, "180 Ringing", "t");
    call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 180 ");
    wire_pass(wire, 60000);
    wire_expect_silence(wire);
    failing_respond(&call, &call.invite, "200 OK", "t");
    call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    failing_ack(&call, "t");
    uint16_t first =
        failing_member(call.invite.to) == IMAGE_MEMBER_SBC1 ? IMAGE_MEMBER_SBC2 : IMAGE_MEMBER_SBC1;
    assert_int_equal(wire->parts[0].members[first].timeouts_total, 1);
}

static void test_cancelled(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "cancelled@failover");
    failing_by(&call, "-");
    call_cancel(&call);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    wire_pass(wire, 600);                                                // it would be time
    assert_int_equal(wire_take_all(wire, call.invite.to, "INVITE "), 1); // timer A
    wire_expect_silence(wire);
    failing_respond(&call, &call.invite, "100 Trying", "");
    struct wire_packet cancel = failing_asked(wire, "CANCEL ");
    assert_true(endpoint_equal(cancel.to, call.invite.to));
    failing_respond(&call, &cancel, "200 OK", "c");
    failing_respond(&call, &call.invite, "503 Busy", "t");
    failing_asked(wire, "ACK ");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 503 ");
    wire_expect_silence(wire);
}

static void test_cancelled_and_silent(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "cancelled-silent@failover");
    call_cancel(&call);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    wire_pass(wire, 31900);
    assert_int_equal(wire_take_all(wire, call.invite.to, "INVITE "), 6);
    wire_expect_silence(wire);
    wire_pass(wire, 200);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 487 ");
    wire_expect_silence(wire);
}

// Requests other than INVITE.
static struct wire_packet begin_message(struct call *call, struct wire *wire, const char *id)
{
    char text[WIRE_TEXT_MAX];
    call_init(call, wire, id);
    call_request_text(call, DIALOG_CALLER, "MESSAGE", text);
    wire_send(wire, wire_carrier, text);
    return failing_asked(wire, "MESSAGE ");
}

static void test_message(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    struct wire_packet first = begin_message(&call, wire, "message@failover");
    wire_pass(wire, 500);
    struct wire_packet second = failing_asked(wire, "MESSAGE ");
    assert_false(endpoint_equal(first.to, second.to));
    failing_respond(&call, &second, "503 Busy", "second");
    struct wire_packet third = failing_asked(wire, "MESSAGE ");
    wire_expect_silence(wire);
    failing_respond(&call, &third, "202 Accepted", "third");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 202 ");
    failing_respond(&call, &first, "200 OK", "first"); // there is but one answer
    wire_expect_silence(wire);
    wire_pass(wire, 40000);
    wire_expect_silence(wire);
    // The first one answers while the second is asked.
    first = begin_message(&call, wire, "message-late@failover");
    wire_pass(wire, 500);
    failing_asked(wire, "MESSAGE ");
    failing_respond(&call, &first, "200 OK", "first");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    wire_pass(wire, 40000);
    wire_expect_silence(wire);
}

// RFC 4320 4.2: no 408, but what else there was.
static void test_message_refused(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 2, failing_usual);
    begin_message(&call, wire, "message-503@failover");
    wire_pass(wire, 500);
    struct wire_packet second = failing_asked(wire, "MESSAGE ");
    failing_respond(&call, &second, "503 Busy", "second");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 503 ");
    wire_pass(wire, 40000);
    wire_expect_silence(wire);
    struct wire_packet first = begin_message(&call, wire, "message-408@failover");
    failing_respond(&call, &first, "503 Busy", "first");
    failing_asked(wire, "MESSAGE ");
    wire_pass(wire, 33000);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), 1); // RFC 4320 4.1
    call_take(&call, DIALOG_CALLER, "SIP/2.0 503 ");
    wire->out_count = 0;
    first = begin_message(&call, wire, "message-silence@failover");
    failing_respond(&call, &first, "408 Late", "first");
    failing_asked(wire, "MESSAGE ");
    wire->out_count = 0;
    wire_pass(wire, 33000);
    wire_take_all(wire, wire_carrier, "SIP/2.0 100 ");
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 "), 0);
    assert_int_equal(wire->workers[0]->transactions.count, 0);
}

static void test_repetitions(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    failing_configure(wire, 3, failing_usual);
    failing_begin(&call, wire, "repeated@failover");
    struct wire_packet first = call.invite;
    failing_by(&call, "503 Busy");
    call_invite_text(&call, text);
    wire_send(wire, wire_carrier, text);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 100 ");
    failing_respond(&call, &first, "503 Busy", "failed"); // our ACK was lost
    struct wire_packet ack = failing_asked(wire, "ACK ");
    assert_true(endpoint_equal(ack.to, first.to));
    wire_expect_silence(wire);
}

// 16.9: what cannot be reached is as good as a 503.
static void test_unreachable(void **state)
{
    struct wire *wire = *state;
    struct worker *worker = wire->workers[0];
    struct call call;
    failing_configure(wire, 2, failing_usual);
    failing_begin(&call, wire, "unreachable@failover");
    uint32_t client = transaction_at(&worker->transactions, 0)->other;
    assert_true(failover_unreachable(worker, client));
    wire_turn(wire);
    call.invite = failing_asked(wire, "INVITE ");
    client = transaction_at(&worker->transactions, 0)->other;
    failing_respond(&call, &call.invite, "100 Trying", "");
    assert_false(failover_unreachable(worker, client)); // it was reached
    failing_respond(&call, &call.invite, "404 Nobody", "t");
    failing_asked(wire, "ACK ");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 404 ");
    failing_respond(&call, &call.invite, "404 Nobody", "t");
    failing_asked(wire, "ACK ");
    wire_pass_silently(wire, 70000);
    wire->image.peers[IMAGE_SBCS].flags &= ~PEER_503_PASS;
    failing_configure(wire, 2, failing_usual);
    failing_begin(&call, wire, "unreachable-all@failover");
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(wire->out_count, 0);
        for (client = 0; worker->transactions.records[client].kind != TRANSACTION_INVITE_CLIENT ||
                         worker->transactions.records[client].state != TRANSACTION_TRYING;
             client++)
            assert_in_range(client, 0, worker->transactions.capacity - 1);
        assert_true(failover_unreachable(worker, client));
        wire_turn(wire);
        if (i == 0)
            failing_asked(wire, "INVITE ");
    }
    call_take(&call, DIALOG_CALLER, "SIP/2.0 500 ");
    call_expect_gone(&call);
    wire_expect_count(wire, COUNTER_FAILOVER_UNREACHABLE, 2);
}

// A member to which no way leads is not asked at all, unless there is no other.
static void test_unrouted(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 3, failing_usual);
    wire->image.members[IMAGE_MEMBER_SBC1].address = image_address(0x0a1e0001);
    wire_reload(wire);
    failing_begin(&call, wire, "unrouted-next@failover");
    failing_by(&call, "-");
    wire_pass(wire, 500);
    wire_expect_count(wire, COUNTER_NEXT_HOP_UNROUTED, 0);
    wire->out_count = 0;
    for (unsigned i = 0; i < 10; i++) {
        char id[32];
        snprintf(id, sizeof(id), "unrouted-%u@failover", i);
        failing_begin(&call, wire, id);
        assert_false(endpoint_equal(call.invite.to, wire_sbc1));
        failing_respond(&call, &call.invite, "486 Busy Here", "t");
        wire->out_count = 0;
    }
    wire_ways_set(wire, &(struct wire_ways){.unrouted = 2});
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "unrouted-all@failover");
    call_invite_text(&call, text);
    wire_send(wire, wire_carrier, text);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 100 ");
    wire_ways_set(wire, &(struct wire_ways){0});
    wire->out_count = 0;
    wire_pass(wire, 600);
    assert_true(wire_take_all(wire, wire_sbc2, "INVITE ") + wire_take_all(wire, failing_third, "INVITE ") >
                0);
    wire->out_count = 0;
}

// Without failover.after: timer B.
static void test_timer_b(void **state)
{
    struct wire *wire = *state;
    struct call call;
    failing_configure(wire, 2, failing_usual);
    wire->image.peers[IMAGE_SBCS].failover_after_ms = 0;
    wire_reload(wire);
    failing_begin(&call, wire, "b@failover");
    wire_pass(wire, 31900);
    assert_int_equal(wire_take_all(wire, call.invite.to, "INVITE "), 6);
    wire_pass(wire, 200);
    struct wire_packet next = failing_asked(wire, "INVITE ");
    assert_false(endpoint_equal(next.to, call.invite.to));
    wire_expect_silence(wire);
    wire_pass_silently(wire, 31000);
    wire_pass(wire, 2000);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 408 ");
    // Nor is there anybody left to hear of another request when timer F ends it.
    begin_message(&call, wire, "f@failover");
    wire_pass_silently(wire, 31000);
    wire->out_count = 0;
    wire_pass(wire, 40000);
    assert_int_equal(wire_take_all(wire, wire_sbc1, "MESSAGE ") + wire_take_all(wire, wire_sbc2, "MESSAGE "),
                     1); // timer E at 31.5 s
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        ON_WIRE(test_counters),
        ON_WIRE(test_any_response_in_time),
        ON_WIRE(test_after_ringing),
        ON_WIRE(test_rings_long),
        ON_WIRE(test_cancelled),
        ON_WIRE(test_cancelled_and_silent),
        ON_WIRE(test_message),
        ON_WIRE(test_message_refused),
        ON_WIRE(test_repetitions),
        ON_WIRE(test_unreachable),
        ON_WIRE(test_unrouted),
        ON_WIRE(test_timer_b),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
