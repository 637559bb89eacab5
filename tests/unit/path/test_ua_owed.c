// SPDX-License-Identifier: BSD-3-Clause
// Final responses of ours to requests that come for an application, when there is no packet buffer for them:
// what was taken is taken, and the response goes out later.
#include <stdio.h>
#include <string.h>
#include "tests.h"
#include "ua_caller.h"

// The request comes while the pool has no buffer besides its own.
static void send_dry(struct caller *caller, const char *text)
{
    static struct rte_mbuf *mbufs[WIRE_MBUFS_MAX];
    unsigned n = wire_take_mbufs(mbufs, 1);
    wire_send(caller->world->wire, wire_carrier, text);
    rte_pktmbuf_free_bulk(mbufs, n);
    wire_expect_silence(caller->world->wire);
}

static void request_text(struct caller *caller, const char *method, const char *lines,
                         char text[WIRE_TEXT_MAX])
{
    caller->call.extra = lines;
    call_request_text(&caller->call, DIALOG_CALLER, method, text);
}

// 17.2.2: each repeat gets the response; the call ended once.
static void test_bye(void **state)
{
    struct caller caller;
    char text[WIRE_TEXT_MAX];
    caller_init(&caller, *state, "bye@owed");
    caller_establish(&caller);
    request_text(&caller, "BYE", NULL, text);
    send_dry(&caller, text);
    assert_int_equal(ua_take(caller.world, CHANNEL_UA_ASKED).event.status, 200);
    caller_expect(&caller, CHANNEL_DIALOG_TERMINATED);
    send_dry(&caller, text);
    for (unsigned i = 0; i < 2; i++) { // owed, and kept then
        wire_send(caller.world->wire, wire_carrier, text);
        (void)caller_take(&caller, "SIP/2.0 200 OK\r\n");
    }
    ua_expect_silence(caller.world);
    call_expect_gone(&caller.call);
}

// Who does not repeat it has it when a 100 would be due (RFC 4320 4.1).
static void test_bye_of_the_patient(void **state)
{
    struct caller caller;
    char text[WIRE_TEXT_MAX];
    caller_init(&caller, *state, "patient@owed");
    caller_establish(&caller);
    request_text(&caller, "BYE", NULL, text);
    send_dry(&caller, text);
    wire_pass(caller.world->wire, 4000);
    (void)caller_take(&caller, "SIP/2.0 200 OK\r\n");
    wire_expect_silence(caller.world->wire);
    ua_forget(caller.world);
    call_expect_gone(&caller.call);
}

static void test_prack(void **state)
{
    struct caller caller;
    char text[WIRE_TEXT_MAX], rack[96];
    caller_init(&caller, *state, "prack@owed");
    caller_invite(&caller, &(struct asked){.lines = "Supported: 100rel\r\n"});
    assert_int_equal(caller_answered(&caller, 180, &(struct ua_wanted){.fixed.flags = CHANNEL_UA_RELIABLE}),
                     0);
    struct wire_packet ringing = caller_take(&caller, "SIP/2.0 180 ");
    snprintf(rack, sizeof(rack), "RAck: %s 100 INVITE\r\n", header_of(&ringing, "RSeq"));
    request_text(&caller, "PRACK", rack, text);
    send_dry(&caller, text);
    assert_int_equal(ua_take(caller.world, CHANNEL_UA_ASKED).event.status, 200);
    wire_send(caller.world->wire, wire_carrier, text);
    struct wire_packet ok = caller_take(&caller, "SIP/2.0 200 OK\r\n");
    assert_int_equal(ok.message.method, METHOD_PRACK);
    ua_forget(caller.world);
    assert_int_equal(caller_answered(&caller, 486, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 486 ");
    ua_forget(caller.world);
}

// A refusal is what it was, also when the same request would be refused otherwise by now (12.2.2).
static void test_refusal(void **state)
{
    struct caller caller;
    char text[WIRE_TEXT_MAX];
    caller_init(&caller, *state, "refusal@owed");
    caller_invite(&caller, &(struct asked){.lines = "Supported: 100rel\r\n"});
    assert_int_equal(caller_answered(&caller, 180, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 180 ");
    request_text(&caller, "PRACK", "RAck: 1 99 INVITE\r\n", text);
    send_dry(&caller, text);
    wire_send(caller.world->wire, wire_carrier, text);
    (void)caller_take(&caller, "SIP/2.0 481 ");
    wire_expect_silence(caller.world->wire);
    assert_int_equal(caller_answered(&caller, 486, NULL), 0);
    (void)caller_take(&caller, "SIP/2.0 486 ");
    ua_forget(caller.world);
}

// With the lines that it had (14.2).
static void test_lines(void **state)
{
    struct caller caller;
    char text[WIRE_TEXT_MAX], after[8];
    caller_init(&caller, *state, "lines@owed");
    caller_establish(&caller);
    (void)caller_asks(&caller, "INVITE", &(struct asked){.body = ua_sdp});
    uint32_t first = caller.call.sides[DIALOG_CALLER].cseq;
    request_text(&caller, "INVITE", NULL, text);
    send_dry(&caller, text);
    send_dry(&caller, text); // still none: what is owed stays
    wire_send(caller.world->wire, wire_carrier, text);
    struct wire_packet refused = caller_take(&caller, "SIP/2.0 500 ");
    snprintf(after, sizeof(after), "%s", header_of(&refused, "Retry-After"));
    assert_int_not_equal(strlen(after), 0);
    wire_send(caller.world->wire, wire_carrier, text);
    refused = caller_take(&caller, "SIP/2.0 500 ");
    assert_header(&refused, "Retry-After", after);
    assert_int_equal(
        caller_answered(&caller, 200,
                        &(struct ua_wanted){.fixed.flags = CHANNEL_UA_DESCRIPTION, .body = ua_sdp}),
        0);
    (void)caller_take(&caller, "SIP/2.0 200 OK\r\n");
    caller.call.sides[DIALOG_CALLER].cseq = first;
    caller_ack(&caller, NULL);
    ua_forget(caller.world);
}

// An INVITE that has its 100 is not repeated: its 487 comes by itself. The one spare buffer is for the 200 to
// the CANCEL.
static void test_cancelled(void **state)
{
    struct caller caller;
    static struct rte_mbuf *mbufs[WIRE_MBUFS_MAX];
    caller_init(&caller, *state, "cancelled@owed");
    caller_invite(&caller, NULL);
    unsigned n = wire_take_mbufs(mbufs, 2);
    call_cancel(&caller.call);
    rte_pktmbuf_free_bulk(mbufs, n);
    struct wire_packet ok = caller_take(&caller, "SIP/2.0 200 OK\r\n");
    assert_int_equal(ok.message.method, METHOD_CANCEL);
    wire_expect_silence(caller.world->wire);
    (void)ua_take(caller.world, CHANNEL_UA_CANCELLED);
    caller_expect(&caller, CHANNEL_DIALOG_TERMINATED);
    wire_pass(caller.world->wire, 3900);
    wire_expect_silence(caller.world->wire);
    wire_pass(caller.world->wire, 200);
    (void)caller_take(&caller, "SIP/2.0 487 ");
    ua_expect_silence(caller.world);
}

int path_tests(void)
{
#define UA(test) cmocka_unit_test_setup_teardown(test, ua_setup, ua_teardown)
    const struct CMUnitTest tests[] = {UA(test_bye),   UA(test_bye_of_the_patient),
                                       UA(test_prack), UA(test_refusal),
                                       UA(test_lines), UA(test_cancelled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
