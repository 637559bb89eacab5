// SPDX-License-Identifier: BSD-3-Clause
// When something is full, too long or not reachable: new calls are refused, old ones go on.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests.h"

static void refused_with_503(struct wire *wire, const char *id)
{
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, id);
    call_invite_text(&call, text);
    wire_send(wire, wire_carrier, text);
    struct wire_packet answer = wire_take(wire, wire_carrier);
    assert_starts(&answer, "SIP/2.0 503 Service Unavailable\r\n");
    assert_header(&answer, "Retry-After", "5");
    wire_expect_silence(wire);
}

static void test_dialogs_full(void **state)
{
    struct wire *wire = wire_open(&(struct wire_options){.dialogs = 4});
    struct call calls[4];
    for (unsigned i = 0; i < 4; i++) {
        char id[32];
        snprintf(id, sizeof(id), "full-%u@room", i);
        call_init(&calls[i], wire, id);
        call_establish(&calls[i]);
    }
    refused_with_503(wire, "one-more@room");
    wire_expect_count(wire, COUNTER_DIALOG_FULL, 1);
    wire_expect_count(wire, COUNTER_ANSWER_503, 1);
    assert_int_equal(wire->workers[0]->transactions.count, 8);
    for (unsigned i = 0; i < 4; i++) {
        call_request(&calls[i], DIALOG_CALLEE, "INFO");
        call_hang_up(&calls[i], DIALOG_CALLER);
    }
    call_init(&calls[0], wire, "again@room");
    call_establish(&calls[0]);
    wire_close(wire);
}

static void test_transactions_full(void **state)
{
    for (unsigned capacity = 2; capacity < 4; capacity++) { // the server's or the client's finds no place
        struct wire *wire = wire_open(&(struct wire_options){.transactions = capacity});
        struct call call;
        call_init(&call, wire, "full@room");
        call_establish(&call);
        refused_with_503(wire, "one-more@room");
        wire_expect_count(wire, COUNTER_TRANSACTION_FULL, 1);
        call_request(&call, DIALOG_CALLER, "INFO");
        call_hang_up(&call, DIALOG_CALLEE);
        wire_close(wire);
    }
}

// The k-th request for memory fails, for every k that a call comes to.
static void test_arena_full(void **state)
{
    uint64_t refused = 1;
    for (int64_t k = 0; refused > 0; k++) {
        struct wire *wire = wire_open(&(struct wire_options){0});
        struct arena *arena = &wire->workers[0]->arena;
        struct call call;
        char text[WIRE_TEXT_MAX];
        call_init(&call, wire, "arena@room");
        arena->fail_at = k;
        call_invite_text(&call, text);
        wire_send(wire, wire_carrier, text);
        if (wire_take_all(wire, wire_carrier, "SIP/2.0 503 ") == 0) {
            assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), 1);
            call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
            call_answer(&call, "180 Ringing");
            call_answer(&call, "200 OK"); // goes on, whatever cannot be kept
            call_request(&call, DIALOG_CALLER, "ACK");
            call_hang_up(&call, DIALOG_CALLER);
        }
        wire_expect_silence(wire);
        refused = arena->refused;
        wire_close(wire);
        assert_true(k < 100);
    }
}

static void test_pool_empty(void **state)
{
    static struct rte_mbuf *mbufs[WIRE_MBUFS_MAX];
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "pool@room");
    call_invite_text(&call, text);
    // 0: nothing can leave; 1: the INVITE goes, its 100 does not.
    for (unsigned spare = 0; spare < 2; spare++) {
        wire_put(wire, wire_carrier, text, (uint32_t)strlen(text));
        unsigned n = wire_take_mbufs(mbufs, spare);
        wire_turn(wire);
        rte_pktmbuf_free_bulk(mbufs, n);
        if (spare == 0) {
            wire_expect_silence(wire);
            wire_expect_count(wire, COUNTER_DROP_NO_MBUF, 1);
            assert_int_equal(wire->workers[0]->transactions.count, 0);
            assert_int_equal(wire->workers[0]->dialogs.count, 0);
        }
    }
    call.invite = wire_take(wire, call.sides[DIALOG_CALLEE].at);
    wire_expect_silence(wire);
    // The 180 is lost, its repetition passes.
    call_init(&call, wire, "pool-2@room");
    call_invite(&call);
    unsigned n = wire_take_mbufs(mbufs, 1);
    call_respond(&call, &call.invite, "180 Ringing", "t");
    rte_pktmbuf_free_bulk(mbufs, n);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_NO_MBUF, 2);
    call_answer(&call, "180 Ringing");
    call_answer(&call, "486 Busy Here");
    assert_int_equal(wire_take_all(wire, call.sides[DIALOG_CALLEE].at, "ACK "), 1);
}

static void test_larger_than_the_mtu(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    wire->workers[0]->parts.large = NULL; // what has no such buffers sends no fragments
    call_init(&call, wire, "mtu@room");
    call_invite_text(&call, text);
    wire_ways_set(wire, &(struct wire_ways){.mtu = (uint16_t)(strlen(text) + 28 + 100)});
    wire_send(wire, wire_carrier, text);
    struct wire_packet answer = wire_take(wire, wire_carrier);
    assert_starts(&answer, "SIP/2.0 513 Message Too Large\r\n"); // we add more than 100 octets
    wire_expect_silence(wire);
    assert_int_equal(wire->workers[0]->dialogs.count, 0);
    assert_int_equal(wire->workers[0]->transactions.count, 0);
    wire_ways_set(wire, &(struct wire_ways){0});
    call_establish(&call);
    char extra[1200] = "Subject: ";
    memset(extra + 9, 'x', 900);
    strcpy(extra + 909, "\r\n");
    call.extra = extra;
    wire_ways_set(wire, &(struct wire_ways){.mtu = 1000});
    call_request_text(&call, DIALOG_CALLER, "INFO", text);
    wire_send(wire, wire_carrier, text);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 513 "), 1);
    call_request_text(&call, DIALOG_CALLER, "ACK", text);
    wire_send(wire, wire_carrier, text);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_TOO_LONG, 1);
    call.extra = NULL;
    call_hang_up(&call, DIALOG_CALLER);
    wire_ways_set(wire, &(struct wire_ways){.mtu = 20}); // no room for anything: nothing wraps around
    call_request_text(&call, DIALOG_CALLER, "INFO", text);
    wire_send(wire, wire_carrier, text);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_TOO_LONG, 2);
}

static void test_neighbour_is_asked_for(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    call_init(&call, wire, "arp@room");
    struct endpoint sbc = call.sides[DIALOG_CALLEE].at;
    wire_ways_set(wire, &(struct wire_ways){.unresolved = sbc.address});
    call_invite_text(&call, text);
    wire_send(wire, wire_carrier, text);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 100 "), 1);
    wire_expect_silence(wire);
    assert_int_equal(wire_asked(wire), wire_ipv4(sbc));
    wire_expect_count(wire, COUNTER_NEXT_HOP_ASKED, 1);
    wire_ways_set(wire, &(struct wire_ways){0});
    wire_pass(wire, 600); // timer A
    call.invite = wire_take(wire, sbc);
    call_answer(&call, "200 OK");
    call_request(&call, DIALOG_CALLER, "ACK");
    // What has no transaction is lost and counted; its sender repeats it.
    wire_ways_set(wire, &(struct wire_ways){.unresolved = sbc.address});
    call_request_text(&call, DIALOG_CALLER, "BYE", text);
    wire_send(wire, wire_carrier, text);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_DROP_NO_NEXT_HOP, 1);
    assert_int_equal(wire_asked(wire), wire_ipv4(sbc));
    wire_ways_set(wire, &(struct wire_ways){.unrouted = 2});
    wire_send(wire, wire_carrier, text);
    wire_expect_silence(wire);
    assert_int_equal(wire_asked(wire), 0);
    wire_expect_count(wire, COUNTER_NEXT_HOP_UNROUTED, 1);
    wire_ways_set(wire, &(struct wire_ways){0});
    wire_send(wire, wire_carrier, text);
    assert_int_equal(wire_take_all(wire, sbc, "BYE "), 1);
}

static void test_tx_ring_full(void **state)
{
    struct wire *wire = *state;
    char text[512];
    for (unsigned i = 0; i < 40; i++) {
        for (unsigned k = 0; k < 20; k++) {
            snprintf(text, sizeof(text),
                     "OPTIONS sip:10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bK%u\r\nFrom: "
                     "<sip:a@x>;tag=1\r\n"
                     "To: <sip:b@y>\r\nCall-ID: %u@tx\r\nCSeq: 1 OPTIONS\r\n\r\n",
                     i * 20 + k, i * 20 + k);
            wire_put(wire, wire_carrier, text, (uint32_t)strlen(text));
        }
        worker_turn(wire->workers[0]);
        if (i % 4 == 3)
            wire_turn(wire);
        wire->out_count = 0;
    }
    wire_expect_count(wire, COUNTER_OUT_ANSWERED, 800);
    wire_expect_count(wire, COUNTER_TX_PACKETS, 800);
}

// A listener leaves the configuration while a transaction remembers it.
static void test_reload_without_a_listener(void **state)
{
    struct wire *wire = *state;
    struct call call;
    call_init(&call, wire, "reload@room");
    call_invite(&call);
    // Only the edge is left; the peers behind the other listener, and the routes to them, are gone.
    wire->image.header.sections[SECTION_LISTENERS].count = 1;
    wire->image.peers[IMAGE_SBCS].flags = 0;
    wire->image.members[IMAGE_MEMBER_SBC1].flags = wire->image.members[IMAGE_MEMBER_SBC2].flags = 0;
    wire->image.sources[1] = wire->image.sources[0];
    wire->image.sources[1].address = image_address(0x0a0a0102);
    wire->image.sources[2] = wire->image.sources[0];
    wire->image.sources[2].address = image_address(0x0a0a0103);
    wire->image.header.sections[SECTION_ROUTES].count = 1;
    memset(&wire->image.listeners[1], 0xff,
           sizeof(wire->image.listeners[1])); // what lies there is not to be read
    wire_reload(wire);
    wire_pass(wire, 31900);
    wire_expect_silence(wire); // the INVITE's repetitions have nowhere to leave from
    wire_pass(wire, 200);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 408 "), 1);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialogs_full), cmocka_unit_test(test_transactions_full),
        cmocka_unit_test(test_arena_full),   ON_WIRE(test_pool_empty),
        ON_WIRE(test_larger_than_the_mtu),   ON_WIRE(test_neighbour_is_asked_for),
        ON_WIRE(test_tx_ring_full),          ON_WIRE(test_reload_without_a_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
