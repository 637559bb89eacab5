// SPDX-License-Identifier: BSD-3-Clause
// RFC 5407 section 3.1 as a proxy between the two agents sees it: the callee has sent its 2xx and waits for
// the ACK (Moratorium) when something that was sent earlier reaches it. Everything has to pass end to end;
// only what RFC 3261 ends hop by hop (repeated INVITEs, CANCEL, ACK to refusals) stays with us.
#include <string.h>
#include "tests.h"

static bool is_acked(const struct call *call)
{
    uint32_t index = call_expect(call, DIALOG_CONFIRMED);
    return dialog_at(&call->wire->workers[0]->dialogs, index)->flags & DIALOG_FLAG_ACKED;
}

static void ring(struct call *call, struct wire *wire, const char *id)
{
    call_init(call, wire, id);
    call_invite(call);
    call_answer(call, "180 Ringing");
    call_expect(call, DIALOG_EARLY);
}

static void answer(struct call *call)
{
    call_answer(call, "200 OK");
    assert_starts(&call->answer, "SIP/2.0 200 OK\r\n");
    wire_expect_silence(call->wire);
}

// The callee's 200 again, since no ACK came.
static void repeat_200(struct call *call)
{
    answer(call);
    assert_header(&call->answer, "CSeq", "100 INVITE");
}

static void acknowledge(struct call *call)
{
    struct wire_packet ack = call_ack(call, DIALOG_CALLER, 100);
    assert_header(&ack, "CSeq", "100 ACK");
    wire_expect_silence(call->wire);
}

static void end(struct call *call, enum dialog_side from)
{
    call_hang_up(call, from);
    call_expect_gone(call);
    wire_expect_count(call->wire, COUNTER_DIALOG_ANSWERED, 1);
    wire_expect_count(call->wire, COUNTER_DIALOG_ENDED, 1);
    wire_expect_count(call->wire, COUNTER_DIALOG_REFUSED, 0);
}

// 3.1.1, the caller's repetition: its 180 was lost, its INVITE meets our server transaction in Accepted.
static void test_3_1_1_repeated_invite_from_the_caller(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char invite[WIRE_TEXT_MAX];
    call_init(&call, wire, "3.1.1-a@race");
    call_invite_text(&call, invite);
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    answer(&call);
    wire_send(wire, call.sides[DIALOG_CALLER].at, invite);
    wire_expect_silence(wire); // RFC 6026 7.1: the callee repeats its 200, not we; nor is it a second INVITE
    wire_expect_count(wire, COUNTER_TRANSACTION_REPEAT, 1);
    repeat_200(&call);
    assert_false(is_acked(&call));
    acknowledge(&call);
    assert_true(is_acked(&call));
    end(&call, DIALOG_CALLEE);
}

// 3.1.1, our own repetition: it crosses the callee's 200, and each 200 and each ACK goes on.
static void test_3_1_1_repeated_invite_from_us(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "3.1.1-b@race");
    call_invite(&call);
    wire_pass(wire, 600); // timer A
    struct wire_packet again = call_take(&call, DIALOG_CALLEE, "INVITE ");
    assert_string_equal(again.text, call.invite.text);
    answer(&call);
    call_respond(&call, &again, "200 OK", call.sides[DIALOG_CALLEE].tag);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    acknowledge(&call);
    acknowledge(&call);
    assert_true(is_acked(&call));
    end(&call, DIALOG_CALLER);
}

// 3.1.2, the CANCEL meets the 200 between us and the callee: it was sent on, and it changes nothing.
static void test_3_1_2_cancel_crosses_200_behind_us(void **state)
{
    struct wire *wire = *state;
    struct call call;
    ring(&call, wire, "3.1.2-a@race");
    call_cancel(&call);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 "); // to the CANCEL
    struct wire_packet cancel = call_take(&call, DIALOG_CALLEE, "CANCEL ");
    call_answer(&call, "200 OK");
    assert_header(&call.answer, "CSeq", "100 INVITE");
    call_respond(&call, &cancel, "200 OK", "c");
    wire_expect_silence(wire); // hop by hop
    acknowledge(&call);
    wire_pass(wire, 70000); // the 64*T1 of 9.1 do not end what was answered
    wire_expect_silence(wire);
    assert_true(is_acked(&call));
    end(&call, DIALOG_CALLER);
}

// 3.1.2, the CANCEL meets the 200 between the caller and us.
static void test_3_1_2_cancel_crosses_200_before_us(void **state)
{
    struct wire *wire = *state;
    struct call call;
    ring(&call, wire, "3.1.2-b@race");
    answer(&call);
    call_cancel(&call);
    struct wire_packet ok = call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    assert_header(&ok, "CSeq", "100 CANCEL");
    wire_expect_silence(wire); // 9.2: no effect
    acknowledge(&call);
    end(&call, DIALOG_CALLER);
}

static void test_3_1_3_early_bye_crosses_200(void **state)
{
    struct wire *wire = *state;
    struct call call;
    ring(&call, wire, "3.1.3-a@race");
    struct wire_packet bye = call_request(&call, DIALOG_CALLER, "BYE");
    call_expect(&call, DIALOG_TERMINATING);
    answer(&call);
    call_expect(&call, DIALOG_TERMINATING);
    acknowledge(&call);
    call_respond(&call, &bye, "200 OK", "");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    call_expect_gone(&call);
    repeat_200(&call); // its ACK was late: it passes, and makes no dialog anew
    acknowledge(&call);
    call_expect_gone(&call);
    wire_expect_count(wire, COUNTER_DIALOG_ANSWERED, 1);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, 1);
    wire_expect_count(wire, COUNTER_DIALOG_CREATED, 1);
}

// The 200 to the BYE overtakes the 200 to the INVITE.
static void test_3_1_3_early_bye_is_answered_first(void **state)
{
    struct wire *wire = *state;
    struct call call;
    ring(&call, wire, "3.1.3-b@race");
    struct wire_packet bye = call_request(&call, DIALOG_CALLER, "BYE");
    call_respond(&call, &bye, "200 OK", "");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    call_expect_gone(&call);
    answer(&call);
    acknowledge(&call);
    call_expect_gone(&call);
    wire_expect_count(wire, COUNTER_DIALOG_CREATED, 1);
    wire_expect_count(wire, COUNTER_DIALOG_REFUSED, 1);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, 0);
}

// 3.1.4: the ACK is lost, and the caller's next INVITE comes before it. The callee takes it.
static void test_3_1_4_reinvite_overtakes_the_ack(void **state)
{
    struct wire *wire = *state;
    struct call call;
    ring(&call, wire, "3.1.4@race");
    answer(&call);
    struct wire_packet reinvite = call_request(&call, DIALOG_CALLER, "INVITE");
    assert_header(&reinvite, "CSeq", "101 INVITE");
    assert_false(is_acked(&call));
    repeat_200(&call); // two INVITEs run now, and each 200 finds its own
    call_respond(&call, &reinvite, "200 OK", "");
    struct wire_packet ok = call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    assert_header(&ok, "CSeq", "101 INVITE");
    assert_true(strstr(header_of(&ok, "Via"), "-alice-1;") != NULL);
    assert_true(strstr(header_of(&call.answer, "Via"), "-alice-0;") != NULL);
    acknowledge(&call);
    call_ack(&call, DIALOG_CALLER, 101);
    assert_true(is_acked(&call));
    end(&call, DIALOG_CALLER);
}

// 3.1.5: the same, but the answer was to come in the ACK: the callee refuses by 491.
static void test_3_1_5_reinvite_before_the_answer_is_refused(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char first[WIRE_TEXT_MAX];
    ring(&call, wire, "3.1.5@race");
    answer(&call);
    call_send(&call, DIALOG_CALLER, "INVITE", first);
    struct wire_packet reinvite = call_take(&call, DIALOG_CALLEE, "INVITE ");
    call_respond(&call, &reinvite, "491 Request Pending", "");
    call_take(&call, DIALOG_CALLEE, "ACK "); // ours
    call_take(&call, DIALOG_CALLER, "SIP/2.0 491 ");
    call_hop(&call, DIALOG_CALLER, "ACK", first);
    wire_expect_silence(wire);     // hop by hop
    assert_false(is_acked(&call)); // that was another ACK
    repeat_200(&call);
    acknowledge(&call);
    assert_true(is_acked(&call));
    reinvite = call_request(&call, DIALOG_CALLER, "INVITE");
    call_respond(&call, &reinvite, "200 OK", "");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    call_ack(&call, DIALOG_CALLER, 102);
    end(&call, DIALOG_CALLEE);
}

// 3.1.6: the ACK is lost, and the caller hangs up.
static void test_3_1_6_bye_overtakes_the_ack(void **state)
{
    struct wire *wire = *state;
    struct call call;
    ring(&call, wire, "3.1.6@race");
    answer(&call);
    struct wire_packet bye = call_request(&call, DIALOG_CALLER, "BYE");
    call_expect(&call, DIALOG_TERMINATING);
    repeat_200(&call); // it crossed the BYE
    acknowledge(&call);
    call_expect(&call, DIALOG_TERMINATING);
    call_respond(&call, &bye, "200 OK", "");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    call_expect_gone(&call);
    acknowledge(&call); // the first ACK, late: the cookie lets it pass
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, 1);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_3_1_1_repeated_invite_from_the_caller),
        ON_WIRE(test_3_1_1_repeated_invite_from_us),
        ON_WIRE(test_3_1_2_cancel_crosses_200_behind_us),
        ON_WIRE(test_3_1_2_cancel_crosses_200_before_us),
        ON_WIRE(test_3_1_3_early_bye_crosses_200),
        ON_WIRE(test_3_1_3_early_bye_is_answered_first),
        ON_WIRE(test_3_1_4_reinvite_overtakes_the_ack),
        ON_WIRE(test_3_1_5_reinvite_before_the_answer_is_refused),
        ON_WIRE(test_3_1_6_bye_overtakes_the_ack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
