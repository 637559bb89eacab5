// SPDX-License-Identifier: BSD-3-Clause
// Requests inside a dialog, with its record and without, and who may send them.
#include <stdio.h>
#include <string.h>
#include "tests.h"

static const struct dialog *only_dialog(const struct wire *wire)
{
    for (uint32_t i = 0; i < wire->workers[0]->dialogs.capacity; i++) {
        if (dialog_state(&wire->workers[0]->dialogs, i) != DIALOG_FREE)
            return dialog_at(&wire->workers[0]->dialogs, i);
    }
    fail_msg("no dialog");
    return NULL;
}

static void assert_text(const struct wire *wire, enum dialog_text which, const char *wanted)
{
    const struct dialogs *dialogs = &wire->workers[0]->dialogs;
    char got[512] = "";
    uint32_t index = (uint32_t)(only_dialog(wire) - dialogs->records);
    assert_true(dialog_text(dialogs, index, which, got, sizeof(got) - 1) < sizeof(got));
    assert_string_equal(got, wanted);
}

static void assert_state(const struct wire *wire, enum dialog_state state)
{
    assert_int_equal(dialog_state_of[only_dialog(wire)->row], state);
}

static void reinvite(struct call *call, enum dialog_side from)
{
    struct side *us = &call->sides[from], *them = &call->sides[1 - from];
    struct wire_packet invite = call_request(call, from, "INVITE");
    assert_header(&invite, "Record-Route", "");
    snprintf(them->target, sizeof(them->target), "sip:new-%s@10.%s", them->user,
             them->at.listener == 0           ? "10.1.1"
             : wire_same(them->at, wire_sbc1) ? "20.0.11"
                                              : "20.0.12");
    call_respond(call, &invite, "200 OK", "");
    struct wire_packet ok = wire_take(call->wire, us->at);
    assert_starts(&ok, "SIP/2.0 200 ");
    struct wire_packet ack = call_request(call, from, "ACK");
    assert_true(strstr(ack.text, them->target) != NULL);
    wire_expect_silence(call->wire);
}

static void test_reinvite(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "reinvite@dialog");
    call_establish(&call);
    assert_text(wire, DIALOG_TEXT_CALLEE_TARGET, call.sides[DIALOG_CALLEE].target);
    assert_text(wire, DIALOG_TEXT_CALLER_TARGET, "sip:alice@10.10.1.1:5060");
    snprintf(call.sides[DIALOG_CALLER].target, 128, "sip:moved@10.10.1.1:5060");
    reinvite(&call, DIALOG_CALLER);
    assert_text(wire, DIALOG_TEXT_CALLER_TARGET, "sip:moved@10.10.1.1:5060");
    assert_text(wire, DIALOG_TEXT_CALLEE_TARGET, call.sides[DIALOG_CALLEE].target);
    assert_true(strncmp(call.sides[DIALOG_CALLEE].target, "sip:new-bob@", 12) == 0);
    assert_int_equal(only_dialog(wire)->cseq[DIALOG_CALLER], call.sides[DIALOG_CALLER].cseq);
    reinvite(&call, DIALOG_CALLEE);
    assert_text(wire, DIALOG_TEXT_CALLER_TARGET, "sip:new-alice@10.10.1.1");
    assert_int_equal(only_dialog(wire)->cseq[DIALOG_CALLEE], call.sides[DIALOG_CALLEE].cseq);
    wire_expect_count(wire, COUNTER_MESSAGE_REINVITE, 2);
    wire_expect_count(wire, COUNTER_DIALOG_CREATED, 1);
    call_hang_up(&call, DIALOG_CALLEE);
}

static void test_refused_reinvite_changes_nothing(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "reinvite-488@dialog");
    call_establish(&call);
    struct wire_packet invite = call_request(&call, DIALOG_CALLEE, "INVITE");
    call_respond(&call, &invite, "488 Not Acceptable Here", "");
    struct wire_packet refusal = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    assert_starts(&refusal, "SIP/2.0 488 ");
    assert_int_equal(wire_take_all(wire, wire_carrier, "ACK "), 1);
    assert_state(wire, DIALOG_CONFIRMED);
    invite = call_request(&call, DIALOG_CALLER, "INVITE"); // RFC 5057: 481 ends it
    call_respond(&call, &invite, "481 Call/Transaction Does Not Exist", "");
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 481 "), 1);
    assert_state(wire, DIALOG_TERMINATING);
}

static void test_bye_is_challenged(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "bye-407@dialog");
    call_establish(&call);
    struct wire_packet bye = call_request(&call, DIALOG_CALLER, "BYE");
    assert_state(wire, DIALOG_TERMINATING);
    call_respond(&call, &bye, "407 Proxy Authentication Required", "");
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 407 "), 1);
    assert_state(wire, DIALOG_CONFIRMED);
    call.extra = "Proxy-Authorization: Digest response=\"x\"\r\n";
    call_hang_up(&call, DIALOG_CALLER);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
}

static void test_bye_that_nobody_answers(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "bye-lost@dialog");
    call_establish(&call);
    call_request(&call, DIALOG_CALLEE, "BYE");
    wire_pass(wire, 31000);
    assert_state(wire, DIALOG_TERMINATING);
    wire_pass(wire, 1500);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
    wire_expect_count(wire, COUNTER_DIALOG_ENDED, 1);
}

static void test_early_bye(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "bye-early@dialog");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    struct call inside = call; // its route set comes with the 180
    char routes[CALL_TEXT];
    snprintf(routes, sizeof(routes), "Route: %s\r\n",
             strchr(header_of(&call.answer, "Record-Route"), '|') + 1);
    snprintf(inside.sides[DIALOG_CALLER].routes, CALL_TEXT, "%s", routes);
    struct wire_packet bye = call_request(&inside, DIALOG_CALLER, "BYE");
    call_respond(&inside, &bye, "200 OK", "");
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 1);
    call_answer(&call, "487 Request Terminated"); // 15.1.2
    assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "ACK "), 1);
    call_ack_refusal(&call);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
    wire_expect_count(wire, COUNTER_DIALOG_REFUSED, 1);
}

// After a restart the record is gone; the keys are the same.
static struct wire *restart(void **state, struct call *call)
{
    wire_close(*state);
    *state = wire_open(&(struct wire_options){0});
    call->wire = *state;
    return *state;
}

static void test_cookie_is_enough(void **state)
{
    struct call call;
    call_init(&call, *state, "cookie@dialog");
    call_establish(&call);
    struct wire *wire = restart(state, &call);
    reinvite(&call, DIALOG_CALLER);
    reinvite(&call, DIALOG_CALLEE);
    call_request(&call, DIALOG_CALLER, "ACK");
    call_hang_up(&call, DIALOG_CALLEE);
    wire_expect_count(wire, COUNTER_DIALOG_CREATED, 0);
    char text[WIRE_TEXT_MAX]; // only addresses of the peer on the other side are a next hop
    snprintf(call.sides[DIALOG_CALLEE].target, 128, "sip:bob@10.10.2.1");
    call_request_text(&call, DIALOG_CALLER, "INFO", text);
    wire_send(wire, wire_carrier, text);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 403 "), 1);
    call_request_text(&call, DIALOG_CALLER, "ACK", text);
    wire_send(wire, wire_carrier, text);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_NO_NEXT_HOP, 1);
}

static void test_without_record_and_cookie(void **state)
{
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, *state, "forged-cookie@dialog");
    call_establish(&call);
    struct wire *wire = restart(state, &call);
    char *letter = strstr(call.sides[DIALOG_CALLER].routes, ";dg=") + 20;
    *letter = *letter == 'a' ? 'b' : 'a';
    call_request_text(&call, DIALOG_CALLER, "BYE", text);
    wire_send(wire, wire_carrier, text);
    struct wire_packet refusal = wire_take(wire, wire_carrier);
    assert_starts(&refusal, "SIP/2.0 481 ");
    assert_int_equal(refusal.message.cseq_number, call.sides[DIALOG_CALLER].cseq);
    call_request_text(&call, DIALOG_CALLER, "ACK", text);
    wire_send(wire, wire_carrier, text);
    wire_expect_count(wire, COUNTER_DROP_STRAY_ACK, 1);
    call.sides[DIALOG_CALLER].routes[0] = '\0'; // none at all
    call_request_text(&call, DIALOG_CALLER, "INVITE", text);
    wire_send(wire, wire_carrier, text);
    refusal = wire_take(wire, wire_carrier);
    assert_starts(&refusal, "SIP/2.0 481 ");
    call_request_text(&call, DIALOG_CALLEE, "BYE",
                      text); // the callee's cookie is right, its dialog is another
    char *id = strstr(text, "forged-cookie@dialog\r\n");
    id[0] = 'F';
    wire_send(wire, call.sides[DIALOG_CALLEE].at, text);
    refusal = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    assert_starts(&refusal, "SIP/2.0 481 ");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_ANSWER_481, 3);
}

static void test_ack_to_our_own_refusal(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "own-refusal@dialog");
    call_invite_text(&call, text);
    memcpy(strstr(text, "Max-Forwards: 70"), "Max-Forwards: 0 ", 16);
    wire_send(wire, wire_carrier, text);
    call.answer = wire_take(wire, wire_carrier);
    assert_starts(&call.answer, "SIP/2.0 483 ");
    call_ack_refusal(&call);
    wire_expect_count(wire, COUNTER_OUT_ABSORBED, 1);
    wire_send(wire, wire_carrier, text); // the same answer, tag and all, from no memory
    struct wire_packet again = wire_take(wire, wire_carrier);
    assert_string_equal(call.answer.text, again.text);
    assert_int_equal(wire->workers[0]->transactions.count, 0);
    wire_expect_silence(wire);
}

static void test_foreign_peer_may_not_speak(void **state)
{
    struct wire *wire = *state;
    struct call call, foreign;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "foreign@dialog");
    call_establish(&call);
    foreign = call;
    call_request_text(&foreign, DIALOG_CALLER, "BYE", text);
    wire_send(wire, wire_carrier_b, text);
    call_request_text(&foreign, DIALOG_CALLEE, "BYE", text);
    wire_send(wire, wire_carrier, text); // a peer of the dialog, but on the wrong side
    call_request_text(&foreign, DIALOG_CALLER, "ACK", text);
    wire_send(wire, wire_carrier_b, text);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_FORGED_DIALOG, 3);
    assert_state(wire, DIALOG_CONFIRMED);
    call_hang_up(&call, DIALOG_CALLER);
    wire = restart(state, &foreign);
    call_request_text(&foreign, DIALOG_CALLER, "BYE", text); // nor with the cookie alone
    wire_send(wire, wire_carrier_b, text);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_FORGED_DIALOG, 1);
}

static void test_lifetime_ends_with_bye_to_both(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "life@dialog");
    call_establish(&call);
    for (unsigned i = 0; i < 12 * 36; i++)
        wire_pass_silently(wire, 100000 - (i == 0 ? 1000 : 0));
    assert_state(wire, DIALOG_CONFIRMED);
    wire_pass(wire, 1100);
    struct wire_packet to_callee = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    struct wire_packet to_caller = wire_take(wire, wire_carrier);
    assert_starts(&to_callee, "BYE sip:bob@");
    assert_starts(&to_caller, "BYE sip:alice@");
    wire_expect_count(wire, COUNTER_DIALOG_EXPIRED, 1);
    call_respond(&call, &to_callee, "200 OK", "");
    call_respond(&call, &to_caller, "481 Call/Transaction Does Not Exist", "");
    wire_expect_silence(wire);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
}

static void test_stateless_branch_repeats(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "stateless@dialog");
    call_establish(&call);
    call_request_text(&call, DIALOG_CALLER, "INFO", text);
    wire_send(wire, wire_carrier, text);
    wire_send(wire, wire_carrier, text);
    struct wire_packet first = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    struct wire_packet second = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    assert_string_equal(first.text, second.text); // 16.11
    // A response goes where the request came from, and nowhere else.
    char *upstream = strstr(first.text, "received=10.10.1.1");
    memcpy(upstream, "received=10.10.1.7", 18);
    call_respond(&call, &first, "200 OK", "");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_FORGED_BRANCH, 1);
    call_respond(&call, &second, "200 OK", "");
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 OK"), 1);
}

// A Contact with a name: requests go where that side's messages come from.
static void test_names_are_reached_where_they_were_seen(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "names@dialog");
    snprintf(call.sides[DIALOG_CALLER].target, 128, "sip:alice@phone.example");
    snprintf(call.sides[DIALOG_CALLEE].target, 128, "sip:bob@sbc.example");
    call_establish(&call);
    call_request(&call, DIALOG_CALLEE, "INFO");
    call_request(&call, DIALOG_CALLER, "INFO");
    call.sides[DIALOG_CALLER].at = wire_phone; // it moves, within its peer
    call_request(&call, DIALOG_CALLER, "INFO");
    call_request(&call, DIALOG_CALLEE, "INFO");
    call_hang_up(&call, DIALOG_CALLEE);
}

static void test_subscription_is_record_routed(void **state)
{
    struct wire *wire = *state;
    static const char *const methods[] = {"SUBSCRIBE", "REFER"}; // both make a dialog without an INVITE
    for (unsigned i = 0; i < 2; i++) {
        struct call call;
        char text[WIRE_TEXT_MAX];
        call_init(&call, wire, i == 0 ? "subscribe@dialog" : "refer@dialog");
        call_request_text(&call, DIALOG_CALLER, methods[i], text);
        wire_send(wire, wire_carrier, text);
        call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
        call_answer(&call, "202 Accepted");
        assert_true(strstr(header_of(&call.invite, "Record-Route"), ";lr;dg=") != NULL);
        struct wire_packet notify = call_request(&call, DIALOG_CALLEE, "NOTIFY");
        call_respond(&call, &notify, "200 OK", "");
        assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "SIP/2.0 200 "), 1);
    }
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_reinvite),
        ON_WIRE(test_refused_reinvite_changes_nothing),
        ON_WIRE(test_bye_is_challenged),
        ON_WIRE(test_bye_that_nobody_answers),
        ON_WIRE(test_early_bye),
        ON_WIRE(test_cookie_is_enough),
        ON_WIRE(test_without_record_and_cookie),
        ON_WIRE(test_ack_to_our_own_refusal),
        ON_WIRE(test_foreign_peer_may_not_speak),
        ON_WIRE(test_lifetime_ends_with_bye_to_both),
        ON_WIRE(test_stateless_branch_repeats),
        ON_WIRE(test_names_are_reached_where_they_were_seen),
        ON_WIRE(test_subscription_is_record_routed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
