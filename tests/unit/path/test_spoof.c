// SPDX-License-Identifier: BSD-3-Clause
// Requests that look as if they were of a dialog and come from somewhere else: they do nothing but count.
// What a member of the dialog sends out of order passes, and the record keeps what is right.
#include <stdio.h>
#include <string.h>
#include "tests.h"

// Who speaks, as which side of the dialog.
struct speaker {
    const char *name;
    struct endpoint from; // listener 1: the SBC of the call
    enum dialog_side as;
    enum counter counter;
};

#define AT(address, listener)                                                                                \
    {                                                                                                        \
        IP_MAPPED(address), 5060, (listener)                                                                 \
    }

static const struct speaker speakers[] = {
    {"another carrier as the caller", AT(0x0a0a0201, 0), DIALOG_CALLER, COUNTER_DROP_FORGED_DIALOG},
    {"another carrier as the callee", AT(0x0a0a0201, 0), DIALOG_CALLEE, COUNTER_DROP_FORGED_DIALOG},
    {"the caller's side with the tags swapped", AT(0x0a0a0101, 0), DIALOG_CALLEE, COUNTER_DROP_FORGED_DIALOG},
    {"the callee's side with the tags swapped", AT(0x0a14000b, 1), DIALOG_CALLER, COUNTER_DROP_FORGED_DIALOG},
    {"a stranger as the caller", AT(0x0a0a0909, 0), DIALOG_CALLER, COUNTER_DROP_UNKNOWN_SOURCE},
    {"a stranger as the callee", AT(0x0a0a0909, 0), DIALOG_CALLEE, COUNTER_DROP_UNKNOWN_SOURCE},
};

static const char *const methods[] = {"BYE",   "UPDATE", "INVITE", "ACK",    "INFO",
                                      "PRACK", "REFER",  "NOTIFY", "MESSAGE"};

// No octet of the record changes, and nothing leaves.
static void speak_in_vain(struct call *call, enum dialog_state state)
{
    struct wire *wire = call->wire;
    uint32_t index = call_expect(call, state);
    struct dialog before = *dialog_at(&wire->workers[0]->dialogs, index);
    uint32_t transactions = wire->workers[0]->transactions.count;
    for (unsigned i = 0; i < RTE_DIM(speakers) * RTE_DIM(methods); i++) {
        const struct speaker *speaker = &speakers[i / RTE_DIM(methods)];
        struct call forged = *call;
        char text[WIRE_TEXT_MAX];
        uint64_t counted = wire_count(wire, speaker->counter);
        forged.branch = 1000 + i;
        snprintf(forged.sides[speaker->as].target, 128, "sip:evil@192.0.2.1");
        call_request_text(&forged, speaker->as, methods[i % RTE_DIM(methods)], text);
        wire_send(wire, speaker->from.listener == 1 ? call->sides[DIALOG_CALLEE].at : speaker->from, text);
        if (wire->out_count != 0 || wire_count(wire, speaker->counter) != counted + 1)
            print_error("%s: %s\n", speaker->name, methods[i % RTE_DIM(methods)]);
        wire_expect_silence(wire);
        assert_int_equal(wire_count(wire, speaker->counter), counted + 1);
        assert_int_equal(call_expect(call, state), index);
        assert_memory_equal(dialog_at(&wire->workers[0]->dialogs, index), &before, sizeof(before));
        assert_int_equal(wire->workers[0]->transactions.count, transactions);
    }
}

static void test_confirmed(void **state)
{
    struct call call;
    call_init(&call, *state, "confirmed@spoof");
    call_establish(&call);
    speak_in_vain(&call, DIALOG_CONFIRMED);
    call_hang_up(&call, DIALOG_CALLER);
}

static void test_early(void **state)
{
    struct call call;
    call_init(&call, *state, "early@spoof");
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    speak_in_vain(&call, DIALOG_EARLY);
    call_answer(&call, "486 Busy Here");
    call_take(&call, DIALOG_CALLEE, "ACK ");
    call_ack_refusal(&call);
}

static void test_terminating(void **state)
{
    struct call call;
    call_init(&call, *state, "terminating@spoof");
    call_establish(&call);
    struct wire_packet bye = call_request(&call, DIALOG_CALLER, "BYE");
    speak_in_vain(&call, DIALOG_TERMINATING);
    call_respond(&call, &bye, "200 OK", "");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
}

// CANCEL has the branch of its INVITE. Whoever knows that and is of another peer, or a stranger, ends
// nothing.
static void test_cancel(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char invite[WIRE_TEXT_MAX];
    const struct endpoint others[] = {wire_carrier_b, wire_sbc1, wire_sbc2, wire_stranger};
    call_init(&call, wire, "cancel@spoof");
    call.sides[DIALOG_CALLER].via_parameters = "";
    call_invite_text(&call, invite);
    call_invite(&call);
    call_answer(&call, "180 Ringing");
    uint32_t index = call_expect(&call, DIALOG_EARLY);
    struct dialog before = *dialog_at(&wire->workers[0]->dialogs, index);
    for (unsigned i = 0; i < RTE_DIM(others); i++) {
        struct call forged = call;
        forged.sides[DIALOG_CALLER].at = others[i];
        call_hop(&forged, DIALOG_CALLER, "CANCEL", invite);
        assert_int_equal(wire_take_all(wire, others[i], "SIP/2.0 481 "), i < 3);
        wire_expect_silence(wire);
    }
    assert_memory_equal(dialog_at(&wire->workers[0]->dialogs, index), &before, sizeof(before));
    wire_expect_count(wire, COUNTER_DROP_UNKNOWN_SOURCE, 1);
    call_cancel(&call);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    call_take(&call, DIALOG_CALLEE, "CANCEL ");
}

// Nor does another peer's repetition or ACK reach into the INVITE's transaction.
static void test_ack_and_repetition_of_another_peer(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char invite[WIRE_TEXT_MAX];
    call_init(&call, wire, "ack@spoof");
    call.sides[DIALOG_CALLER].via_parameters = "";
    call_invite_text(&call, invite);
    call_invite(&call);
    wire_send(wire, wire_carrier_b, invite);
    assert_int_equal(wire_take_all(wire, wire_carrier_b, "SIP/2.0 404 "), 1); // it has no route, and no 100
    call_answer(&call, "486 Busy Here");
    call_take(&call, DIALOG_CALLEE, "ACK ");
    struct call forged = call;
    forged.sides[DIALOG_CALLER].at = wire_carrier_b;
    call_hop(&forged, DIALOG_CALLER, "ACK", invite);
    wire_expect_silence(wire);
    wire_pass(wire, 600); // timer G: it was not acknowledged
    call_take(&call, DIALOG_CALLER, "SIP/2.0 486 ");
    call_ack_refusal(&call);
    wire_pass(wire, 5000);
    wire_expect_silence(wire);
}

// Without a record the cookie tells who the two peers are.
static void test_by_cookie_alone(void **state)
{
    struct call call;
    call_init(&call, *state, "cookie@spoof");
    call_establish(&call);
    wire_close(*state);
    struct wire *wire = *state = call.wire = wire_open(&(struct wire_options){0});
    const struct endpoint others[] = {wire_carrier_b, wire_stranger};
    for (unsigned i = 0; i < 2 * RTE_DIM(others); i++) {
        struct call forged = call;
        char text[WIRE_TEXT_MAX];
        call_request_text(&forged, i % 2, "BYE", text);
        wire_send(wire, others[i / 2], text);
        wire_expect_silence(wire);
    }
    wire_expect_count(wire, COUNTER_DROP_FORGED_DIALOG, 2);
    wire_expect_count(wire, COUNTER_DROP_UNKNOWN_SOURCE, 2);
    call_hang_up(&call, DIALOG_CALLER);
}

// Tags are compared octet for octet.
static void test_tags_that_are_nearly_right(void **state)
{
    static const char *const wrong[] = {"tag-bo", "tag-bobb", "TAG-BOB", "tag-boc"};
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "tags@spoof");
    call_establish(&call);
    for (unsigned i = 0; i < RTE_DIM(wrong); i++) {
        struct call forged = call;
        forged.branch = 100 + i;
        forged.sides[DIALOG_CALLER].routes[0] = '\0'; // with our cookie it would pass: the callee refuses it
        snprintf(forged.sides[DIALOG_CALLEE].tag, 32, "%s", wrong[i]);
        call_request_text(&forged, DIALOG_CALLER, "BYE", text);
        wire_send(wire, wire_carrier, text);
        call_take(&forged, DIALOG_CALLER, "SIP/2.0 481 ");
        forged = call;
        forged.sides[DIALOG_CALLER].tag[0] = 'T';
        call_request_text(&forged, DIALOG_CALLER, "BYE", text);
        wire_send(wire, wire_carrier, text);
        struct wire_packet bye =
            call_take(&call, DIALOG_CALLEE, "BYE "); // by its cookie; the callee knows better
        call_respond(&forged, &bye, "481 Call/Transaction Does Not Exist", "");
        call_take(&forged, DIALOG_CALLER, "SIP/2.0 481 ");
        call_expect(&call, DIALOG_CONFIRMED);
    }
    wire_expect_silence(wire);
    call_hang_up(&call, DIALOG_CALLEE);
}

static void respond(struct call *call, const struct wire_packet *request, const char *status,
                    enum dialog_side to)
{
    call_respond(call, request, status, "");
    struct wire_packet response = call_take(call, to, "SIP/2.0 ");
    assert_int_equal(strncmp(response.text + 8, status, 4), 0);
}

// 12.2.2 is the callee's to enforce: a request out of order passes, and the record keeps the highest number.
static void test_cseq_out_of_order(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "cseq@spoof");
    call_establish(&call);
    uint32_t index = call_expect(&call, DIALOG_CONFIRMED);
    call.sides[DIALOG_CALLER].cseq = 499;
    struct wire_packet info = call_request(&call, DIALOG_CALLER, "INFO");
    respond(&call, &info, "200 OK", DIALOG_CALLER);
    assert_int_equal(dialog_at(&wire->workers[0]->dialogs, index)->cseq[DIALOG_CALLER], 500);
    call.sides[DIALOG_CALLER].cseq = 299;
    info = call_request(&call, DIALOG_CALLER, "INFO");
    assert_int_equal(info.message.cseq_number, 300);
    respond(&call, &info, "500 Server Internal Error", DIALOG_CALLER);
    call_expect(&call, DIALOG_CONFIRMED); // RFC 5057: a 500 ends only its transaction
    assert_int_equal(dialog_at(&wire->workers[0]->dialogs, index)->cseq[DIALOG_CALLER], 500);
    assert_int_equal(dialog_at(&wire->workers[0]->dialogs, index)->cseq[DIALOG_CALLEE], 0);
    call.sides[DIALOG_CALLER].cseq = 500;
    call_hang_up(&call, DIALOG_CALLER);
}

// Which peers may speak for one of the two sides: its own, its group's, or any.
static void test_who_may_speak(void **state)
{
    static const struct {
        struct endpoint from;
        enum dialog_side as;
        bool passes[3]; // by enum in_dialog
    } rows[] = {
        {AT(0x0a0a0201, 0), DIALOG_CALLER, {false, true, true}},
        {AT(0x0a0a0201, 0), DIALOG_CALLEE, {false, false, true}},
        {AT(0x0a0a0107, 0), DIALOG_CALLER, {true, true, true}},
        {AT(0x0a0a0101, 0), DIALOG_CALLEE, {false, false, true}},
        {AT(0x0a14000c, 1), DIALOG_CALLEE, {true, true, true}},
        {AT(0x0a14000c, 1), DIALOG_CALLER, {false, false, true}},
        {AT(0x0a0a0909, 0), DIALOG_CALLER, {false, false, false}},
    };
    for (unsigned i = 0; i < 2 * 3 * RTE_DIM(rows); i++) {
        unsigned row = i / 6, rule = i / 2 % 3;
        // By the cookie alone it is the sender's peer that tells the side: any peer may only be the right
        // one.
        if (i % 2 == 1 && !rows[row].passes[IN_DIALOG_GROUP])
            continue;
        struct call call;
        char text[WIRE_TEXT_MAX];
        struct wire *wire = *state;
        call_init(&call, wire, "may-speak@spoof");
        call_establish(&call);
        if (i % 2 == 1) { // the cookie alone
            wire_close(wire);
            *state = wire = call.wire = wire_open(&(struct wire_options){0});
        }
        wire->image.peers[IMAGE_CARRIER_B].group = wire->image.peers[IMAGE_CARRIER_A].group;
        wire->image.header.settings.in_dialog = rule;
        wire_reload(wire);
        call_request_text(&call, rows[row].as, "INFO", text);
        wire_send(wire, rows[row].from, text);
        if (rows[row].passes[rule]) {
            struct wire_packet info = call_take(&call, 1 - rows[row].as, "INFO ");
            call_respond(&call, &info, "200 OK", "");
            assert_int_equal(wire_take_all(wire, rows[row].from, "SIP/2.0 200 "), 1);
        }
        wire_expect_silence(wire);
        wire_close(wire);
        *state = wire_open(&(struct wire_options){0});
    }
}

// What is forged leaves no trace in what we send ourselves later.
static void test_operator_end_after_forgery(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "operator@spoof");
    call_establish(&call);
    speak_in_vain(&call, DIALOG_CONFIRMED);
    assert_int_equal(dialog_end(wire->workers[0], call_expect(&call, DIALOG_CONFIRMED)), 0);
    wire_turn(wire);
    struct wire_packet to_callee = call_take(&call, DIALOG_CALLEE, "BYE sip:bob@10.20.0.1");
    struct wire_packet to_caller = call_take(&call, DIALOG_CALLER, "BYE sip:alice@10.10.1.1:5060 ");
    assert_header(&to_callee, "CSeq", "101 BYE");
    assert_header(&to_caller, "CSeq", "1 BYE");
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_confirmed),
        ON_WIRE(test_early),
        ON_WIRE(test_terminating),
        ON_WIRE(test_cancel),
        ON_WIRE(test_ack_and_repetition_of_another_peer),
        ON_WIRE(test_by_cookie_alone),
        ON_WIRE(test_tags_that_are_nearly_right),
        ON_WIRE(test_who_may_speak),
        ON_WIRE(test_cseq_out_of_order),
        ON_WIRE(test_operator_end_after_forgery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
