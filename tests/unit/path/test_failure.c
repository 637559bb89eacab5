// SPDX-License-Identifier: BSD-3-Clause
// Refusals inside a dialog: each passes end to end, and after those that end the dialog or its INVITE usage
// (RFC 5057) the record goes too. RFC 3261 12.2.1.2: whoever got one may still send BYE, so that it goes
// slowly.
#include <stdio.h>
#include <string.h>
#include "tests.h"

struct row {
    const char *method, *status;
    bool ends;
};

static const struct row rows[] = {
    {"INVITE", "401 Unauthorized", false},
    {"INVITE", "404 Not Found", true},
    {"INVITE", "405 Method Not Allowed", true},
    {"INVITE", "408 Request Timeout", true},
    {"INVITE", "410 Gone", true},
    {"INVITE", "422 Session Interval Too Small", false},
    {"INVITE", "480 Temporarily Unavailable", true},
    {"INVITE", "481 Call/Transaction Does Not Exist", true},
    {"INVITE", "483 Too Many Hops", true},
    {"INVITE", "486 Busy Here", false},
    {"INVITE", "487 Request Terminated", false},
    {"INVITE", "488 Not Acceptable Here", false},
    {"INVITE", "491 Request Pending", false},
    {"INVITE", "500 Server Internal Error", false},
    {"INVITE", "502 Bad Gateway", true},
    {"INVITE", "503 Service Unavailable", false},
    {"INVITE", "603 Decline", false},
    {"INVITE", "604 Does Not Exist Anywhere", true},
    {"UPDATE", "408 Request Timeout", true},
    {"UPDATE", "481 Call/Transaction Does Not Exist", true},
    {"UPDATE", "491 Request Pending", false},
    {"UPDATE", "501 Not Implemented", false},
    {"UPDATE", "504 Server Time-out", false},
    {"INFO", "404 Not Found", true},
    {"INFO", "405 Method Not Allowed", false},
    {"INFO", "469 Bad Info Package", false},
    {"INFO", "481 Call/Transaction Does Not Exist", true},
    {"PRACK", "481 Call/Transaction Does Not Exist", false}, // RFC 3262 section 3: of the 1xx
    {"REFER", "403 Forbidden", false},
    {"REFER", "404 Not Found", false}, // of the Refer-To
    {"REFER", "481 Call/Transaction Does Not Exist", true},
    {"NOTIFY", "481 Call/Transaction Does Not Exist", false}, // of the subscription
    {"NOTIFY", "489 Bad Event", false},
    {"SUBSCRIBE", "481 Call/Transaction Does Not Exist", false},
    {"SUBSCRIBE", "410 Gone", true},
    {"MESSAGE", "481 Call/Transaction Does Not Exist", true},
    {"MESSAGE", "408 Request Timeout", false},
    {"OPTIONS", "486 Busy Here", false},
};

// The refusal comes back from the other side; an INVITE's is acknowledged hop by hop.
static void refuse(struct call *call, enum dialog_side from, const struct row *row)
{
    char text[WIRE_TEXT_MAX];
    call_send(call, from, row->method, text);
    struct wire_packet request = call_take(call, 1 - from, row->method);
    call_respond(call, &request, row->status, "");
    // RFC 4320 4.2: who keeps a transaction sends no 408 for it; the sender's own timer says the same.
    if (request.message.method == METHOD_UPDATE && strncmp(row->status, "408", 3) == 0) {
        wire_expect_silence(call->wire);
        return;
    }
    struct wire_packet refusal = call_take(call, from, "SIP/2.0 ");
    assert_int_equal(strncmp(refusal.text + 8, row->status, 3), 0);
    if (request.message.method == METHOD_INVITE) {
        call_take(call, 1 - from, "ACK ");
        call_hop(call, from, "ACK", text);
    }
    wire_expect_silence(call->wire);
}

static void test_rows(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < 2 * RTE_DIM(rows); i++) {
        const struct row *row = &rows[i / 2];
        struct call call;
        char id[32];
        snprintf(id, sizeof(id), "row-%u@failure", i);
        print_message("%s %s\n", row->method, row->status);
        call_init(&call, wire, id);
        call_establish(&call);
        refuse(&call, i % 2, row);
        call_expect(&call, row->ends ? DIALOG_TERMINATING : DIALOG_CONFIRMED);
        if (i % 2 == 0) {
            call_hang_up(&call, DIALOG_CALLER);
        } else if (row->ends) { // without a BYE
            wire_pass_silently(wire, 33000);
        } else {
            call_hang_up(&call, DIALOG_CALLEE);
        }
        call_expect_gone(&call);
    }
}

// Our own 408: the callee answered the INVITE inside the dialog with nothing at all.
static void test_reinvite_without_an_answer(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "silent@failure");
    call_establish(&call);
    call_request(&call, DIALOG_CALLER, "INVITE");
    wire_pass(wire, 31900);
    call_expect(&call, DIALOG_CONFIRMED);
    assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "INVITE "), 6);
    wire_pass(wire, 200);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 408 ");
    call_expect(&call, DIALOG_TERMINATING);
    call_hang_up(&call, DIALOG_CALLER); // 12.2.1.2
    call_expect_gone(&call);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_rows),
        ON_WIRE(test_reinvite_without_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
