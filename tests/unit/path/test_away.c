// SPDX-License-Identifier: BSD-3-Clause
// A network whose device is taken away for a while: nobody is in its driver, the other one goes on.
#include <string.h>
#include "away.h"
#include "tests.h"

static const char options[] =
    "OPTIONS sip:10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKaway%u\r\n"
    "From: <sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: c%u@away\r\nCSeq: 1 OPTIONS\r\n\r\n";

static void ask(struct wire *wire, struct endpoint from, unsigned number)
{
    char text[WIRE_TEXT_MAX];
    snprintf(text, sizeof(text), options, number, number);
    wire_send(wire, from, text);
}

static void set_away(struct wire *wire, unsigned networks)
{
    for (unsigned i = 0; i < WIRE_NETWORKS; i++)
        wire->published.ports[i] = wire->queue_rows[0][i].port;
    atomic_store(&wire->published.away, networks);
}

// What comes waits in the device, what would leave is refused and counted, and then all is as before.
static void test_away(void **state)
{
    struct wire *wire = *state;
    assert_true(away_is_heard(&wire->published, wire->count));
    set_away(wire, 1u << 0);
    assert_false(away_is_heard(&wire->published, wire->count));
    uint64_t received = wire_count(wire, COUNTER_RX_PACKETS);
    ask(wire, wire_carrier, 1);
    assert_true(away_is_heard(&wire->published, wire->count));
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_RX_PACKETS, received);
    // The other network's.
    struct call call;
    call_init_outward(&call, wire, "outward@away");
    char text[WIRE_TEXT_MAX];
    call_invite_text(&call, text);
    wire_send(wire, wire_sbc1, text);
    assert_int_equal(wire_take_all(wire, wire_sbc1, "SIP/2.0 100 "), 1);
    wire_expect_silence(wire);
    wire_expect_count(wire, COUNTER_TX_REFUSED, 1);
    set_away(wire, 0);
    wire_turn(wire);
    assert_true(away_is_heard(&wire->published, wire->count));
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 1);
    wire_pass(wire, 600); // timer A: the INVITE goes once more
    assert_int_equal(wire_take_all(wire, wire_carrier, "INVITE "), 1);
}

// Each worker has to hear.
static void test_two_workers(void **state)
{
    struct wire *wire = *state;
    set_away(wire, 3);
    worker_turn(wire->workers[0]);
    assert_false(away_is_heard(&wire->published, wire->count));
    worker_turn(wire->workers[1]);
    assert_true(away_is_heard(&wire->published, wire->count));
    set_away(wire, 2);
    assert_false(away_is_heard(&wire->published, wire->count));
    wire_turn(wire);
    assert_true(away_is_heard(&wire->published, wire->count));
    set_away(wire, 0);
    wire_turn(wire);
    ask(wire, wire_carrier, 1);
    assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 1);
}

// The device that comes back may be another port.
static void test_other_port(void **state)
{
    struct wire *wire = *state;
    struct worker *worker = wire->workers[0];
    uint16_t is = worker->queues[0].port;
    set_away(wire, 1u << worker->queues[0].network);
    wire_turn(wire);
    wire->published.ports[worker->queues[0].network] = 77;
    atomic_store(&wire->published.away, 0);
    away_heed(worker);
    assert_int_equal(worker->queues[0].port, 77);
    assert_true(worker->queues[1].port != 77);
    worker->queues[0].port = is;
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {ON_WIRE(test_away), ON_TWO(test_two_workers),
                                       ON_WIRE(test_other_port)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
