// SPDX-License-Identifier: BSD-3-Clause
// A node or a peer that the operator drains: nothing new, and what is there goes on.
#include <stdio.h>
#include "tests.h"

static void drain_node(struct wire *wire)
{
    wire->image.header.settings.flags = SETTINGS_DRAINING;
    wire->image.header.settings.limit_retry_after_s = 9;
    wire_reload(wire);
}

static void drain_peer(struct wire *wire, unsigned peer)
{
    wire->image.peers[peer].flags |= PEER_DRAINING;
    wire->image.header.settings.limit_retry_after_s = 9;
    wire_reload(wire);
}

static const struct {
    const char *method;
    const char *uri;
} requests[] = {{"INVITE", "sip:bob@10.10.0.10"},    {"OPTIONS", "sip:10.10.0.10"},
                {"MESSAGE", "sip:bob@10.10.0.10"},   {"REGISTER", "sip:10.10.0.10"},
                {"SUBSCRIBE", "sip:bob@10.10.0.10"}, {"PUBLISH", "sip:bob@10.10.0.10"},
                {"REFER", "sip:bob@10.10.0.10"}};

static void send_request(struct wire *wire, struct endpoint from, unsigned i)
{
    char text[WIRE_TEXT_MAX];
    snprintf(text, sizeof(text),
             "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;rport;branch=z9hG4bKdrain%u\r\n"
             "From: <sip:a@x>;tag=f\r\nTo: <sip:b@x>\r\nCall-ID: %u@drain\r\nCSeq: 1 %s\r\n"
             "Content-Length: 0\r\n\r\n",
             requests[i].method, requests[i].uri, i, i, requests[i].method);
    wire_send(wire, from, text);
}

static void expect_refused(struct wire *wire, struct endpoint from)
{
    for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        send_request(wire, from, i);
        struct wire_packet answer = wire_take(wire, from);
        assert_starts(&answer, "SIP/2.0 503 Service Unavailable\r\n");
        assert_header(&answer, "Retry-After", "9");
        wire_expect_silence(wire);
    }
    assert_int_equal(wire->workers[0]->transactions.count, 0);
}

static void test_node(void **state)
{
    struct wire *wire = *state;
    drain_node(wire);
    expect_refused(wire, wire_carrier);
    expect_refused(wire, wire_sbc1);
    wire_expect_count(wire, COUNTER_DRAINED_NODE, 14);
    wire_expect_count(wire, COUNTER_DRAINED_PEER, 0);
    struct limits *limits = &wire->workers[0]->limits;
    assert_int_equal(limit_rate(limits, LIMIT_ALL, wire->workers[0]->now_us), 0); // no limit was asked
}

static void test_node_takes_calls_again(void **state)
{
    struct wire *wire = *state;
    struct call call;
    drain_node(wire);
    expect_refused(wire, wire_carrier);
    wire->image.header.settings.flags = 0;
    wire_reload(wire);
    call_init(&call, wire, "again@drain");
    call_establish(&call);
    call_hang_up(&call, DIALOG_CALLEE);
}

// Confirmed, and one that rings: both go on to their ends, whoever speaks.
static void test_calls_go_on(void **state)
{
    struct wire *wire = *state;
    struct call confirmed, early, given_up;
    call_init(&confirmed, wire, "confirmed@drain");
    call_init(&early, wire, "early@drain");
    call_init_outward(&given_up, wire, "given-up@drain");
    call_establish(&confirmed);
    call_invite(&early);
    call_answer(&early, "180 Ringing");
    call_invite(&given_up);
    call_answer(&given_up, "180 Ringing");
    drain_node(wire);
    drain_peer(wire, IMAGE_SBCS);
    call_answer(&early, "200 OK");
    call_request(&early, DIALOG_CALLER, "ACK");
    call_cancel(&given_up);
    assert_int_equal(wire_take_all(wire, wire_sbc1, "SIP/2.0 200 "), 1);
    struct wire_packet cancel = wire_take(wire, wire_carrier);
    assert_starts(&cancel, "CANCEL ");
    call_respond(&given_up, &cancel, "200 OK", "c");
    call_answer(&given_up, "487 Request Terminated");
    assert_starts(&given_up.answer, "SIP/2.0 487 ");
    call_ack_refusal(&given_up);
    assert_int_equal(wire_take_all(wire, wire_carrier, "ACK "), 1);
    for (unsigned side = 0; side < 2; side++) {
        struct wire_packet info = call_request(&confirmed, (enum dialog_side)side, "INFO");
        call_respond(&confirmed, &info, "200 OK", "");
        wire_take_all(wire, confirmed.sides[side].at, "SIP/2.0 200 ");
    }
    call_hang_up(&confirmed, DIALOG_CALLEE);
    call_hang_up(&early, DIALOG_CALLER);
    wire_expect_count(wire, COUNTER_DRAINED_NODE, 0);
}

static void test_peer(void **state)
{
    struct wire *wire = *state;
    struct call call;
    drain_peer(wire, IMAGE_CARRIER_A);
    expect_refused(wire, wire_carrier);
    wire_expect_count(wire, COUNTER_DRAINED_PEER, 7);
    wire_expect_count(wire, COUNTER_DRAINED_NODE, 0);
    call_init_outward(&call, wire, "other@drain"); // its members are another word: nobody said it here
    call_establish(&call);
    call_hang_up(&call, DIALOG_CALLER);
}

// All members out: 503, also where a peer whose members are all down is tried all the same.
static void test_all_members(void **state)
{
    static const uint32_t words[] = {MEMBER_DRAINING, MEMBER_DISABLED};
    struct wire *wire = *state;
    wire->image.peers[IMAGE_SBCS].flags |= PEER_FAIL_OPEN;
    for (unsigned i = 0; i < 2; i++) {
        wire->image.members[IMAGE_MEMBER_SBC1].flags = SNAPSHOT_PRESENT | words[i];
        wire->image.members[IMAGE_MEMBER_SBC2].flags = SNAPSHOT_PRESENT | words[i];
        wire_reload(wire);
        send_request(wire, wire_carrier, 2);
        struct wire_packet answer = wire_take(wire, wire_carrier);
        assert_starts(&answer, "SIP/2.0 503 ");
        assert_true(*header_of(&answer, "Retry-After") != '\0');
    }
}

// The second one is down, the first one drained: down ones are tried, a drained one is not.
static void test_fail_open_beside_a_drained_member(void **state)
{
    struct wire *wire = *state;
    struct call call;
    wire->image.peers[IMAGE_SBCS].flags |= PEER_FAIL_OPEN;
    wire->image.members[IMAGE_MEMBER_SBC1].flags |= MEMBER_DRAINING;
    wire_reload(wire);
    wire->workers[0]->parts.members[IMAGE_MEMBER_SBC2].health = MEMBER_DOWN;
    call_init(&call, wire, "open@drain");
    call.sides[DIALOG_CALLEE].at = wire_sbc2;
    call_invite(&call);
    call_answer(&call, "486 Busy Here");
    call_ack_refusal(&call);
    assert_int_equal(wire_take_all(wire, wire_sbc2, "ACK "), 1);
    wire->workers[0]->parts.members[IMAGE_MEMBER_SBC2].health = MEMBER_UNKNOWN;
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_node),        ON_WIRE(test_node_takes_calls_again),
        ON_WIRE(test_calls_go_on), ON_WIRE(test_peer),
        ON_WIRE(test_all_members), ON_WIRE(test_fail_open_beside_a_drained_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
