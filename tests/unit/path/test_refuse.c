// SPDX-License-Identifier: BSD-3-Clause
// What is not sent on: answered by ourselves, dropped in silence, and counted by reason.
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define HEAD   "Via: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKx\r\nFrom: <sip:a@x>;tag=f\r\nCall-ID: c@refuse\r\n"
#define MIDDLE HEAD "To: <sip:b@y>\r\nMax-Forwards: 70\r\n"
#define END    "Content-Length: 0\r\n\r\n"

struct row {
    const char *name, *request;
    struct endpoint from;
    const char *answer; // start of its status line, NULL: silence
    enum counter counter;
};

#define CARRIER                                                                                              \
    {                                                                                                        \
        IP_MAPPED(0x0a0a0101), 5060, 0                                                                       \
    }
#define CARRIER_B                                                                                            \
    {                                                                                                        \
        IP_MAPPED(0x0a0a0201), 5060, 0                                                                       \
    }
#define SBC                                                                                                  \
    {                                                                                                        \
        IP_MAPPED(0x0a14000b), 5060, 1                                                                       \
    }
#define STRANGER                                                                                             \
    {                                                                                                        \
        IP_MAPPED(0x0a0a0909), 5060, 0                                                                       \
    }

static const struct row rows[] = {
    {"options to us", "OPTIONS sip:10.10.0.10 SIP/2.0\r\n" MIDDLE "CSeq: 1 OPTIONS\r\n" END, CARRIER,
     "200 OK", COUNTER_ANSWER_200},
    {"options to our other side", "OPTIONS sip:10.20.0.10:5060 SIP/2.0\r\n" MIDDLE "CSeq: 1 OPTIONS\r\n" END,
     CARRIER_B, "200 OK", COUNTER_ANSWER_200},
    {"no route", "INVITE sip:bob@10.10.0.10 SIP/2.0\r\n" MIDDLE "CSeq: 1 INVITE\r\n" END, CARRIER_B,
     "404 Not Found", COUNTER_ANSWER_404},
    {"options with a user is not to us",
     "OPTIONS sip:b@10.10.0.10 SIP/2.0\r\n" MIDDLE "CSeq: 1 OPTIONS\r\n" END, CARRIER_B, "404 ",
     COUNTER_ANSWER_404},
    {"proxy-require",
     "INVITE sip:bob@10.10.0.10 SIP/2.0\r\nProxy-Require: foo, bar\r\n" MIDDLE "CSeq: 1 INVITE\r\n" END,
     CARRIER, "420 Bad Extension", COUNTER_ANSWER_420},
    {"no hops left",
     "INVITE sip:bob@10.10.0.10 SIP/2.0\r\n" HEAD
     "To: <sip:b@y>\r\nMax-Forwards: 0\r\nCSeq: 1 INVITE\r\n" END,
     CARRIER, "483 Too Many Hops", COUNTER_ANSWER_483},
    {"no hops left for a BYE",
     "BYE sip:bob@10.10.0.10 SIP/2.0\r\n" HEAD
     "To: <sip:b@y>;tag=t\r\nMax-Forwards: 0\r\nCSeq: 1 BYE\r\n" END,
     CARRIER, "481 ", COUNTER_ANSWER_481},
    {"unknown dialog", "BYE sip:bob@10.10.0.10 SIP/2.0\r\n" HEAD "To: <sip:b@y>;tag=t\r\nCSeq: 1 BYE\r\n" END,
     SBC, "481 ", COUNTER_ANSWER_481},
    {"ack out of nowhere",
     "ACK sip:bob@10.10.0.10 SIP/2.0\r\n" HEAD "To: <sip:b@y>;tag=t\r\nCSeq: 1 ACK\r\n" END, CARRIER, NULL,
     COUNTER_DROP_STRAY_ACK},
    {"ack without a tag", "ACK sip:bob@10.10.0.10 SIP/2.0\r\n" MIDDLE "CSeq: 1 ACK\r\n" END, CARRIER, NULL,
     COUNTER_DROP_STRAY_ACK},
    {"ack without hops",
     "ACK sip:bob@10.10.0.10 SIP/2.0\r\n" HEAD "To: <sip:b@y>\r\nMax-Forwards: 0\r\nCSeq: 1 ACK\r\n" END,
     CARRIER, NULL, COUNTER_DROP_MAX_FORWARDS},
    {"stranger", "INVITE sip:bob@10.10.0.10 SIP/2.0\r\n" MIDDLE "CSeq: 1 INVITE\r\n" END, STRANGER, NULL,
     COUNTER_DROP_UNKNOWN_SOURCE},
    {"stranger's options", "OPTIONS sip:10.10.0.10 SIP/2.0\r\n" MIDDLE "CSeq: 1 OPTIONS\r\n" END, STRANGER,
     NULL, COUNTER_DROP_UNKNOWN_SOURCE},
    {"two CSeq methods", "INVITE sip:bob@10.10.0.10 SIP/2.0\r\n" MIDDLE "CSeq: 1 BYE\r\n" END, CARRIER,
     "400 Bad CSeq", COUNTER_ANSWER_400},
    {"no From",
     "INVITE sip:bob@10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1\r\nTo: <sip:b@y>\r\nCall-ID: "
     "x\r\nCSeq: 1 INVITE\r\n" END,
     CARRIER, "400 Missing From", COUNTER_ANSWER_400},
    {"no Call-ID",
     "INVITE sip:bob@10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1\r\nTo: <sip:b@y>\r\nFrom: "
     "<sip:a@x>;tag=f\r\nCSeq: 1 INVITE\r\n" END,
     CARRIER, "400 Missing Call-ID", COUNTER_ANSWER_400},
    {"cut off",
     "INVITE sip:bob@10.10.0.10 SIP/2.0\r\n" MIDDLE "CSeq: 1 INVITE\r\nContent-Length: 10\r\n\r\nabc",
     CARRIER, "400 Bad Content-Length", COUNTER_ANSWER_400},
    {"version", "INVITE sip:bob@10.10.0.10 SIP/3.0\r\n" MIDDLE "CSeq: 1 INVITE\r\n" END, CARRIER, "505 ",
     COUNTER_ANSWER_505},
    {"scheme", "INVITE fax:1234 SIP/2.0\r\n" MIDDLE "CSeq: 1 INVITE\r\n" END, CARRIER,
     "416 Unsupported URI Scheme", COUNTER_ANSWER_416},
    {"broken ack", "ACK sip:bob@10.10.0.10 SIP/2.0\r\n" MIDDLE "CSeq: x ACK\r\n" END, CARRIER, NULL,
     COUNTER_DROP_MALFORMED_REQUEST},
    {"no Via",
     "INVITE sip:bob@10.10.0.10 SIP/2.0\r\nTo: <sip:b@y>\r\nFrom: <sip:a@x>;tag=f\r\nCSeq: 1 INVITE\r\n" END,
     CARRIER, NULL, COUNTER_DROP_MALFORMED_REQUEST},
    {"broken response", "SIP/2.0 200 OK\r\n" MIDDLE "CSeq: x\r\n" END, CARRIER, NULL,
     COUNTER_DROP_MALFORMED_RESPONSE},
    {"no SIP", "GET / HTTP/1.1\r\n\r\n", CARRIER, NULL, COUNTER_DROP_MALFORMED_REQUEST},
    {"response that is not ours", "SIP/2.0 200 OK\r\n" MIDDLE "CSeq: 1 INVITE\r\n" END, SBC, NULL,
     COUNTER_DROP_FORGED_BRANCH},
    {"response with a guessed branch",
     "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP "
     "10.20.0.10:5060;branch=z9hG4bKdga4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" MIDDLE "CSeq: 1 INVITE\r\n" END,
     SBC, NULL, COUNTER_DROP_FORGED_BRANCH},
    {"response with a guessed stateless branch",
     "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.20.0.10:5060;branch=z9hG4bKdsa4aaaaaaaaaaaaaaaaaaa\r\n" MIDDLE
     "CSeq: 1 BYE\r\n" END,
     SBC, NULL, COUNTER_DROP_FORGED_BRANCH},
    {"keepalive", "\r\n\r\n", CARRIER, NULL, COUNTER_DROP_KEEPALIVE},
    {"empty datagram", "", CARRIER, NULL, COUNTER_DROP_KEEPALIVE},
    {"stranger's keepalive", "\r\n\r\n", STRANGER, NULL, COUNTER_DROP_UNKNOWN_SOURCE},
};

static void test_rows(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        const struct row *row = &rows[i];
        uint64_t before = wire_count(wire, row->counter), answered = wire_count(wire, COUNTER_OUT_ANSWERED);
        print_message("%s\n", row->name);
        wire_send(wire, row->from, row->request);
        if (row->answer != NULL) {
            struct wire_packet answer = wire_take(wire, row->from);
            assert_starts(&answer, "SIP/2.0 ");
            if (strncmp(answer.text + 8, row->answer, strlen(row->answer)) != 0)
                fail_msg("not %s but %s", row->answer, answer.text);
            assert_int_equal(wire_count(wire, COUNTER_OUT_ANSWERED), answered + 1);
        }
        wire_expect_silence(wire);
        assert_int_equal(wire_count(wire, row->counter), before + 1);
        assert_int_equal(wire->workers[0]->transactions.count, 0);
        wire_check(wire);
    }
}

static void test_420_names_what_is_not_supported(void **state)
{
    struct wire *wire = *state;
    wire_send(wire, wire_carrier,
              "INVITE sip:bob@10.10.0.10 SIP/2.0\r\nProxy-Require: foo, bar\r\n" MIDDLE
              "CSeq: 1 INVITE\r\n" END);
    struct wire_packet answer = wire_take(wire, wire_carrier);
    assert_header(&answer, "Unsupported", "foo, bar");
}

static void test_server_header(void **state)
{
    struct wire *wire = *state;
    strcpy((char *)wire->image.header.settings.server_header, "Dialgate");
    wire_reload(wire);
    wire_send(wire, wire_carrier_b, "INVITE sip:bob@10.10.0.10 SIP/2.0\r\n" MIDDLE "CSeq: 1 INVITE\r\n" END);
    struct wire_packet answer = wire_take(wire, wire_carrier_b);
    assert_header(&answer, "Server", "Dialgate");
    assert_int_equal(answer.message.to_tag.length, COOKIE_TAG_LENGTH);
}

// A request that comes back from another peer takes another route: no loop. What its first sender sends
// again, as it went out, is one (16.3 item 4).
static void test_loop(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "loop@refuse");
    call_invite(&call);
    struct endpoint sbc = call.sides[DIALOG_CALLEE].at;
    wire_send(wire, sbc, call.invite.text);
    assert_int_equal(wire_take_all(wire, sbc, "SIP/2.0 100 "), 1);
    struct wire_packet out = wire_take(wire, wire_carrier);
    assert_starts(&out, "INVITE sip:bob@");
    wire_send(wire, wire_carrier, out.text);
    struct wire_packet answer = wire_take(wire, wire_carrier);
    assert_starts(&answer, "SIP/2.0 482 Loop Detected\r\n");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_ANSWER_482, 1);
    // Likewise below a Via of its own, and from the SBC's side.
    const struct endpoint senders[] = {wire_carrier, sbc};
    for (unsigned i = 0; i < 2; i++) {
        snprintf(text, sizeof(text),
                 "INVITE sip:bob@10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKq\r\n%s",
                 strchr(out.text, '\n') + 1);
        wire_send(wire, senders[i], text);
        assert_int_equal(wire_take_all(wire, senders[i], "SIP/2.0 482 "), 1);
        wire_expect_silence(wire);
    }
}

// With another Request-URI it is no loop but a spiral, with a transaction of its own (16.3 item 4).
static void test_spiral(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "spiral@refuse");
    call_invite(&call);
    struct endpoint sbc = call.sides[DIALOG_CALLEE].at;
    snprintf(text, sizeof(text),
             "INVITE sip:carol@10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.20.0.1%u;branch=z9hG4bKq\r\n%s",
             wire_ipv4(sbc) & 0xff, strchr(call.invite.text, '\n') + 1);
    wire_send(wire, sbc, text);
    assert_int_equal(wire_take_all(wire, sbc, "SIP/2.0 100 "), 1);
    struct wire_packet out = wire_take(wire, wire_carrier);
    assert_starts(&out, "INVITE sip:carol@10.10.0.10 SIP/2.0\r\n");
    assert_int_equal(wire->workers[0]->transactions.count, 4);
    call_respond(&call, &out, "486 Busy Here", "carol");
    struct wire_packet back = wire_take(wire, sbc);
    assert_starts(&back, "SIP/2.0 486 ");
}

static void test_stateless_loop(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "loop-inside@refuse");
    call_establish(&call);
    struct wire_packet info = call_request(&call, DIALOG_CALLER, "INFO");
    assert_header(&info, "Route", "");
    struct endpoint sbc = call.sides[DIALOG_CALLEE].at;
    struct wire_packet second;
    // From and To are the caller's: the SBC may not speak so.
    wire_send(wire, sbc, info.text);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_FORGED_DIALOG, 1);
    // Back from the caller's side (a loop there) it is known again, although its Route is gone: it passes
    // once, since the Route decides the way, and then no more.
    wire_send(wire, wire_carrier, info.text);
    second = wire_take(wire, sbc);
    wire_send(wire, wire_carrier, second.text);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 482 "), 1);
    wire_expect_silence(wire);
}

static void test_too_many_headers(void **state)
{
    struct wire *wire = *state;
    for (unsigned n = 90; n < 130; n++) {
        struct call call;
        char text[WIRE_TEXT_MAX], id[32], extra[1024] = "";
        snprintf(id, sizeof(id), "headers-%u@refuse", n);
        for (unsigned i = 0; i < n; i++)
            strcat(extra, "a:b\r\n");
        call_init(&call, wire, id);
        call.extra = extra;
        call_invite_text(&call, text);
        wire_send(wire, wire_carrier, text);
        if (wire_take_all(wire, wire_carrier, "SIP/2.0 400 Too Many Headers") == 1)
            continue;
        assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), 1);
        call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
        call.extra = NULL;
        call_answer(&call, "486 Busy Here"); // what went out can be acknowledged
        assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "ACK "), 1);
        call_ack_refusal(&call);
    }
    assert_true(wire_count(wire, COUNTER_ANSWER_400) >= 8);
    assert_true(wire_count(wire, COUNTER_DIALOG_REFUSED) >= 20);
}

// 16.7 step 3: nobody is left to send it to.
static void test_response_without_a_second_via(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "one-via@refuse");
    call_invite(&call);
    struct wire_packet cut = call.invite;
    char *second = strstr(strstr(cut.text, "Via: ") + 1, "Via: ");
    memmove(second, strchr(second, '\n') + 1, strlen(strchr(second, '\n') + 1) + 1);
    call_respond(&call, &cut, "180 Ringing", "t");
    call_respond(&call, &cut, "200 OK", "t");
    cut = call.invite;
    second = strstr(strstr(cut.text, "Via: ") + 1, "Via: ");
    second[sizeof("Via: SIP/2.0/UDP ") - 1] = '!'; // no host begins so
    call_respond(&call, &cut, "200 OK", "t");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_MALFORMED_RESPONSE, 3);
    call_answer(&call, "180 Ringing"); // the call goes on
    call_answer(&call, "486 Busy Here");
}

// 17.1.3: a response is known by the whole branch, and by the Call-ID that the branch is bound to.
static void test_response_of_another_branch(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "other-branch@refuse");
    call_invite(&call);
    for (unsigned letter = sizeof("branch=z9hG4bKdg") - 1, i = 0; i < 32; i++) {
        struct wire_packet altered = call.invite;
        char *at = strstr(altered.text, "branch=") + letter + i;
        *at = *at == 'a' ? 'b' : 'a';
        call_respond(&call, &altered, "180 Ringing", "t");
    }
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_FORGED_BRANCH, 32);
    struct wire_packet altered = call.invite;
    strstr(altered.text, "Call-ID: other")[sizeof("Call-ID: ") - 1] = 'O';
    call_respond(&call, &altered, "180 Ringing", "t");
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_FORGED_BRANCH, 33);
    call_answer(&call, "180 Ringing"); // the call goes on
    call_answer(&call, "486 Busy Here");
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_rows),
        ON_WIRE(test_420_names_what_is_not_supported),
        ON_WIRE(test_server_header),
        ON_WIRE(test_loop),
        ON_WIRE(test_spiral),
        ON_WIRE(test_stateless_loop),
        ON_WIRE(test_too_many_headers),
        ON_WIRE(test_response_without_a_second_via),
        ON_WIRE(test_response_of_another_branch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
