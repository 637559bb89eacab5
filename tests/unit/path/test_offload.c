// SPDX-License-Identifier: BSD-3-Clause
// A NIC that checks and makes sums: what it says of those of received frames, and what is left to it.
#include <string.h>
#include "tests.h"

static const char options[] =
    "OPTIONS sip:10.10.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.1.1;branch=z9hG4bKx\r\n"
    "From: <sip:a@x>;tag=f\r\nTo: <sip:b@y>\r\nCall-ID: c@offload\r\nCSeq: 1 OPTIONS\r\n\r\n";

#define IP_SUM  24u
#define UDP_SUM 40u

enum damage { WHOLE, WRONG_IP, WRONG_UDP, NO_UDP };

// What the NIC says, how the frame is, and what becomes of it.
static const struct {
    const char *name;
    uint64_t says;
    enum damage damage;
    enum counter outcome; // COUNTER_COUNT: it is answered
} rows[] = {
    {"says nothing of a good one", 0, WHOLE, COUNTER_COUNT},
    {"says nothing of a bad one", 0, WRONG_UDP, COUNTER_DROP_UDP_HEADER},
    {"good: is not summed up again", RTE_MBUF_F_RX_L4_CKSUM_GOOD, WRONG_UDP, COUNTER_COUNT},
    {"never made: octets are right", RTE_MBUF_F_RX_L4_CKSUM_NONE, WRONG_UDP, COUNTER_COUNT},
    {"bad and bad", RTE_MBUF_F_RX_L4_CKSUM_BAD, WRONG_UDP, COUNTER_DROP_UDP_HEADER},
    {"bad, of a sender that makes none", RTE_MBUF_F_RX_L4_CKSUM_BAD, NO_UDP, COUNTER_COUNT},
    {"bad, and it is not", RTE_MBUF_F_RX_L4_CKSUM_BAD, WHOLE, COUNTER_COUNT},
    {"says nothing of a bad header", 0, WRONG_IP, COUNTER_DROP_IP_HEADER},
    {"good header: is not summed up again", RTE_MBUF_F_RX_IP_CKSUM_GOOD, WRONG_IP, COUNTER_COUNT},
    {"bad header", RTE_MBUF_F_RX_IP_CKSUM_BAD, WRONG_IP, COUNTER_DROP_IP_HEADER},
    {"good header, bad UDP", RTE_MBUF_F_RX_IP_CKSUM_GOOD, WRONG_UDP, COUNTER_DROP_UDP_HEADER},
};

static void test_received(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        uint8_t frame[WIRE_TEXT_MAX];
        uint32_t length = wire_frame(wire_carrier, options, sizeof(options) - 1, frame);
        if (rows[i].damage == WRONG_IP || rows[i].damage == WRONG_UDP)
            frame[rows[i].damage == WRONG_IP ? IP_SUM : UDP_SUM] ^= 1;
        if (rows[i].damage == NO_UDP)
            frame[UDP_SUM] = frame[UDP_SUM + 1] = 0;
        uint64_t before = rows[i].outcome == COUNTER_COUNT ? 0 : wire_count(wire, rows[i].outcome);
        wire->rx_flags = rows[i].says;
        wire_put_frame(wire, 0, frame, length);
        wire_turn(wire);
        bool answered = wire_take_all(wire, wire_carrier, "SIP/2.0 200 ") == 1;
        if (answered != (rows[i].outcome == COUNTER_COUNT))
            fail_msg("%s: answered %d", rows[i].name, answered);
        if (!answered && wire_count(wire, rows[i].outcome) != before + 1)
            fail_msg("%s: not counted so", rows[i].name);
    }
}

static void call(struct wire *wire, const char *id)
{
    struct call call;
    call_init(&call, wire, id);
    call_establish(&call);
    call_hang_up(&call, DIALOG_CALLER);
    wire_expect_silence(wire);
}

// Each combination of what a NIC can; wire_drain() makes what is left and then reads strictly.
static void test_sent(void **state)
{
    struct wire *wire = *state;
    for (uint8_t can = 0; can <= (WORKER_OFFLOAD_IP | WORKER_OFFLOAD_UDP); can++) {
        char id[] = "0@offload";
        id[0] = (char)('0' + can);
        wire->workers[0]->parts.offload[0] = can; // the other network's NIC can nothing
        wire->ip_sums = wire->udp_sums = 0;
        uint64_t sent = wire_count(wire, COUNTER_TX_PACKETS);
        call(wire, id);
        sent = wire_count(wire, COUNTER_TX_PACKETS) - sent;
        assert_int_equal(wire->ip_sums > 0, (can & WORKER_OFFLOAD_IP) != 0);
        assert_int_equal(wire->udp_sums > 0, (can & WORKER_OFFLOAD_UDP) != 0);
        assert_true(wire->ip_sums < sent && wire->udp_sums < sent);
    }
}

// A NIC whose buffers are powers of two puts a jumbo frame into two.
static void test_two_buffers(void **state)
{
    struct wire *wire = *state;
    static const uint32_t segments[] = {1, 13, 33, 34, 41, 42, 100, sizeof(options)};
    uint8_t frame[WIRE_TEXT_MAX];
    uint32_t length = wire_frame(wire_carrier, options, sizeof(options) - 1, frame);
    for (unsigned i = 0; i < RTE_DIM(segments); i++) {
        wire->rx_segment = segments[i];
        wire_put_frame(wire, 0, frame, length);
        wire_turn(wire);
        assert_int_equal(wire_take_all(wire, wire_carrier, "SIP/2.0 200 "), 1);
    }
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {ON_WIRE(test_received), ON_WIRE(test_sent), ON_WIRE(test_two_buffers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
