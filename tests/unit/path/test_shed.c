// SPDX-License-Identifier: BSD-3-Clause
// A worker that is behind, on the wire: its transactions are few.
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define CALLS 33u // two transactions each: with the 33rd there are more than half of 128

static int setup(void **state)
{
    struct wire *wire = wire_open(&(struct wire_options){0});
    wire->image.header.settings.overload.transactions = 50;
    wire->image.header.settings.overload.retry_after_s = 7;
    wire_reload(wire);
    *state = wire;
    return 0;
}

static void fill(struct wire *wire, struct call calls[CALLS])
{
    char id[32];
    for (unsigned i = 0; i < CALLS; i++) {
        snprintf(id, sizeof(id), "call-%u@shed", i);
        call_init(&calls[i], wire, id);
        call_invite(&calls[i]);
    }
    wire_turn(wire); // sees what the last one did
    wire_expect_count(wire, COUNTER_OVERLOADED_TRANSACTIONS, 1);
    wire_expect_count(wire, COUNTER_OVERLOAD_LOSS, 100);
}

// Of a glance there are the lines of Via alone.
static bool was_glance(const struct wire *wire)
{
    return wire->workers[0]->messages[0].first[HEADER_CALL_ID] == MESSAGE_NO_HEADER;
}

static void test_refused(void **state)
{
    struct wire *wire = *state;
    static struct call calls[CALLS];
    struct call new;
    char text[WIRE_TEXT_MAX];
    fill(wire, calls);
    call_init(&new, wire, "new@shed");
    call_invite_text(&new, text);
    for (unsigned repeat = 0; repeat < 2; repeat++) {
        wire_send(wire, wire_carrier, text);
        new.answer = wire_take(wire, wire_carrier);
        assert_starts(&new.answer, "SIP/2.0 503 Service Unavailable\r\n");
        assert_header(&new.answer, "Retry-After", "7");
        wire_expect_silence(wire);
    }
    wire_expect_count(wire, COUNTER_OVERLOAD_REFUSED, 2);
    wire_expect_count(wire, COUNTER_ANSWER_503, 2);
    assert_int_equal(wire->workers[0]->transactions.count, 2 * CALLS);
    // Its ACK ends here, by the MAC in our To-tag.
    call_ack_refusal(&new);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_OUT_ABSORBED, 1);
    wire_expect_count(wire, COUNTER_MESSAGE_ACK, 1);
    assert_true(was_glance(wire)); // else it would have been parsed over that
    // Its CANCEL finds nothing (9.2).
    call_cancel(&new);
    struct wire_packet answer = wire_take(wire, wire_carrier);
    assert_starts(&answer, "SIP/2.0 481 ");
}

// The ACK to a refusal is known by its tag alone, also when the worker is no longer behind; by another it is
// not.
static void test_acks(void **state)
{
    struct wire *wire = *state;
    static struct call calls[CALLS];
    struct call new[3];
    char text[WIRE_TEXT_MAX];
    fill(wire, calls);
    for (unsigned i = 0; i < RTE_DIM(new); i++) {
        char id[32];
        snprintf(id, sizeof(id), "new-%u@shed", i);
        call_init(&new[i], wire, id);
        call_invite_text(&new[i], text);
        wire_send(wire, wire_carrier, text);
        new[i].answer = wire_take(wire, wire_carrier);
        assert_starts(&new[i].answer, "SIP/2.0 503 ");
    }
    char *tag = strstr(new[0].answer.text, "\r\nTo: ");
    tag = strstr(tag, ";tag=") + 5;
    assert_int_equal(strcspn(tag, "\r"), COOKIE_REFUSAL_LENGTH);
    *tag = *tag == 'a' ? 'b' : 'a';
    call_ack_refusal(&new[0]);
    wire_expect_count(wire, COUNTER_OUT_ABSORBED, 0);
    wire_expect_count(wire, COUNTER_DROP_STRAY_ACK, 1);
    new[1].answer = new[2].answer; // another call's
    call_ack_refusal(&new[1]);
    wire_expect_count(wire, COUNTER_DROP_STRAY_ACK, 2);
    wire_pass_silently(wire, 40000);
    wire_expect_count(wire, COUNTER_OVERLOAD_LOSS, 0);
    uint64_t absorbed = wire->parts[0].counters->values[COUNTER_OUT_ABSORBED];
    call_ack_refusal(&new[2]);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_OUT_ABSORBED, absorbed + 1);
}

// What belongs to a call goes on.
static void test_calls_go_on(void **state)
{
    struct wire *wire = *state;
    static struct call calls[CALLS];
    char text[WIRE_TEXT_MAX];
    fill(wire, calls);
    call_invite_text(&calls[0], text);
    struct wire_packet invite = calls[0].invite;
    wire_send(wire, wire_carrier, text); // a repeat is answered from memory
    invite = wire_take(wire, wire_carrier);
    assert_starts(&invite, "SIP/2.0 100 ");
    calls[0].invite = calls[1].invite;
    call_answer(&calls[1], "180 Ringing");
    call_answer(&calls[1], "200 OK");
    call_ack(&calls[1], DIALOG_CALLER, calls[1].sides[DIALOG_CALLER].cseq);
    invite = call_request(&calls[1], DIALOG_CALLER, "INVITE"); // inside the dialog
    assert_starts(&invite, "INVITE ");
    call_respond(&calls[1], &invite, "200 OK", "");
    wire_take(wire, wire_carrier);
    call_ack(&calls[1], DIALOG_CALLER, calls[1].sides[DIALOG_CALLER].cseq);
    call_hang_up(&calls[1], DIALOG_CALLEE);
    // So is the repeat of one that its callee refused, until the ACK to that.
    invite = calls[2].invite;
    call_invite_text(&calls[2], text);
    calls[2].invite = invite;
    call_answer(&calls[2], "486 Busy Here");
    invite = wire_take(wire, wire_sbc1);
    assert_starts(&invite, "ACK ");
    wire_send(wire, wire_carrier, text);
    invite = wire_take(wire, wire_carrier);
    assert_starts(&invite, "SIP/2.0 486 ");
    call_ack_refusal(&calls[2]);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_OVERLOAD_REFUSED, 0);
}

static void test_recovers(void **state)
{
    struct wire *wire = *state;
    static struct call calls[CALLS];
    struct call new;
    fill(wire, calls);
    wire_pass_silently(wire, 40000); // nobody answers: timer B
    wire_expect_count(wire, COUNTER_OVERLOADED_TRANSACTIONS, 0);
    wire_expect_count(wire, COUNTER_OVERLOAD_LOSS, 0);
    call_init(&new, wire, "new@shed");
    call_invite(&new);
    wire_expect_count(wire, COUNTER_OVERLOAD_REFUSED, 0);
}

#define CASE_LINES                                                                                           \
    "From: \"A\" <sip:a@10.10.1.1>;tag=f1\r\nTo: <sip:+44207@10.10.0.10>\r\nCall-ID: case@shed\r\n"          \
    "CSeq: 1 INVITE\r\n"

// What is known from a glance (early.c) is answered as what is parsed is: the same INVITE behind a line end,
// which no glance takes, gets the same octets, and its ACK the same end.
static void test_same(void **state)
{
    static const struct {
        const char *name, *uri, *lines, *body;
        bool parsed;      // a branch of RFC 2543, where more is asked than a glance tells; or an odd shape
        const char *rest; // NULL: CASE_LINES
    } rows[] = {
        {"sent-by is the source", "sip:b@h", "Via: SIP/2.0/UDP 10.10.1.1:5060;branch=z9hG4bK1\r\n", "", false,
         NULL},
        {"another one", "sip:b@h", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2\r\n", "", false, NULL},
        {"rport", "sip:b@h", "Via: SIP/2.0/UDP 10.10.1.1:5060;rport;branch=z9hG4bK3\r\n", "", false, NULL},
        {"rport of another", "sip:b@h",
         "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK3;rport\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK4;rport\r\n",
         "", false, NULL},
        {"received", "sip:b@h", "Via: SIP/2.0/UDP h;received=192.0.2.9;branch=z9hG4bK4\r\n", "", false, NULL},
        {"old branch", "sip:b@h", "Via: SIP/2.0/UDP 10.10.1.1:5060;branch=1\r\n", "", true, NULL},
        {"no branch", "sip:b@h;x=y", "Via: SIP/2.0/UDP 10.10.1.1:5060\r\n", "", true, NULL},
        {"three Vias, the rest", "sip:b@h",
         "Via: SIP/2.0/UDP 10.10.1.1:5060;branch=z9hG4bK5\r\nMax-Forwards: 69\r\n"
         "v: SIP/2.0/UDP h2;branch=z9hG4bK6\r\nRoute: <sip:10.10.0.10;lr>\r\nTimestamp: 54\r\n"
         "Via: SIP/2.0/TCP h3;branch=z9hG4bK7 , SIP/2.0/UDP h4\r\nContent-Length: 3\r\n",
         "v=0", false, NULL},
        {"IPv6", "sip:b@h", "Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK8\r\n", "", true, NULL},
        {"two Vias a line", "sip:b@h",
         "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK8, SIP/2.0/UDP h;branch=z9hG4bK9\r\n", "", true, NULL},
        {"folded Via", "sip:b@h", "Via: SIP/2.0/UDP 192.0.2.1\r\n ;branch=z9hG4bK8\r\n", "", true, NULL},
        {"a fold elsewhere", "sip:b@h", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK8\r\nSubject: a\r\n\tb\r\n",
         "", true, NULL},
        {"compact", "sip:b@h", "", "", false,
         "v:SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK8\r\nf:<sip:a@h>;tag=1\r\nt:<sip:b@h>\r\ni:case@shed\r\n"
         "CSeq:7 INVITE\r\n"},
        {"another order", "sip:b@h", "", "", false,
         "Call-ID: case@shed\r\nCSeq: 1 INVITE\r\nTo: \"B\" <sip:b@h>\r\nMax-Forwards: 9\r\n"
         "From: <sip:a@h>;tag=1\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKa\r\nAllow: ACK\r\n"
         "Via: SIP/2.0/UDP h;branch=z9hG4bKb\r\n"},
        {"parameters of To", "sip:b@h", "Via: SIP/2.0/UDP 10.10.1.1:5060;branch=z9hG4bK1\r\n", "", false,
         "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;user=phone\r\nCall-ID: case@shed\r\nCSeq: 1 INVITE\r\n"},
        {"To without brackets", "sip:b@h", "Via: SIP/2.0/UDP 10.10.1.1:5060;branch=z9hG4bK1\r\n", "", true,
         "From: sip:a@h;tag=1\r\nTo: sip:b@h\r\nCall-ID: case@shed\r\nCSeq: 1 INVITE\r\n"}};
    struct wire *wire = *state;
    static struct call calls[CALLS];
    char text[WIRE_TEXT_MAX];
    fill(wire, calls);
    for (size_t i = 0; i < RTE_DIM(rows); i++) {
        struct wire_packet answers[2];
        for (unsigned slow = 0; slow < 2; slow++) {
            snprintf(text, sizeof(text), "%sINVITE %s SIP/2.0\r\n%s%s\r\n%s", slow ? "\r\n" : "", rows[i].uri,
                     rows[i].lines, rows[i].rest != NULL ? rows[i].rest : CASE_LINES, rows[i].body);
            wire_send(wire, wire_carrier, text);
            answers[slow] = wire_take(wire, wire_carrier);
            assert_starts(&answers[slow], "SIP/2.0 503 Service Unavailable\r\n");
            if (was_glance(wire) != (slow == 0 && !rows[i].parsed))
                fail_msg("%s: the %s way", rows[i].name, slow ? "quick" : "slow");
        }
        if (answers[0].length != answers[1].length || strcmp(answers[0].text, answers[1].text) != 0)
            fail_msg("%s:\n%s\n%s", rows[i].name, answers[0].text, answers[1].text);
    }
    wire_expect_count(wire, COUNTER_OVERLOAD_REFUSED, 2 * RTE_DIM(rows));
    wire_expect_count(wire, COUNTER_MESSAGE_INVITE, CALLS + 2 * RTE_DIM(rows));
}

// The next message of a turn is looked at before the last one is done, and what is refused is done first:
// each gets its own answer, each kind in its order.
static void test_turn(void **state)
{
    static const char *const ids[] = {"new-0@shed",  "call-3@shed", "new-1@shed", "new-2@shed",
                                      "call-4@shed", "call-5@shed", "new-3@shed"};
    static const unsigned order[RTE_DIM(ids)] = {0, 2, 3, 6, 1, 4, 5};
    struct wire *wire = *state;
    static struct call calls[CALLS];
    char text[WIRE_TEXT_MAX];
    fill(wire, calls);
    for (size_t i = 0; i < RTE_DIM(ids); i++) {
        struct call call;
        bool is_new = ids[i][0] == 'n';
        if (is_new)
            call_init(&call, wire, ids[i]);
        else
            call = calls[ids[i][5] - '0'];
        call_invite_text(&call, text);
        wire_put(wire, wire_carrier, text, (uint32_t)strlen(text));
    }
    wire_turn(wire);
    for (size_t i = 0; i < RTE_DIM(ids); i++) {
        struct wire_packet answer = wire_take(wire, wire_carrier);
        const char *id = ids[order[i]];
        assert_starts(&answer, id[0] == 'n' ? "SIP/2.0 503 " : "SIP/2.0 100 ");
        assert_header(&answer, "Call-ID", id);
    }
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_OVERLOAD_REFUSED, 4);
}

// A turn of one that is behind takes bursts of a queue until one is left that goes on; what is left over
// comes in the next.
static void test_bursts(void **state)
{
    static const struct {
        unsigned new, repeats, taken; // by the first turn
    } rows[] = {{100, 1, 101}, {5, 70, 64}, {0, 100, 32}};
    struct wire *wire = *state;
    static struct call calls[CALLS];
    char text[WIRE_TEXT_MAX], id[32];
    fill(wire, calls);
    for (size_t i = 0; i < RTE_DIM(rows); i++) {
        for (unsigned n = 0; n < rows[i].new + rows[i].repeats; n++) {
            struct call call = calls[3];
            snprintf(id, sizeof(id), "new-%u@shed", n);
            if (n < rows[i].new)
                call_init(&call, wire, id);
            call_invite_text(&call, text);
            wire_put(wire, wire_carrier, text, (uint32_t)strlen(text));
        }
        uint64_t before = wire_count(wire, COUNTER_RX_PACKETS);
        worker_turn(wire->workers[0]);
        assert_int_equal(wire_count(wire, COUNTER_RX_PACKETS), before + rows[i].taken);
        for (unsigned turn = 0; turn < 4; turn++)
            wire_turn(wire);
        assert_int_equal(wire_count(wire, COUNTER_RX_PACKETS), before + rows[i].new + rows[i].repeats);
        assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 503 "), rows[i].new);
        assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), rows[i].repeats);
    }
}

// Without a Retry-After when it is configured away, and with the mark at all of it never.
static void test_settings(void **state)
{
    struct wire *wire = *state;
    static struct call calls[CALLS];
    struct call new;
    char text[WIRE_TEXT_MAX];
    fill(wire, calls);
    wire->image.header.settings.overload.retry_after_s = 0;
    wire_reload(wire);
    call_init(&new, wire, "new@shed");
    call_invite_text(&new, text);
    wire_send(wire, wire_carrier, text);
    struct wire_packet answer = wire_take(wire, wire_carrier);
    assert_starts(&answer, "SIP/2.0 503 ");
    assert_header(&answer, "Retry-After", "");
    wire->image.header.settings.overload.transactions = 100;
    wire_reload(wire);
    wire_turn(wire);
    call_init(&new, wire, "newer@shed");
    call_invite(&new);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused, setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_acks, setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_calls_go_on, setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_recovers, setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_same, setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_turn, setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_bursts, setup, wire_teardown),
        cmocka_unit_test_setup_teardown(test_settings, setup, wire_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
