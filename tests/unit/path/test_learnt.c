// SPDX-License-Identifier: BSD-3-Clause
// What a worker learns of who sends and of what its frames begin with lasts as long as the tables that it
// comes from, and not a message longer.
#include <stdio.h>
#include "tests.h"

// Answered at once, statelessly, to where it comes from.
static void ask(struct wire *wire, struct endpoint from)
{
    static unsigned serial;
    char text[512];
    snprintf(text, sizeof(text),
             "OPTIONS sip:10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP nowhere.example;rport;branch=z9hG4bK%u\r\n"
             "From: <sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: %u@learnt\r\nCSeq: 1 OPTIONS\r\n\r\n",
             serial, serial);
    serial++;
    wire_send(wire, from, text);
}

// With the address that it came from (RFC 3261 18.2.1), whoever sent before.
static void expect_answer(struct wire *wire, struct endpoint to, const char *received)
{
    ask(wire, to);
    struct wire_packet answer = wire_take(wire, to);
    assert_memory_equal(answer.text, "SIP/2.0 200 ", 12);
    assert_non_null(strstr(answer.text, received));
}

static void test_by_turns(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < 3; i++) {
        expect_answer(wire, wire_carrier, ";received=10.10.1.1");
        expect_answer(wire, wire_carrier_b, ";received=10.10.2.1");
        struct endpoint elsewhere = wire_carrier;
        elsewhere.port = (uint16_t)(6000 + i);
        expect_answer(wire, elsewhere, ";received=10.10.1.1");
    }
    wire_expect_silence(wire);
}

// A table in the memory of the last one is another table.
static void test_neighbours(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < 4; i++) {
        expect_answer(wire, wire_carrier, ";received=10.10.1.1");
        uint64_t before = wire_count(wire, COUNTER_NEXT_HOP_ASKED);
        wire_ways_set(wire, &(struct wire_ways){.unresolved = wire_carrier.address});
        ask(wire, wire_carrier);
        wire_expect_silence(wire);
        wire_expect_count(wire, COUNTER_NEXT_HOP_ASKED, before + 1);
        wire_ways_set(wire, &(struct wire_ways){.mtu = 0});
    }
}

static void test_rules(void **state)
{
    struct wire *wire = *state;
    struct snapshot_source *source = &wire->image.sources[3];
    const struct ip_address carrier_b = source->address, near = wire->image.sources[5].address;
    for (unsigned i = 0; i < 4; i++) {
        struct counters_peer *peers = wire->workers[0]->parts.peers;
        uint64_t before = peers[IMAGE_CARRIER_A].requests[PEER_METHOD_OPTIONS];
        uint64_t before_b = peers[IMAGE_CARRIER_B].requests[PEER_METHOD_OPTIONS];
        expect_answer(wire, wire_carrier_b, ";received=10.10.2.1");
        assert_int_equal(peers[IMAGE_CARRIER_B].requests[PEER_METHOD_OPTIONS], before_b + 1);
        source->peer = IMAGE_CARRIER_A;
        wire_reload(wire);
        expect_answer(wire, wire_carrier_b, ";received=10.10.2.1");
        assert_int_equal(peers[IMAGE_CARRIER_A].requests[PEER_METHOD_OPTIONS], before + 1);
        source->address = image_address(0x0a0a6301);
        wire->image.sources[5].address = image_address(0x0a0a6300);
        wire_reload(wire);
        before = wire_count(wire, COUNTER_DROP_UNKNOWN_SOURCE);
        ask(wire, wire_carrier_b);
        ask(wire, wire_carrier_b);
        wire_expect_silence(wire);
        wire_expect_count(wire, COUNTER_DROP_UNKNOWN_SOURCE, before + 2);
        source->peer = IMAGE_CARRIER_B;
        source->address = carrier_b;
        wire->image.sources[5].address = near;
        wire_reload(wire);
    }
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {ON_WIRE(test_by_turns), ON_WIRE(test_neighbours), ON_WIRE(test_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
