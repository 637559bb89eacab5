// SPDX-License-Identifier: BSD-3-Clause
// Peers older than RFC 3261: no branch, or one without the magic cookie (17.2.3), and no rport (RFC 3581):
// answers go to the port of their Via, wherever their requests come from.
#include <stdio.h>
#include <string.h>
#include "tests.h"

static const char *const vias[] = {"",
                                   ";branch=1",
                                   ";branch=z9hG4bK",
                                   ";BRANCH=1.z9hG4bKx",
                                   ";hidden",
                                   ";hidden;received=10.10.9.9;branch=1"};

// A request of the old caller, from the call's own text: its Via is rewritten.
static void old_text(unsigned row, char text[WIRE_TEXT_MAX])
{
    char was[WIRE_TEXT_MAX], *branch = strstr(text, ";branch="), *end = strstr(branch, "\r\n");
    snprintf(was, sizeof(was), "%s", end);
    snprintf(branch, WIRE_TEXT_MAX - (size_t)(branch - text), "%s%s", vias[row], was);
}

static void old_invite(struct call *call, struct wire *wire, unsigned row, char text[WIRE_TEXT_MAX])
{
    char id[64];
    snprintf(id, sizeof(id), "%s@row-%u", call->id, row);
    call_init(call, wire, id);
    call->sides[DIALOG_CALLER].via_parameters = "";
    call_invite_text(call, text);
    old_text(row, text);
    wire_send(wire, call->sides[DIALOG_CALLER].at, text);
    struct wire_packet trying = call_take(call, DIALOG_CALLER, "SIP/2.0 100 ");
    assert_null(strstr(trying.text, "rport"));
    call->invite = call_take(call, DIALOG_CALLEE, "INVITE ");
    wire_expect_silence(wire);
}

static void old_hop(struct call *call, const char *method, const char *invite, const char *to_tag)
{
    char text[WIRE_TEXT_MAX], tagged[WIRE_TEXT_MAX];
    const char *to = strstr(invite, "\r\nTo: ") + 2, *end = strstr(to, "\r\n");
    snprintf(tagged, sizeof(tagged), "%.*s%s%s", (int)(end - invite), invite, to_tag, end);
    const char *cseq = strstr(tagged, " INVITE\r\n");
    snprintf(text, sizeof(text), "%s %.*s %s%s", method, (int)(cseq - tagged - 7), tagged + 7, method,
             cseq + 7);
    wire_send(call->wire, call->sides[DIALOG_CALLER].at, text);
}

static void old_request(struct call *call, unsigned row, const char *method)
{
    char text[WIRE_TEXT_MAX];
    call_request_text(call, DIALOG_CALLER, method, text);
    old_text(row, text);
    wire_send(call->wire, call->sides[DIALOG_CALLER].at, text);
}

// INVITE and its repetition, 180, 200, ACK, re-INVITE, BYE from the old side, with the way back by its Via.
static void test_answered(void **state)
{
    struct wire *wire = *state;
    for (unsigned row = 0; row < RTE_DIM(vias); row++) {
        struct call call = {.id = "answered"};
        char text[WIRE_TEXT_MAX];
        old_invite(&call, wire, row, text);
        wire_send(wire, wire_carrier, text);
        call_take(&call, DIALOG_CALLER, "SIP/2.0 100 ");
        wire_expect_silence(wire); // absorbed
        call_answer(&call, "180 Ringing");
        wire_send(wire, wire_carrier, text);
        call_take(&call, DIALOG_CALLER, "SIP/2.0 180 ");
        call_answer(&call, "200 OK");
        old_request(&call, row, "ACK");
        call_take(&call, DIALOG_CALLEE, "ACK "); // same number as the INVITE's, and not absorbed with it
        old_request(&call, row, "INVITE");
        call_take(&call, DIALOG_CALLER, "SIP/2.0 100 ");
        struct wire_packet invite = call_take(&call, DIALOG_CALLEE, "INVITE ");
        call_respond(&call, &invite, "200 OK", "");
        call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
        old_request(&call, row, "ACK");
        call_take(&call, DIALOG_CALLEE, "ACK ");
        call_expect(&call, DIALOG_CONFIRMED);
        old_request(&call, row, "BYE");
        struct wire_packet bye = call_take(&call, DIALOG_CALLEE, "BYE ");
        old_request(&call, row, "INFO"); // the same Via as the BYE's: another branch of ours all the same
        struct wire_packet info = call_take(&call, DIALOG_CALLEE, "INFO ");
        assert_int_not_equal(strncmp(header_of(&bye, "Via"), header_of(&info, "Via"), 70), 0);
        call_respond(&call, &bye, "200 OK", "");
        call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
        call_expect_gone(&call);
        wire_expect_silence(wire);
    }
    wire_expect_count(wire, COUNTER_DIALOG_CREATED, RTE_DIM(vias));
}

// The ACK has a To-tag that the INVITE had not, and is known all the same.
static void test_refused(void **state)
{
    struct wire *wire = *state;
    for (unsigned row = 0; row < RTE_DIM(vias); row++) {
        struct call call = {.id = "refused"};
        char text[WIRE_TEXT_MAX];
        old_invite(&call, wire, row, text);
        call_answer(&call, "486 Busy Here");
        call_take(&call, DIALOG_CALLEE, "ACK ");
        wire_pass(wire, 600);
        call_take(&call, DIALOG_CALLER, "SIP/2.0 486 ");
        old_hop(&call, "ACK", text, ";tag=tag-bob");
        wire_pass(wire, 5100); // timer I, not G
        wire_expect_silence(wire);
        call_expect_gone(&call);
    }
    wire_expect_count(wire, COUNTER_TRANSACTION_NO_ACK, 0);
}

// An ACK with another tag than that of the refusal is for something else: the refusal is repeated.
static void test_ack_of_another_tag(void **state)
{
    struct wire *wire = *state;
    for (unsigned row = 0; row < RTE_DIM(vias); row++) {
        struct call call = {.id = "tags"};
        char text[WIRE_TEXT_MAX];
        old_invite(&call, wire, row, text);
        call_answer(&call, "486 Busy Here");
        call_take(&call, DIALOG_CALLEE, "ACK ");
        old_hop(&call, "ACK", text, ";tag=tag-bobo");
        wire_pass(wire, 600);
        call_take(&call, DIALOG_CALLER, "SIP/2.0 486 ");
        old_hop(&call, "ACK", text, ";tag=tag-bob");
        wire_pass(wire, 5100);
        wire_expect_silence(wire);
    }
    wire_expect_count(wire, COUNTER_DROP_STRAY_ACK, RTE_DIM(vias));
}

// Our own refusal: its ACK is known by the tag that we made.
static void test_refused_by_us(void **state)
{
    struct wire *wire = *state;
    for (unsigned row = 0; row < RTE_DIM(vias); row++) {
        struct call call;
        char text[WIRE_TEXT_MAX], tag[64];
        call_init(&call, wire, "refused-by-us@old");
        call.sides[DIALOG_CALLER].at = wire_carrier_b; // has no route
        call.sides[DIALOG_CALLER].via_parameters = "";
        call_invite_text(&call, text);
        old_text(row, text);
        wire_send(wire, wire_carrier_b, text);
        struct wire_packet refusal = call_take(&call, DIALOG_CALLER, "SIP/2.0 404 ");
        snprintf(tag, sizeof(tag), "%s", strstr(header_of(&refusal, "To"), ";tag="));
        old_hop(&call, "ACK", text, tag);
        wire_expect_silence(wire);
        wire_expect_count(wire, COUNTER_OUT_ABSORBED, row + 1);
    }
    wire_expect_count(wire, COUNTER_DROP_STRAY_ACK, 0);
}

static void test_cancelled(void **state)
{
    struct wire *wire = *state;
    for (unsigned row = 0; row < RTE_DIM(vias); row++) {
        struct call call = {.id = "cancelled"};
        char text[WIRE_TEXT_MAX];
        old_invite(&call, wire, row, text);
        call_answer(&call, "180 Ringing");
        old_hop(&call, "CANCEL", text, "");
        call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
        struct wire_packet cancel = call_take(&call, DIALOG_CALLEE, "CANCEL ");
        call_respond(&call, &cancel, "200 OK", "c");
        call_answer(&call, "487 Request Terminated");
        call_take(&call, DIALOG_CALLEE, "ACK ");
        old_hop(&call, "ACK", text, ";tag=tag-bob");
        wire_expect_silence(wire);
        call_expect_gone(&call);
    }
    wire_expect_count(wire, COUNTER_DIALOG_REFUSED, RTE_DIM(vias));
}

// Two calls of one caller at the same time differ in their Call-ID only, two INVITEs of one call in their
// CSeq.
static void test_invites_are_told_apart(void **state)
{
    struct wire *wire = *state;
    struct call one = {.id = "one"}, two = {.id = "two"};
    char text[WIRE_TEXT_MAX];
    old_invite(&one, wire, 0, text);
    old_invite(&two, wire, 0, text);
    assert_int_equal(wire->workers[0]->transactions.count, 4);
    call_answer(&two, "486 Busy Here");
    call_take(&two, DIALOG_CALLEE, "ACK ");
    old_hop(&two, "ACK", text, ";tag=tag-bob");
    two.sides[DIALOG_CALLER].cseq++; // with credentials, say
    call_invite_text(&two, text);
    old_text(0, text);
    wire_send(wire, wire_carrier, text);
    call_take(&two, DIALOG_CALLER, "SIP/2.0 100 ");
    call_take(&two, DIALOG_CALLEE, "INVITE ");
    call_answer(&one, "180 Ringing");
    wire_expect_silence(wire);
}

static void info_to_caller(struct call *call)
{
    struct wire_packet info = call_request(call, DIALOG_CALLEE, "INFO");
    call_respond(call, &info, "200 OK", "");
    call_take(call, DIALOG_CALLEE, "SIP/2.0 200 ");
}

// It sends from any port, listens at that of its Via, and does not ask for rport (18.2.2). Its Contact is a
// name, so that requests to it go where it is known to listen.
static void test_without_rport(void **state)
{
    static const struct {
        uint16_t via_port; // 0: none, that is, 5060
        uint16_t listens;
    } rows[] = {{5062, 5062}, {0, 5060}};
    struct wire *wire = *state;
    for (unsigned row = 0; row < RTE_DIM(rows); row++) {
        struct call call;
        char text[WIRE_TEXT_MAX], id[32], via[64];
        struct endpoint sends = {wire_phone.address, 40000, 0};
        snprintf(id, sizeof(id), "other-port-%u@old", row);
        call_init(&call, wire, id);
        struct side *caller = &call.sides[DIALOG_CALLER];
        caller->via_parameters = "";
        caller->at = (struct endpoint){wire_phone.address, rows[row].listens, 0};
        for (unsigned side = 0; side < 2; side++)
            snprintf(call.sides[side].target, 128, "sip:somebody@name.example");
        snprintf(via, sizeof(via), "10.10.1.7:%u;", rows[row].listens);
        for (unsigned step = 0; step < 3; step++) {
            if (step == 0)
                call_invite_text(&call, text);
            else
                call_request_text(&call, DIALOG_CALLER, step == 1 ? "ACK" : "BYE", text);
            char *port = strstr(text, via) + 9;
            if (rows[row].via_port == 0)
                memmove(port, port + 5, strlen(port + 5) + 1);
            wire_send(wire, sends, text);
            if (step == 0) {
                call_take(&call, DIALOG_CALLER, "SIP/2.0 100 ");
                call.invite = call_take(&call, DIALOG_CALLEE, "INVITE ");
                struct wire_packet from_elsewhere = call.invite; // likewise on the other side
                from_elsewhere.to.port = 40001;
                call_respond(&call, &from_elsewhere, "200 OK", "tag-bob");
                call.answer = call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
                assert_null(strstr(call.answer.text, "rport"));
                call_learn(&call);
                info_to_caller(&call); // all that is known of it is its INVITE
                continue;
            }
            struct wire_packet request = call_take(&call, DIALOG_CALLEE, step == 1 ? "ACK " : "BYE ");
            if (step == 1) {
                info_to_caller(&call);
                continue;
            }
            call_respond(&call, &request, "200 OK", "");
            call_take(&call, DIALOG_CALLER, "SIP/2.0 200 ");
        }
        wire_expect_silence(wire);
        call_expect_gone(&call);
    }
}

// A request whose dialog has no tag of the callee's: none stands in From or To.
static void untagged_text(struct call *call, enum dialog_side from, const char *method,
                          char text[WIRE_TEXT_MAX])
{
    call_request_text(call, from, method, text);
    char *tag = strstr(text, ";tag=\r\n");
    assert_non_null(tag);
    memmove(tag, tag + 5, strlen(tag + 5) + 1);
}

static struct wire_packet untagged_request(struct call *call, enum dialog_side from, const char *method)
{
    char text[WIRE_TEXT_MAX];
    untagged_text(call, from, method, text);
    wire_send(call->wire, call->sides[from].at, text);
    if (strcmp(method, "INVITE") == 0)
        call_take(call, from, "SIP/2.0 100 ");
    struct wire_packet got = call_take(call, 1 - from, method);
    assert_header(&got, "Route", "");
    assert_header(&got, "Record-Route", "");
    wire_expect_silence(call->wire);
    return got;
}

static void untagged_exchange(struct call *call, enum dialog_side from, const char *method)
{
    struct wire_packet got = untagged_request(call, from, method);
    call_respond(call, &got, "200 OK", "");
    call_take(call, from, "SIP/2.0 200 ");
    if (strcmp(method, "INVITE") == 0)
        untagged_request(call, from, "ACK");
}

static void untagged_call(struct call *call, struct wire *wire, const char *id)
{
    call_init(call, wire, id);
    call->sides[DIALOG_CALLEE].tag[0] = '\0';
    call_invite(call);
    call_answer(call, "180 Ringing");
    call_expect(call, DIALOG_EARLY);
    call_answer(call, "200 OK");
    assert_int_equal(call->answer.message.to_tag.length, 0);
    call_expect(call, DIALOG_CONFIRMED);
    untagged_request(call, DIALOG_CALLER, "ACK");
}

// 12.1.2, 12.2.1.1: a callee without a To-tag has an empty one. Its call is like any other, from either side.
static void test_callee_without_a_tag(void **state)
{
    struct wire *wire = *state;
    static const char *const methods[] = {"INFO", "INVITE", "UPDATE", "OPTIONS"};
    for (unsigned ends = 0; ends < 2; ends++) {
        struct call call;
        untagged_call(&call, wire, ends == 0 ? "caller-ends@untagged" : "callee-ends@untagged");
        for (unsigned i = 0; i < 2 * RTE_DIM(methods); i++) {
            untagged_exchange(&call, i % 2, methods[i / 2]);
            call_expect(&call, DIALOG_CONFIRMED);
        }
        untagged_exchange(&call, ends, "BYE");
        call_expect_gone(&call);
        wire_expect_count(wire, COUNTER_DIALOG_CREATED, ends + 1);
        wire_expect_count(wire, COUNTER_DIALOG_ENDED, ends + 1);
    }
}

// Its end by the lifetime: BYE to both, and the callee's name has no tag in either.
static void test_own_bye_without_a_tag(void **state)
{
    struct wire *wire = *state;
    struct call call;
    untagged_call(&call, wire, "lifetime@untagged");
    for (unsigned i = 0; i < 12 * 36; i++)
        wire_pass_silently(wire, 100000 - (i == 0 ? 1000 : 0));
    wire_pass(wire, 1100);
    struct wire_packet to_callee = call_take(&call, DIALOG_CALLEE, "BYE ");
    struct wire_packet to_caller = call_take(&call, DIALOG_CALLER, "BYE ");
    assert_header(&to_callee, "To", "<sip:bob@10.10.0.10>");
    assert_header(&to_caller, "From", "<sip:bob@10.10.0.10>");
    call_respond(&call, &to_callee, "200 OK", "");
    call_respond(&call, &to_caller, "200 OK", "");
    call_expect_gone(&call);
}

// A tag that comes with the 2xx is the dialog's; another answer after one without a tag is another dialog.
static void test_tag_comes_later(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "later@untagged");
    call_invite(&call);
    call_respond(&call, &call.invite, "180 Ringing", "");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 180 ");
    call_expect(&call, DIALOG_EARLY);
    call_answer(&call, "200 OK");
    call_expect(&call, DIALOG_CONFIRMED);
    call_request(&call, DIALOG_CALLER, "ACK");
    call_hang_up(&call, DIALOG_CALLEE);
    struct call fork;
    untagged_call(&call, wire, "fork@untagged");
    fork = call;
    snprintf(fork.sides[DIALOG_CALLEE].tag, sizeof(fork.sides[DIALOG_CALLEE].tag), "late");
    call_answer(&fork, "200 OK");
    call_request(&fork, DIALOG_CALLER, "ACK");
    assert_int_equal(wire->workers[0]->dialogs.by_state[DIALOG_CONFIRMED], 2);
    call_hang_up(&fork, DIALOG_CALLER);
    call_expect(&call, DIALOG_CONFIRMED);
    untagged_exchange(&call, DIALOG_CALLEE, "BYE");
    call_expect_gone(&call);
}

// A request without a To-tag in a dialog that has one is none of that dialog, whatever its Route says: it
// takes no record and no short cut past the routes and the limits.
static void test_no_tag_of_a_tagged_callee(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "tagged@untagged");
    call_establish(&call);
    struct call other = call;
    other.sides[DIALOG_CALLEE].tag[0] = '\0';
    char text[WIRE_TEXT_MAX];
    untagged_text(&other, DIALOG_CALLER, "INVITE", text);
    wire_send(wire, wire_carrier, text);
    call_take(&call, DIALOG_CALLER, "SIP/2.0 100 ");
    struct wire_packet invite = call_take(&call, DIALOG_CALLEE, "INVITE ");
    assert_string_not_equal(header_of(&invite, "Record-Route"), "");
    assert_int_equal(wire->workers[0]->dialogs.count, 2);
    call_respond(&call, &invite, "486 Busy Here", "t");
    call_take(&call, DIALOG_CALLER, "SIP/2.0 486 ");
    call_take(&call, DIALOG_CALLEE, "ACK ");
    call_expect(&call, DIALOG_CONFIRMED);
    call.sides[DIALOG_CALLER].cseq = other.sides[DIALOG_CALLER].cseq;
    call.branch = other.branch;
    call_hang_up(&call, DIALOG_CALLER);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_answered),
        ON_WIRE(test_refused),
        ON_WIRE(test_ack_of_another_tag),
        ON_WIRE(test_refused_by_us),
        ON_WIRE(test_cancelled),
        ON_WIRE(test_invites_are_told_apart),
        ON_WIRE(test_without_rport),
        ON_WIRE(test_callee_without_a_tag),
        ON_WIRE(test_own_bye_without_a_tag),
        ON_WIRE(test_tag_comes_later),
        ON_WIRE(test_no_tag_of_a_tagged_callee),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
