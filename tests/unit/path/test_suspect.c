// SPDX-License-Identifier: BSD-3-Clause
// What strangers send that speaks for a ban, and what of it becomes a verdict.
#include <stdio.h>
#include <string.h>
#include "tests.h"

#define HEAD                                                                                                 \
    "Via: SIP/2.0/UDP 10.10.9.9:5060;branch=z9hG4bKs\r\nFrom: <sip:a@x>;tag=f\r\nCall-ID: s@suspect\r\n"     \
    "Max-Forwards: 70\r\n"
#define END "Content-Length: 0\r\n\r\n"

static unsigned verdicts(struct wire *wire, uint32_t rule)
{
    struct suspect_verdict rows[SUSPECT_VERDICTS];
    unsigned count = suspect_take(&wire->workers[0]->suspects, rows, SUSPECT_VERDICTS);
    const struct ip_address stranger = IP_MAPPED(0x0a0a0909u);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(rows[i].rule, rule);
        assert_true(ip_equal(&rows[i].source.address, &stranger));
        assert_int_equal(rows[i].source.length, 128);
    }
    return count;
}

#define NO_SIGN BAN_RULE_COUNT
static const struct {
    const char *name;
    const char *text;
    unsigned rule;
} rows[] = {
    {"OPTIONS", "OPTIONS sip:x@10.10.0.10 SIP/2.0\r\n" HEAD "To: <sip:b@y>\r\nCSeq: 1 OPTIONS\r\n" END,
     NO_SIGN},
    {"no header line",
     "OPTIONS sip:x@10.10.0.10 SIP/2.0\r\nno colon\r\n" HEAD "To: <sip:b@y>\r\nCSeq: 1 OPTIONS\r\n" END,
     BAN_RULE_MALFORMED},
    {"cut", "OPTIONS sip:x@10.10.0.10 SIP/2.0\r\n" HEAD, BAN_RULE_MALFORMED},
    {"nonsense", "HELO there", BAN_RULE_MALFORMED},
    {"keepalive", "\r\n\r\n", NO_SIGN},
    {"BYE", "BYE sip:x@10.10.0.10 SIP/2.0\r\n" HEAD "To: <sip:b@y>;tag=t\r\nCSeq: 2 BYE\r\n" END,
     BAN_RULE_IN_DIALOG},
    {"response", "SIP/2.0 200 OK\r\n" HEAD "To: <sip:b@y>;tag=t\r\nCSeq: 1 INVITE\r\n" END,
     BAN_RULE_IN_DIALOG},
    {"scanner",
     "OPTIONS sip:x@10.10.0.10 SIP/2.0\r\n" HEAD
     "To: <sip:b@y>\r\nUser-Agent: the Friendly-SCANNER of x\r\nCSeq: 1 OPTIONS\r\n" END,
     BAN_RULE_SCANNER},
    {"scanner by its compact neighbour",
     "REGISTER sip:10.10.0.10 SIP/2.0\r\nuser-agent:sipcli/v1.8\r\n" HEAD
     "To: <sip:b@y>\r\nCSeq: 1 REGISTER\r\n" END,
     BAN_RULE_SCANNER},
    {"a word that goes on is none",
     "OPTIONS sip:x@10.10.0.10 SIP/2.0\r\n" HEAD
     "To: <sip:b@y>\r\nUser-Agent: friendly-scanne\r\nCSeq: 1 OPTIONS\r\n" END,
     NO_SIGN},
    {"a body that says it",
     "OPTIONS sip:x@10.10.0.10 SIP/2.0\r\n" HEAD
     "To: <sip:b@y>\r\nCSeq: 1 OPTIONS\r\nContent-Length: 8\r\n\r\nsipcli/1",
     NO_SIGN},
};

static const enum counter signs[] = {COUNTER_SIGN_MALFORMED, COUNTER_SIGN_SCANNER, COUNTER_SIGN_IN_DIALOG};

static void test_signs(void **state)
{
    struct wire *wire = *state;
    uint64_t counted[BAN_RULE_COUNT] = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].name);
        wire_send(wire, wire_stranger, rows[i].text);
        wire_expect_silence(wire);
        if (rows[i].rule != NO_SIGN)
            counted[rows[i].rule]++;
        for (unsigned rule = 0; rule < BAN_RULE_COUNT; rule++)
            wire_expect_count(wire, signs[rule], counted[rule]);
        wire_pass(wire, 20000); // what was counted is over
        assert_int_equal(verdicts(wire, BAN_RULE_SCANNER), rows[i].rule == BAN_RULE_SCANNER);
    }
    wire_expect_count(wire, COUNTER_DROP_UNKNOWN_SOURCE, sizeof(rows) / sizeof(rows[0]));
}

static void send(struct wire *wire, unsigned n, const char *text)
{
    for (unsigned i = 0; i < n; i++)
        wire_send(wire, wire_stranger, text);
}

// Three within ten seconds.
static void test_count_and_time(void **state)
{
    struct wire *wire = *state;
    send(wire, 2, "HELO there");
    wire_pass(wire, 11000);
    send(wire, 2, "HELO there");
    assert_int_equal(verdicts(wire, BAN_RULE_MALFORMED), 0);
    send(wire, 1, "HELO there");
    assert_int_equal(verdicts(wire, BAN_RULE_MALFORMED), 1);
    send(wire, 2, "HELO there");
    assert_int_equal(verdicts(wire, BAN_RULE_MALFORMED), 0); // counted anew
}

static void test_rule_is_off(void **state)
{
    struct wire *wire = *state;
    wire->image.header.settings.bans.rules[BAN_RULE_MALFORMED].action = BAN_OFF;
    wire_reload(wire);
    send(wire, 5, "HELO there");
    wire_expect_count(wire, COUNTER_SIGN_MALFORMED, 0);
    assert_int_equal(verdicts(wire, BAN_RULE_MALFORMED), 0);
}

// Whatever a peer sends.
static void test_peers_are_none(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < 5; i++)
        wire_send(wire, wire_carrier,
                  "ACK sip:x@10.10.0.10 SIP/2.0\r\nUser-Agent: sipcli\r\nno colon\r\n\r\n");
    wire_expect_count(wire, COUNTER_SIGN_MALFORMED, 0);
    wire_expect_count(wire, COUNTER_SIGN_SCANNER, 0);
    assert_int_equal(verdicts(wire, 0), 0);
}

// An agent that does not read loses no verdict, and strangers cost what they may.
static void test_full_ring(void **state)
{
    struct wire *wire = *state;
    wire->image.header.settings.bans.rules[BAN_RULE_MALFORMED].count = 1;
    wire_reload(wire);
    for (unsigned i = 0; i < SUSPECT_VERDICTS + 10; i++) {
        wire_send(wire, wire_stranger, "HELO there");
        wire_pass(wire, 100);
    }
    assert_int_equal(verdicts(wire, BAN_RULE_MALFORMED), SUSPECT_VERDICTS);
    send(wire, 1, "HELO there");
    assert_int_equal(verdicts(wire, BAN_RULE_MALFORMED), 1);
}

static void test_flood_is_not_read(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < SUSPECT_LOOKS_A_TICK + 8; i++) {
        wire_put(wire, wire_stranger, "HELO there", 10);
        if (i % BURST == BURST - 1)
            wire_turn(wire);
    }
    // Turns may fall into two ticks.
    assert_in_range(wire_count(wire, COUNTER_SIGN_MALFORMED), SUSPECT_LOOKS_A_TICK, SUSPECT_LOOKS_A_TICK + 8);
    wire_turn(wire);
    wire_expect_count(wire, COUNTER_DROP_UNKNOWN_SOURCE, SUSPECT_LOOKS_A_TICK + 8);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_signs),          ON_WIRE(test_count_and_time), ON_WIRE(test_rule_is_off),
        ON_WIRE(test_peers_are_none), ON_WIRE(test_full_ring),      ON_WIRE(test_flood_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
