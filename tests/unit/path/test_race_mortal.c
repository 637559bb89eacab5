// SPDX-License-Identifier: BSD-3-Clause
// RFC 5407 sections 3.2 and 3.3, and its appendices B and C, as a proxy between the two agents sees them:
// requests that meet a BYE on their way (Mortal), and requests that meet each other.
#include <string.h>
#include "tests.h"

static void establish(struct call *call, struct wire *wire, const char *id)
{
    call_init(call, wire, id);
    call_establish(call);
    call_expect(call, DIALOG_CONFIRMED);
}

// A response that goes end to end.
static void respond(struct call *call, const struct wire_packet *request, const char *status,
                    enum dialog_side to)
{
    char start[32];
    snprintf(start, sizeof(start), "SIP/2.0 %.4s", status);
    call_respond(call, request, status, "");
    struct wire_packet response = call_take(call, to, start);
    assert_int_equal(response.message.method, request->message.method);
    assert_int_equal(response.message.cseq_number, request->message.cseq_number);
}

// A refusal of an INVITE inside the dialog: end to end, each hop with an ACK of its own.
static void refuse(struct call *call, const struct wire_packet *invite, const char *status,
                   const char *as_sent)
{
    enum dialog_side asker =
        endpoint_equal(invite->to, call->sides[DIALOG_CALLER].at) ? DIALOG_CALLEE : DIALOG_CALLER;
    respond(call, invite, status, asker);
    struct wire_packet ack = call_take(call, 1 - asker, "ACK ");
    assert_int_equal(ack.message.cseq_number, invite->message.cseq_number);
    wire_expect_silence(call->wire);
    call_hop(call, asker, "ACK", as_sent);
    wire_expect_silence(call->wire);
}

static void expect_one_end(const struct call *call)
{
    call_expect_gone(call);
    wire_expect_silence(call->wire);
    wire_expect_count(call->wire, COUNTER_DIALOG_CREATED, 1);
    wire_expect_count(call->wire, COUNTER_DIALOG_ENDED, 1);
}

// 3.2.1: both hang up.
static void test_3_2_1_bye_crosses_bye(void **state)
{
    static const char *const ends[] = {"200 OK", "481 Call/Transaction Does Not Exist"};
    struct wire *wire = *state;
    for (unsigned i = 0; i < RTE_DIM(ends); i++) {
        struct call call;
        establish(&call, wire, i == 0 ? "3.2.1-a@race" : "3.2.1-b@race");
        struct wire_packet of_caller = call_request(&call, DIALOG_CALLER, "BYE");
        struct wire_packet of_callee = call_request(&call, DIALOG_CALLEE, "BYE");
        call_expect(&call, DIALOG_TERMINATING);
        respond(&call, &of_caller, ends[i], DIALOG_CALLER);
        call_expect_gone(&call);
        respond(&call, &of_callee, "200 OK", DIALOG_CALLEE); // the record is gone, the way is not
        wire_expect_silence(wire);
        wire_expect_count(wire, COUNTER_DIALOG_ENDED, i + 1);
    }
}

// One of the two is challenged: the other still ends the dialog.
static void test_3_2_1_one_bye_is_challenged(void **state)
{
    struct wire *wire = *state;
    struct call call;
    establish(&call, wire, "3.2.1-c@race");
    struct wire_packet of_caller = call_request(&call, DIALOG_CALLER, "BYE");
    struct wire_packet of_callee = call_request(&call, DIALOG_CALLEE, "BYE");
    respond(&call, &of_caller, "407 Proxy Authentication Required", DIALOG_CALLER);
    respond(&call, &of_callee, "200 OK", DIALOG_CALLEE);
    expect_one_end(&call);
}

// 3.2.2: the callee's INVITE meets the BYE; the caller has no dialog for it any more.
static void test_3_2_2_reinvite_crosses_bye(void **state)
{
    for (unsigned first = 0; first < 2; first++) {
        struct wire *wire = *state;
        struct call call;
        char sent[WIRE_TEXT_MAX];
        establish(&call, wire, first == 0 ? "3.2.2-a@race" : "3.2.2-b@race");
        struct wire_packet bye = call_request(&call, DIALOG_CALLER, "BYE");
        call_send(&call, DIALOG_CALLEE, "INVITE", sent);
        struct wire_packet invite = call_take(&call, DIALOG_CALLER, "INVITE ");
        if (first == 0)
            respond(&call, &bye, "200 OK", DIALOG_CALLER);
        else
            call_expect(&call, DIALOG_TERMINATING);
        refuse(&call, &invite, "481 Call/Transaction Does Not Exist", sent);
        if (first == 1)
            respond(&call, &bye, "200 OK", DIALOG_CALLER);
        call_expect_gone(&call);
        wire_expect_count(wire, COUNTER_DIALOG_ENDED, first + 1);
    }
}

// Appendix B: the INVITE was there first and has no answer yet; the BYE ends it too.
static void test_b_bye_overlaps_reinvite(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char sent[WIRE_TEXT_MAX];
    establish(&call, wire, "b@race");
    call_send(&call, DIALOG_CALLEE, "INVITE", sent);
    struct wire_packet invite = call_take(&call, DIALOG_CALLER, "INVITE ");
    respond(&call, &invite, "180 Ringing", DIALOG_CALLEE);
    struct wire_packet bye = call_request(&call, DIALOG_CALLEE, "BYE");
    respond(&call, &bye, "200 OK", DIALOG_CALLEE);
    refuse(&call, &invite, "487 Request Terminated", sent);
    expect_one_end(&call);
}

// 3.2.3: the 200 to the caller's own INVITE meets its BYE; it is acknowledged all the same.
static void test_3_2_3_200_to_reinvite_crosses_bye(void **state)
{
    struct wire *wire = *state;
    struct call call;
    establish(&call, wire, "3.2.3@race");
    struct wire_packet invite = call_request(&call, DIALOG_CALLER, "INVITE");
    struct wire_packet bye = call_request(&call, DIALOG_CALLER, "BYE");
    respond(&call, &invite, "200 OK", DIALOG_CALLER);
    call_expect(&call, DIALOG_TERMINATING);
    call_ack(&call, DIALOG_CALLER, 101);
    respond(&call, &bye, "200 OK", DIALOG_CALLER);
    expect_one_end(&call);
    respond(&call, &invite, "200 OK", DIALOG_CALLER); // its ACK was lost
    call_ack(&call, DIALOG_CALLER, 101);
    expect_one_end(&call);
}

// 3.2.4: the callee gives up after 64*T1 without an ACK (13.3.1.4), and that ACK meets its BYE.
static void test_3_2_4_ack_crosses_bye(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "3.2.4@race");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    call_answer(&call, "200 OK");
    wire_pass(wire, 31900);
    wire_expect_silence(wire);
    struct wire_packet bye = call_request(&call, DIALOG_CALLEE, "BYE");
    call_expect(&call, DIALOG_TERMINATING);
    call_ack(&call, DIALOG_CALLER, 100);
    call_expect(&call, DIALOG_TERMINATING);
    respond(&call, &bye, "200 OK", DIALOG_CALLEE);
    expect_one_end(&call);
}

// 3.3.1: both ask at once, both refuse (14.1), and then one after the other.
static void test_3_3_1_reinvite_crosses_reinvite(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char by_caller[WIRE_TEXT_MAX], by_callee[WIRE_TEXT_MAX];
    establish(&call, wire, "3.3.1@race");
    call_send(&call, DIALOG_CALLER, "INVITE", by_caller);
    struct wire_packet to_callee = call_take(&call, DIALOG_CALLEE, "INVITE ");
    call_send(&call, DIALOG_CALLEE, "INVITE", by_callee);
    struct wire_packet to_caller = call_take(&call, DIALOG_CALLER, "INVITE ");
    refuse(&call, &to_callee, "491 Request Pending", by_caller);
    refuse(&call, &to_caller, "491 Request Pending", by_callee);
    call_expect(&call, DIALOG_CONFIRMED);
    for (unsigned i = 0; i < 2; i++) {
        enum dialog_side asker = i == 0 ? DIALOG_CALLEE : DIALOG_CALLER;
        struct wire_packet again = call_request(&call, asker, "INVITE");
        respond(&call, &again, "200 OK", asker);
        call_ack(&call, asker, call.sides[asker].cseq);
    }
    call_expect(&call, DIALOG_CONFIRMED);
    call_hang_up(&call, DIALOG_CALLER);
    expect_one_end(&call);
}

// 3.3.2: an UPDATE and an INVITE meet (RFC 3311 section 5.2).
static void test_3_3_2_update_crosses_reinvite(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char by_callee[WIRE_TEXT_MAX];
    establish(&call, wire, "3.3.2@race");
    struct wire_packet update = call_request(&call, DIALOG_CALLER, "UPDATE");
    call_send(&call, DIALOG_CALLEE, "INVITE", by_callee);
    struct wire_packet invite = call_take(&call, DIALOG_CALLER, "INVITE ");
    respond(&call, &update, "491 Request Pending", DIALOG_CALLER);
    refuse(&call, &invite, "491 Request Pending", by_callee);
    call_expect(&call, DIALOG_CONFIRMED);
    update = call_request(&call, DIALOG_CALLER, "UPDATE");
    respond(&call, &update, "200 OK", DIALOG_CALLER);
    call_expect(&call, DIALOG_CONFIRMED);
    call_hang_up(&call, DIALOG_CALLEE);
    expect_one_end(&call);
}

// 3.3.3: the callee's REFER meets the caller's BYE: refused.
static void test_3_3_3_refer_crosses_bye_and_is_refused(void **state)
{
    struct wire *wire = *state;
    struct call call;
    establish(&call, wire, "3.3.3-a@race");
    struct wire_packet bye = call_request(&call, DIALOG_CALLER, "BYE");
    call.extra = "Refer-To: <sip:carol@10.10.0.10>\r\n";
    struct wire_packet refer = call_request(&call, DIALOG_CALLEE, "REFER");
    call.extra = NULL;
    respond(&call, &refer, "481 Call/Transaction Does Not Exist", DIALOG_CALLEE);
    call_expect(&call, DIALOG_TERMINATING);
    respond(&call, &bye, "200 OK", DIALOG_CALLER);
    expect_one_end(&call);
}

// 3.3.3: it was there first, and the dialog lives on in its subscription (RFC 5057 section 4.2): we forget
// the call with its BYE, and the NOTIFYs pass by what their Route says.
static void test_3_3_3_refer_before_bye_keeps_its_subscription(void **state)
{
    struct wire *wire = *state;
    struct call call;
    establish(&call, wire, "3.3.3-b@race");
    call.extra = "Refer-To: <sip:carol@10.10.0.10>\r\n";
    struct wire_packet refer = call_request(&call, DIALOG_CALLEE, "REFER");
    call.extra = NULL;
    struct wire_packet bye = call_request(&call, DIALOG_CALLEE, "BYE");
    respond(&call, &refer, "202 Accepted", DIALOG_CALLEE);
    respond(&call, &bye, "200 OK", DIALOG_CALLEE);
    expect_one_end(&call);
    struct wire_packet notify = call_request(&call, DIALOG_CALLER, "NOTIFY");
    respond(&call, &notify, "200 OK", DIALOG_CALLER);
    expect_one_end(&call);
}

// Appendix C: a CANCEL ends the INVITE inside the dialog and not the dialog.
static void test_c_cancel_of_a_reinvite(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char sent[WIRE_TEXT_MAX];
    establish(&call, wire, "c@race");
    call_send(&call, DIALOG_CALLER, "INVITE", sent);
    struct wire_packet invite = call_take(&call, DIALOG_CALLEE, "INVITE ");
    respond(&call, &invite, "180 Ringing", DIALOG_CALLER);
    call_hop(&call, DIALOG_CALLER, "CANCEL", sent);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    struct wire_packet cancel = call_take(&call, DIALOG_CALLEE, "CANCEL ");
    assert_header(&cancel, "To", header_of(&invite, "To"));
    call_respond(&call, &cancel, "200 OK", "");
    wire_expect_silence(wire);
    refuse(&call, &invite, "487 Request Terminated", sent);
    call_expect(&call, DIALOG_CONFIRMED);
    call_hang_up(&call, DIALOG_CALLEE);
    expect_one_end(&call);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_3_2_1_bye_crosses_bye),
        ON_WIRE(test_3_2_1_one_bye_is_challenged),
        ON_WIRE(test_3_2_2_reinvite_crosses_bye),
        ON_WIRE(test_b_bye_overlaps_reinvite),
        ON_WIRE(test_3_2_3_200_to_reinvite_crosses_bye),
        ON_WIRE(test_3_2_4_ack_crosses_bye),
        ON_WIRE(test_3_3_1_reinvite_crosses_reinvite),
        ON_WIRE(test_3_3_2_update_crosses_reinvite),
        ON_WIRE(test_3_3_3_refer_crosses_bye_and_is_refused),
        ON_WIRE(test_3_3_3_refer_before_bye_keeps_its_subscription),
        ON_WIRE(test_c_cancel_of_a_reinvite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
