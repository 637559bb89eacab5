// SPDX-License-Identifier: BSD-3-Clause
// INVITEs that end otherwise than by one 2xx: refused, cancelled, unanswered, answered late or twice.
#include <stdio.h>
#include <string.h>
#include "tests.h"

static struct endpoint callee_of(const struct call *call)
{
    return call->sides[DIALOG_CALLEE].at;
}

static void test_busy(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "busy@end");
    call.extra =
        "Route: <sip:10.10.0.10;lr>, <sip:sbc.example;lr>\r\n"; // the rest goes with the ACK (17.1.1.3)
    call_invite(&call);
    call.extra = NULL;
    call_answer(&call, "486 Busy Here");
    assert_starts(&call.answer, "SIP/2.0 486 Busy Here\r\n");
    struct wire_packet ack = wire_take(wire, callee_of(&call));
    char via[256];
    assert_starts(&ack, "ACK sip:bob@10.10.0.10 SIP/2.0\r\n");
    snprintf(via, sizeof(via), "%s", header_of(&call.invite, "Via"));
    *strchr(via, '|') = '\0';
    assert_header(&ack, "Via", via);
    assert_header(&ack, "To", header_of(&call.answer, "To"));
    assert_header(&ack, "From", header_of(&call.invite, "From"));
    assert_header(&ack, "CSeq", "100 ACK");
    assert_header(&ack, "Route", "<sip:sbc.example;lr>");
    wire_expect_silence(wire);
    call_respond(&call, &call.invite, "486 Busy Here", "tag-bob"); // our ACK was lost
    struct wire_packet second = wire_take(wire, callee_of(&call));
    assert_string_equal(ack.text, second.text);
    wire_expect_silence(wire);
    wire_pass(wire, 600); // timer G, since the caller's ACK is late
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 486 "), 1);
    call_ack_refusal(&call);
    call_ack_refusal(&call);
    wire_pass(wire, 4000);
    wire_expect_silence(wire); // hop by hop: no ACK went on
    wire_expect_count(wire, COUNTER_DIALOG_REFUSED, 1);
    wire_expect_count(wire, COUNTER_OUT_ABSORBED, 3);
    wire_expect_count(wire, COUNTER_TRANSACTION_NO_ACK, 0);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
}

static void test_refusal_without_ack(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "no-ack@end");
    call_invite(&call);
    call_answer(&call, "603 Decline");
    wire_pass(wire, 33000); // 0.5 1.5 3.5 7.5 11.5 ... 31.5 s
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 603 "), 10);
    assert_int_equal(wire_take_all(wire, callee_of(&call), "ACK "), 1);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_TRANSACTION_NO_ACK, 1);
}

static void end_cancelled(struct call *call)
{
    call_answer(call, "487 Request Terminated");
    assert_starts(&call->answer, "SIP/2.0 487 ");
    struct wire_packet ack = wire_take(call->wire, callee_of(call));
    assert_starts(&ack, "ACK ");
    call_ack_refusal(call);
    wire_expect_silence(call->wire);
    wire_expect_count(call->wire, COUNTER_DIALOG_REFUSED, 1);
}

static void test_cancel_before_any_response(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "cancel-early@end");
    call_invite(&call);
    call_cancel(&call);
    struct wire_packet ok = wire_take(wire, wire_carrier);
    assert_starts(&ok, "SIP/2.0 200 OK\r\n");
    assert_header(&ok, "CSeq", "100 CANCEL");
    wire_expect_silence(wire); // 9.1: not before a provisional response
    call_respond(&call, &call.invite, "100 Trying", "");
    struct wire_packet cancel = wire_take(wire, callee_of(&call));
    assert_starts(&cancel, "CANCEL sip:bob@10.10.0.10 SIP/2.0\r\n");
    assert_int_equal(
        strncmp(header_of(&cancel, "Via"), header_of(&call.invite, "Via"), strlen(header_of(&cancel, "Via"))),
        0);
    assert_header(&cancel, "To", header_of(&call.invite, "To"));
    assert_header(&cancel, "CSeq", "100 CANCEL");
    assert_null(strstr(cancel.text, "Reason:"));
    call_respond(&call, &cancel, "200 OK", "c");
    wire_expect_silence(wire);
    end_cancelled(&call);
}

// RFC 3326: why the caller gave up, also when the CANCEL has to wait for the callee's first response.
static void test_cancel_with_reason(void **state)
{
    static const struct {
        const char *given, *passed; // NULL: nothing
    } rows[] = {
        {"Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n", "SIP;cause=200"},
        {"Reason: Q.850;cause=16;text=\"Terminated\"\r\n", "Q.850;cause=16"},
        {"Reason: preemption;cause=1, q.850 ; cause = 31\r\n", "Q.850;cause=31"},
        {"Reason: SIP\r\n", NULL},
        {"Reason: SIP;cause=70000\r\n", NULL},
        {"Reason: ;;\r\n", NULL},
    };
    struct wire *wire = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct call call;
        char id[32];
        snprintf(id, sizeof(id), "reason-%zu@end", i);
        call_init(&call, wire, id);
        call_invite(&call);
        call.extra = rows[i].given;
        call_cancel(&call);
        call.extra = NULL;
        assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 1);
        call_answer(&call, "180 Ringing");
        struct wire_packet cancel = wire_take(wire, callee_of(&call));
        assert_starts(&cancel, "CANCEL ");
        if (rows[i].passed)
            assert_header(&cancel, "Reason", rows[i].passed);
        else
            assert_null(strstr(cancel.text, "Reason:"));
        call_respond(&call, &cancel, "200 OK", "c");
        call_answer(&call, "487 Request Terminated");
        struct wire_packet ack = wire_take(wire, callee_of(&call));
        assert_starts(&ack, "ACK ");
        assert_null(strstr(ack.text, "Reason:"));
        call_ack_refusal(&call);
    }
}

static void test_cancel_while_ringing(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "cancel@end");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    call_cancel(&call);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 1);
    struct wire_packet cancel = wire_take(wire, callee_of(&call));
    assert_starts(&cancel, "CANCEL ");
    call_cancel(&call); // repeated: the same answer, and no second CANCEL
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 1);
    wire_expect_silence(wire);
    wire_pass(wire, 600); // timer E
    assert_int_equal(wire_take_all(wire, callee_of(&call), "CANCEL "), 1);
    call_respond(&call, &cancel, "200 OK", "c");
    end_cancelled(&call);
}

static void test_cancel_too_late(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "cancel-late@end");
    call_establish(&call);
    call_cancel(&call);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 0); // establish used other branches
    call.branch = 0;
    call_cancel(&call);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 1);
    wire_take_all(wire, wire_carrier, "SIP/2.0 481 ");
    wire_expect_silence(wire); // 9.2: no effect
    call.branch = 7;
    call_hang_up(&call, DIALOG_CALLER);
}

static void test_unknown_cancel(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "cancel-unknown@end");
    call_cancel(&call);
    struct wire_packet refusal = wire_take(wire, wire_carrier);
    assert_starts(&refusal, "SIP/2.0 481 ");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_ANSWER_481, 1);
}

static void test_cancel_that_nobody_answers(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "cancel-silent@end");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    call_cancel(&call);
    wire_take_all(wire, wire_carrier, "SIP/2.0 200 ");
    wire_pass(wire, 31500);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 487 "), 0);
    wire_pass(wire, 600); // 9.1: 64*T1
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 487 "), 1);
    wire_expect_count(wire, COUNTER_ANSWER_487, 1);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
}

// The CANCEL's transaction ends long before the INVITE's; whoever got its place must not get its responses.
static void test_late_response_to_cancel_touches_no_other_call(void **state)
{
    struct wire *wire = *state;
    struct call calls[2], other;
    struct wire_packet cancels[2];
    for (unsigned i = 0; i < 2; i++) {
        call_init(&calls[i], wire, i == 0 ? "cancel-slot-0@end" : "cancel-slot-1@end");
        call_invite(&calls[i]);
        call_answer(&calls[i], "180 Ringing");
        call_cancel(&calls[i]);
        wire_take_all(wire, wire_carrier, "SIP/2.0 200 ");
        cancels[i] = wire_take(wire, callee_of(&calls[i]));
    }
    for (unsigned i = 0; i < 2; i++) {
        call_respond(&calls[i], &cancels[i], "200 OK", "c");
        wire_pass(wire, 100);
    }
    wire_pass(wire, 5500); // timer K
    // Its two transactions take the places of the two CANCELs: the client's is the first one's.
    call_init(&other, wire, "innocent@end");
    call_invite(&other);
    for (unsigned i = 0; i < 2; i++)
        call_respond(&calls[i], &cancels[i], "200 OK", "c");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_STRAY_RESPONSE, 2);
    call_answer(&other, "180 Ringing");
    assert_starts(&other.answer, "SIP/2.0 180 ");
    call_answer(&other, "486 Busy Here");
    assert_starts(&other.answer, "SIP/2.0 486 ");
}

// Nor may another call's CANCEL in that place.
static void test_late_response_to_cancel_ends_no_other_cancel(void **state)
{
    struct wire *wire = *state;
    struct call call, other;
    call_init(&call, wire, "cancel-a@end");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    call_init(&other, wire, "cancel-b@end");
    call_invite(&other);
    call_answer(&other, "180 Ringing");
    call_cancel(&call);
    struct wire_packet cancel = wire_take(wire, callee_of(&call));
    call_respond(&call, &cancel, "200 OK", "c");
    wire_pass(wire, 5500); // timer K
    wire->out_count = 0;
    call_cancel(&other);
    wire->out_count = 0;
    call_respond(&call, &cancel, "200 OK", "c");
    wire_expect_count(wire, COUNTER_DROP_STRAY_RESPONSE, 1);
    wire_pass(wire, 600); // timer E: it still waits for its own answer
    assert_int_equal(wire_take_all(wire, callee_of(&other), "CANCEL "), 1);
}

// 17.2.3, and more: the branch alone does not open another peer's transaction.
static void test_cancel_from_another_peer(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "cancel-foreign@end");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    call.sides[DIALOG_CALLER].via_parameters =
        ""; // the answer goes to the sender's address and the Via's port
    struct call foreign = call;
    char text[WIRE_TEXT_MAX];
    call_invite_text(&foreign, text);
    memcpy(text, "CANCEL", 6);
    memcpy(strstr(text, "CSeq: 100 INVITE"), "CSeq: 100 CANCEL", 16);
    wire_send(wire, wire_carrier_b, text);
    assert_int_equal(wire_take_all(wire, wire_carrier_b, "SIP/2.0 481 "), 1);
    wire_expect_silence(wire);
    wire_send(wire, wire_carrier, text);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 1);
    assert_int_equal(wire_take_all(wire, callee_of(&call), "CANCEL "), 1);
}

static void test_nobody_answers_the_invite(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "silent@end");
    call_invite(&call);
    wire_pass(wire, 31900); // timer A: 0.5 1.5 3.5 7.5 15.5 31.5
    assert_int_equal(wire_take_all(wire, callee_of(&call), call.invite.text), 6);
    wire_expect_silence(wire);
    wire_pass(wire, 200); // timer B
    call.answer = wire_take(wire, wire_carrier);
    assert_starts(&call.answer, "SIP/2.0 408 Request Timeout\r\n");
    assert_true(call.answer.message.to_tag.length > 0);
    char via[WIRE_TEXT_MAX];
    snprintf(via, sizeof(via), "%s", strchr(header_of(&call.invite, "Via"), '|') + 1);
    assert_header(&call.answer, "Via", via);
    call_ack_refusal(&call);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_ANSWER_408, 1);
    wire_expect_count(wire, COUNTER_TRANSACTION_TIMEOUT, 1);
    wire_expect_count(wire, COUNTER_DIALOG_REFUSED, 1);
    wire_expect_count(wire, COUNTER_TX_RETRANSMITTED, 6);
    assert_int_equal(wire->parts[0]
                         .members[wire_ipv4(callee_of(&call)) & 1 ? IMAGE_MEMBER_SBC1 : IMAGE_MEMBER_SBC2]
                         .timeouts_total,
                     1);
    // A 2xx after that goes its way (16.7 step 5): only the caller can end that call.
    call_respond(&call, &call.invite, "200 OK", "late");
    struct wire_packet late = wire_take(wire, wire_carrier);
    assert_starts(&late, "SIP/2.0 200 OK\r\n");
    assert_header(&late, "Via", via);
}

static void test_stray_refusal_and_provisional_stay(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "stray@end");
    call_invite(&call);
    wire_pass_silently(wire, 120000);
    assert_int_equal(wire->workers[0]->transactions.count, 0);
    call_respond(&call, &call.invite, "180 Ringing", "t");
    call_respond(&call, &call.invite, "486 Busy Here", "t");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_STRAY_RESPONSE, 2);
}

static void test_non_invite_gets_no_408(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "message@end");
    call_request_text(&call, DIALOG_CALLER, "MESSAGE", text);
    wire_send(wire, wire_carrier, text);
    wire_pass(wire, 33000); // timer E: 0.5 1.5 3.5 7.5 11.5 ... 31.5, F
    assert_int_equal(wire_take_all(wire, callee_of(&call), "MESSAGE "), 11);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), 1);
    wire_expect_silence(wire); // RFC 4320 4.2
    wire_expect_count(wire, COUNTER_TRANSACTION_TIMEOUT, 1);
    assert_int_equal(wire->workers[0]->transactions.count, 0);
    call_request_text(&call, DIALOG_CALLER, "MESSAGE", text);
    wire_send(wire, wire_carrier, text);
    struct wire_packet request = wire_take(wire, callee_of(&call));
    call_respond(&call, &request, "408 Request Timeout", "t");
    wire_expect_silence(wire); // RFC 4320 4.2 again: nor another's
    wire_expect_count(wire, COUNTER_OUT_ABSORBED, 1);
}

static void test_non_invite_is_answered(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "message-ok@end");
    call_request_text(&call, DIALOG_CALLER, "MESSAGE", text);
    wire_send(wire, wire_carrier, text);
    wire_send(wire, wire_carrier, text); // nothing to repeat yet
    struct wire_packet request = wire_take(wire, callee_of(&call));
    assert_header(&request, "Record-Route", "");
    wire_expect_silence(wire);
    call_respond(&call, &request, "202 Accepted", "t");
    struct wire_packet answer = wire_take(wire, wire_carrier);
    assert_starts(&answer, "SIP/2.0 202 ");
    wire_send(wire, wire_carrier, text);
    struct wire_packet again = wire_take(wire, wire_carrier);
    assert_string_equal(answer.text, again.text);
    call_respond(&call, &request, "202 Accepted", "t");
    wire_expect_silence(wire); // timer K waits for these
    wire_expect_count(wire, COUNTER_TRANSACTION_NIST, 1);
    wire_expect_count(wire, COUNTER_TRANSACTION_REPEAT, 2);
}

// RFC 4320 4.1: no provisional response but a 100, and that not before the requester repeats every T2.
static void test_non_invite_is_answered_late(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "message-late@end");
    call_request_text(&call, DIALOG_CALLER, "MESSAGE", text);
    wire_send(wire, wire_carrier, text);
    struct wire_packet request = wire_take(wire, callee_of(&call));
    call_respond(&call, &request, "183 Session Progress", "t");
    call_respond(&call, &request, "100 Trying", "");
    wire_pass(wire, 3400);
    wire_send(wire, wire_carrier, text);
    assert_int_equal(wire_take_all(wire, callee_of(&call), "MESSAGE "), 1); // then every T2
    wire_expect_silence(wire);
    wire_pass(wire, 100);
    struct wire_packet trying = wire_take(wire, wire_carrier);
    assert_starts(&trying, "SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP 10.10.1.1:5060;branch=");
    assert_null(strstr(trying.text, "10.10.0.10:5060;branch"));
    wire_send(wire, wire_carrier, text);
    struct wire_packet again = wire_take(wire, wire_carrier);
    assert_string_equal(trying.text, again.text);
    call_respond(&call, &request, "202 Accepted", "t");
    struct wire_packet answer = wire_take(wire, wire_carrier);
    assert_starts(&answer, "SIP/2.0 202 ");
    wire_expect_silence(wire);
}

static void ring_till_timer_c(struct call *call)
{
    call_invite(call);
    call_answer(call, "180 Ringing");
    wire_pass(call->wire, 50000);
    call_answer(call, "180 Ringing"); // timer C begins again (16.7 step 2)
    wire_pass(call->wire, 180000);
    wire_expect_silence(call->wire);
    wire_pass(call->wire, 1100);
    struct wire_packet cancel = wire_take(call->wire, callee_of(call));
    assert_starts(&cancel, "CANCEL ");
    call_respond(call, &cancel, "200 OK", "c");
    wire_expect_silence(call->wire);
}

static void test_rings_too_long(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "timer-c@end");
    ring_till_timer_c(&call);
    call_answer(&call, "487 Request Terminated");
    assert_starts(&call.answer, "SIP/2.0 408 "); // 16.8
    assert_int_equal(wire_take_all(wire, callee_of(&call), "ACK "), 1);
    call_ack_refusal(&call);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DIALOG_REFUSED, 1);
}

static void test_rings_too_long_and_knows_no_cancel(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "timer-c-2@end");
    ring_till_timer_c(&call);
    wire_pass(wire, 33000);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 408 "), 2); // and timer G
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
}

static void test_forked_answers(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "fork@end");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    snprintf(call.sides[DIALOG_CALLEE].tag, 32, "second");
    call_answer(&call, "180 Ringing");
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_EARLY], 2);
    call_answer(&call, "200 OK");
    call_request(&call, DIALOG_CALLER, "ACK");
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], 1);
    snprintf(call.sides[DIALOG_CALLEE].tag, 32, "third");
    call_answer(&call, "200 OK"); // every 2xx goes on
    assert_starts(&call.answer, "SIP/2.0 200 ");
    call_request(&call, DIALOG_CALLER, "ACK");
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], 2);
    assert_int_equal(wire->parts[0].peers[IMAGE_CARRIER_A].calls_in, 3);
    wire_expect_count(wire, COUNTER_DIALOG_CREATED, 3);
    call_hang_up(&call, DIALOG_CALLER);
    snprintf(call.sides[DIALOG_CALLEE].tag, 32, "second");
    call_hang_up(&call, DIALOG_CALLER);
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], 0);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_busy),
        ON_WIRE(test_refusal_without_ack),
        ON_WIRE(test_cancel_before_any_response),
        ON_WIRE(test_cancel_with_reason),
        ON_WIRE(test_cancel_while_ringing),
        ON_WIRE(test_cancel_too_late),
        ON_WIRE(test_unknown_cancel),
        ON_WIRE(test_cancel_that_nobody_answers),
        ON_WIRE(test_late_response_to_cancel_touches_no_other_call),
        ON_WIRE(test_late_response_to_cancel_ends_no_other_cancel),
        ON_WIRE(test_cancel_from_another_peer),
        ON_WIRE(test_nobody_answers_the_invite),
        ON_WIRE(test_stray_refusal_and_provisional_stay),
        ON_WIRE(test_non_invite_gets_no_408),
        ON_WIRE(test_non_invite_is_answered),
        ON_WIRE(test_non_invite_is_answered_late),
        ON_WIRE(test_rings_too_long),
        ON_WIRE(test_rings_too_long_and_knows_no_cancel),
        ON_WIRE(test_forked_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
