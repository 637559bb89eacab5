// SPDX-License-Identifier: BSD-3-Clause
// Numbers in a dialog into which we have put OPTIONS: each side sees a row of CSeq without a gap in its own
// requests, and the answers to those with the numbers that it gave.
#include <stdio.h>
#include <string.h>
#include "tests.h"

// A call of which both sides were asked so many times: the numbers of either are that much higher at the
// other end.
static void begin(struct call *call, struct wire *wire, const char *id)
{
    wire->image.header.settings.keepalive_ms = 20000;
    wire_reload(wire);
    call_init(call, wire, id);
    call_establish(call);
}

static void ask(struct call *call)
{
    struct wire *wire = call->wire;
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned ms = 0; wire->out_count == 0; ms += 100) {
            assert_true(ms < 80000);
            wire_pass(wire, 100);
        }
        struct wire_packet options = call_take(call, side, "OPTIONS ");
        call_respond(call, &options, "200 OK", "");
    }
    wire_expect_silence(wire);
}

// A request and its 200: what the other end sees, and what the sender.
static void exchange(struct call *call, enum dialog_side from, const char *method, const char *other)
{
    char own[48];
    struct wire_packet request = call_request(call, from, method);
    assert_header(&request, "CSeq", other);
    call_respond(call, &request, "200 OK", "");
    struct wire_packet answer = call_take(call, from, "SIP/2.0 200 ");
    snprintf(own, sizeof(own), "%u %s", call->sides[from].cseq, method);
    assert_header(&answer, "CSeq", own);
    if (strcmp(method, "INVITE") == 0) {
        struct wire_packet ack = call_ack(call, from, call->sides[from].cseq);
        assert_int_equal(ack.message.cseq_number, request.message.cseq_number);
    }
    wire_expect_silence(call->wire);
}

static void test_every_method(void **state)
{
    struct wire *wire = *state;
    struct call call;
    begin(&call, wire, "methods@renumber");
    exchange(&call, DIALOG_CALLER, "INFO", "101 INFO");
    ask(&call);
    exchange(&call, DIALOG_CALLER, "INFO", "103 INFO");
    exchange(&call, DIALOG_CALLER, "INVITE", "104 INVITE");
    exchange(&call, DIALOG_CALLEE, "INVITE", "103 INVITE"); // its own first one, 101
    ask(&call);
    exchange(&call, DIALOG_CALLER, "UPDATE", "106 UPDATE");
    exchange(&call, DIALOG_CALLEE, "MESSAGE", "105 MESSAGE");
    exchange(&call, DIALOG_CALLER, "BYE", "107 BYE");
    call_expect_gone(&call);
}

// What had passed before keeps its number whenever it comes again; and its answers lead back to it.
static void test_earlier_ones_keep_theirs(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    begin(&call, wire, "earlier@renumber");
    call_request_text(&call, DIALOG_CALLER, "INFO", text);
    wire_send(wire, wire_carrier, text);
    struct wire_packet first = call_take(&call, DIALOG_CALLEE, "INFO ");
    ask(&call);
    wire_send(wire, wire_carrier, text);
    struct wire_packet again = call_take(&call, DIALOG_CALLEE, "INFO ");
    assert_string_equal(again.text, first.text);
    call_respond(&call, &again, "200 OK", "");
    struct wire_packet answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    assert_header(&answer, "CSeq", "101 INFO");
    exchange(&call, DIALOG_CALLER, "INFO", "103 INFO");
    struct wire_packet ack = call_ack(&call, DIALOG_CALLER, 100); // of the INVITE that began the dialog
    assert_header(&ack, "CSeq", "100 ACK");
    exchange(&call, DIALOG_CALLER, "BYE", "104 BYE");
}

// CANCEL, the refusal and its ACK follow their INVITE.
static void test_cancelled_reinvite(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    begin(&call, wire, "cancel@renumber");
    ask(&call);
    call_send(&call, DIALOG_CALLER, "INVITE", text);
    struct wire_packet invite = call_take(&call, DIALOG_CALLEE, "INVITE ");
    assert_header(&invite, "CSeq", "102 INVITE");
    call_respond(&call, &invite, "180 Ringing", "");
    struct wire_packet answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 180 ");
    assert_header(&answer, "CSeq", "101 INVITE");
    call_hop(&call, DIALOG_CALLER, "CANCEL", text);
    answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
    assert_header(&answer, "CSeq", "101 CANCEL");
    struct wire_packet cancel = call_take(&call, DIALOG_CALLEE, "CANCEL ");
    assert_header(&cancel, "CSeq", "102 CANCEL");
    call_respond(&call, &cancel, "200 OK", "");
    call_respond(&call, &invite, "487 Request Terminated", "");
    answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 487 ");
    assert_header(&answer, "CSeq", "101 INVITE");
    struct wire_packet ack = call_take(&call, DIALOG_CALLEE, "ACK ");
    assert_header(&ack, "CSeq", "102 ACK");
    call_hop(&call, DIALOG_CALLER, "ACK", text);
    wire_expect_silence(wire);
    exchange(&call, DIALOG_CALLER, "BYE", "103 BYE");
}

// An answer that we make from the request as it went on.
static void test_reinvite_without_an_answer(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    begin(&call, wire, "silent@renumber");
    ask(&call);
    call_send(&call, DIALOG_CALLER, "INVITE", text);
    struct wire_packet invite = call_take(&call, DIALOG_CALLEE, "INVITE ");
    assert_header(&invite, "CSeq", "102 INVITE");
    wire->image.header.settings.keepalive_ms = 0;
    wire_reload(wire);
    wire_pass(wire, 32200);
    wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "INVITE ");
    wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "OPTIONS ");
    struct wire_packet answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 408 ");
    assert_header(&answer, "CSeq", "101 INVITE");
    call_hop(&call, DIALOG_CALLER, "ACK", text);
    call_request(&call, DIALOG_CALLER, "BYE");
    wire_pass_silently(wire, 40000);
}

struct row {
    const char *method;
    enum dialog_side from;
    const char *extra, *header, *value;
};

// Before the row both sides were asked once: the caller had sent INVITE 100, the callee nothing, so that its
// numbers are two higher (1 is ours, and 0 could be its first).
static const struct row rows[] = {
    {"PRACK", DIALOG_CALLER, "RAck: 776656 101 INVITE\r\n", "RAck", "776656 102 INVITE"},
    {"PRACK", DIALOG_CALLER, "RAck:  1 \t 101  INVITE \r\n", "RAck", "1 \t 102  INVITE "},
    {"PRACK", DIALOG_CALLER, "RAck: 1 100 INVITE\r\n", "RAck", "1 100 INVITE"}, // from before
    {"PRACK", DIALOG_CALLEE, "RAck: 4294967295 9 INVITE\r\n", "RAck", "4294967295 11 INVITE"},
    {"PRACK", DIALOG_CALLER, "RAck: 0 101 INVITE\r\n", "RAck", "0 101 INVITE"}, // is none
    {"PRACK", DIALOG_CALLER, "RAck: 1 4294967295 INVITE\r\n", "RAck", "1 4294967295 INVITE"},
    {"NOTIFY", DIALOG_CALLEE, "Event: refer;id=102\r\n", "Event", "refer;id=101"}, // the caller's REFER
    {"NOTIFY", DIALOG_CALLEE, "o: refer ; id=102;x=y\r\n", "o", "refer ; id=101;x=y"},
    {"NOTIFY", DIALOG_CALLER, "Event: refer;id=3\r\n", "Event", "refer;id=1"},
    {"NOTIFY", DIALOG_CALLEE, "Event: refer\r\n", "Event", "refer"},
    {"NOTIFY", DIALOG_CALLEE, "Event: refer;id=x102\r\n", "Event", "refer;id=x102"},
    {"NOTIFY", DIALOG_CALLEE, "Event: dialog;id=102\r\n", "Event", "dialog;id=102"},
    {"SUBSCRIBE", DIALOG_CALLER, "Event: refer;id=101\r\n", "Event", "refer;id=102"},
    {"INFO", DIALOG_CALLER, "Event: refer;id=101\r\n", "Event", "refer;id=101"},
};

static void test_numbers_elsewhere(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        struct call call;
        char id[32];
        snprintf(id, sizeof(id), "row-%u@renumber", i);
        print_message("%s", rows[i].extra);
        begin(&call, wire, id);
        ask(&call);
        call.extra = rows[i].extra;
        struct wire_packet request = call_request(&call, rows[i].from, rows[i].method);
        call.extra = NULL;
        assert_header(&request, rows[i].header, rows[i].value);
        call_respond(&call, &request, "200 OK", "");
        call_take(&call, rows[i].from, "SIP/2.0 200 ");
        call_hang_up(&call, DIALOG_CALLER);
    }
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_every_method),       ON_WIRE(test_earlier_ones_keep_theirs),
        ON_WIRE(test_cancelled_reinvite), ON_WIRE(test_reinvite_without_an_answer),
        ON_WIRE(test_numbers_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
