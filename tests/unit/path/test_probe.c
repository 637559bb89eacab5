// SPDX-License-Identifier: BSD-3-Clause
// Health of members: what a probe looks like, which answers count, how many in a row, and what a new
// configuration changes. The clock turns in steps of 100 ms.
#include <stdio.h>
#include <string.h>
#include "owner.h"
#include "probing.h"
#include "tests.h"

static void test_request(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    char expected[WIRE_TEXT_MAX];
    probing_begin(wire);
    assert_true(probing_next(wire, wire_sbc1, &probe) <= INTERVAL_MS + WALK_MS);
    const char *branch = strstr(probe.text, "branch=") + 7, *tag = strstr(probe.text, "tag=") + 4;
    const char *call_id = header_of(&probe, "Call-ID");
    snprintf(expected, sizeof(expected),
             "OPTIONS sip:10.20.0.11 SIP/2.0\r\nVia: SIP/2.0/UDP 10.20.0.10:5060;branch=%.41s\r\n"
             "Max-Forwards: 70\r\nFrom: <sip:probe@10.20.0.10>;tag=%.13s\r\nTo: <sip:10.20.0.11>\r\n"
             "Call-ID: %s\r\nCSeq: 1 OPTIONS\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n",
             branch, tag, call_id);
    assert_string_equal(probe.text, expected);
    assert_memory_equal(branch, "z9hG4bKdg", 9);
    probing_answer(wire, &probe, "200 OK");
    // Another From, another port, another Call-ID.
    probing_peer(wire)->probe_from = image_text(&wire->image, "sip:health@example.net");
    probing_member(wire, IMAGE_MEMBER_SBC1)->port = 5070;
    wire_reload(wire);
    struct endpoint at = wire_sbc1;
    at.port = 5070;
    struct wire_packet next;
    probing_next(wire, at, &next);
    assert_starts(&next, "OPTIONS sip:10.20.0.11:5070 SIP/2.0\r\n");
    assert_header(&next, "To", "<sip:10.20.0.11:5070>");
    assert_int_equal(strncmp(header_of(&next, "From"), "<sip:health@example.net>;tag=", 29), 0);
    assert_string_not_equal(header_of(&next, "Call-ID"), call_id);
    probing_end(wire);
}

// A probe that is not answered is repeated at T1 and 2*T1 like any request (timer E), and then no more.
static void test_repeated(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    probing_begin(wire);
    probing_next(wire, wire_sbc1, &probe);
    wire_pass(wire, 400);
    wire_expect_silence(wire);
    wire_pass(wire, 100);
    assert_string_equal(wire_take(wire, wire_sbc1).text, probe.text);
    wire_pass(wire, 1000);
    assert_string_equal(wire_take(wire, wire_sbc1).text, probe.text);
    wire_pass(wire, INTERVAL_MS - 1600);
    wire_expect_silence(wire);
    assert_int_equal(probing_words(wire, IMAGE_MEMBER_SBC1)->probes, 1);
    assert_int_equal(probing_words(wire, IMAGE_MEMBER_SBC1)->probes_failed, 1);
    probing_end(wire);
}

static const struct {
    const char *name;
    const char *answer;
    bool good;
    uint16_t reason;
} answers[] = {
    {"200", "200 OK", true, 0},
    {"other 2xx", "299 Fine", true, 0},
    {"accepted", "404 Not Found", true, 0},
    {"the second one that is accepted", "486 Busy Here", true, 0},
    {"not accepted", "403 Forbidden", false, 403},
    {"redirected", "302 Moved Temporarily", false, 302},
    {"unavailable", "503 Service Unavailable", false, 503},
    {"global failure", "603 Decline", false, 603},
    {"nothing but 100", "100 Trying", false, 0},
    {"silence", SILENCE, false, 0},
};

static void test_answers(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < RTE_DIM(answers); i++) {
        probing_begin(wire);
        probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UNKNOWN);
        for (unsigned n = 0; n < 3; n++)
            probing_one(wire, wire_sbc1, answers[i].answer);
        const struct counters_member *words = probing_words(wire, IMAGE_MEMBER_SBC1);
        if (words->health != (answers[i].good ? MEMBER_UP : MEMBER_DOWN) ||
            words->reason != answers[i].reason || words->probes_failed != (answers[i].good ? 0 : 3))
            fail_msg("%s: health %u, reason %u, %u failed", answers[i].name, words->health, words->reason,
                     words->probes_failed);
        probing_end(wire);
        wire->parts[0].members[IMAGE_MEMBER_SBC1] = (struct counters_member){0};
    }
}

// down_after 3, up_after 2. Behind each answer: health.
static const struct {
    const char *name;
    struct {
        const char *answer;
        enum member_health then;
    } steps[10];
} rows[] = {
    {"up at once", {{G, MEMBER_UP}}},
    {"down after three", {{B, MEMBER_UNKNOWN}, {B, MEMBER_UNKNOWN}, {B, MEMBER_DOWN}}},
    {"three in a row only",
     {{B, MEMBER_UNKNOWN},
      {B, MEMBER_UNKNOWN},
      {G, MEMBER_UP},
      {B, MEMBER_UP},
      {B, MEMBER_UP},
      {B, MEMBER_DOWN}}},
    {"up again after two",
     {{B, MEMBER_UNKNOWN}, {B, MEMBER_UNKNOWN}, {B, MEMBER_DOWN}, {G, MEMBER_DOWN}, {G, MEMBER_UP}}},
    {"two in a row only",
     {{B, MEMBER_UNKNOWN},
      {B, MEMBER_UNKNOWN},
      {B, MEMBER_DOWN},
      {G, MEMBER_DOWN},
      {B, MEMBER_DOWN},
      {G, MEMBER_DOWN},
      {G, MEMBER_UP}}},
    {"one that flaps changes nothing",
     {{G, MEMBER_UP}, {B, MEMBER_UP}, {B, MEMBER_UP}, {G, MEMBER_UP}, {B, MEMBER_UP}, {B, MEMBER_UP}}},
};

static void test_in_a_row(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < RTE_DIM(rows); i++) {
        probing_begin(wire);
        wire_pass(wire, 100);
        for (unsigned step = 0; rows[i].steps[step].answer != NULL; step++) {
            probing_one(wire, wire_sbc1, rows[i].steps[step].answer);
            if (probing_words(wire, IMAGE_MEMBER_SBC1)->health != rows[i].steps[step].then)
                fail_msg("%s, step %u: health %u", rows[i].name, step,
                         probing_words(wire, IMAGE_MEMBER_SBC1)->health);
        }
        probing_end(wire);
        probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UNKNOWN);
    }
}

// The next change of member SBC1's worker.
static struct member_transition next_change(struct wire *wire)
{
    struct member_transitions *ring = &wire->workers[IMAGE_MEMBER_SBC1 % wire->count]->probes.transitions;
    assert_int_not_equal(ring->tail, ring->head);
    return ring->ring[ring->tail++ & (MEMBER_TRANSITIONS - 1)];
}

static void expect_change(struct wire *wire, enum member_health from, enum member_health to, uint16_t reason)
{
    struct member_transition change = next_change(wire);
    assert_int_equal(change.member, IMAGE_MEMBER_SBC1);
    assert_int_equal(change.peer, IMAGE_SBCS);
    assert_true(ip_equal(&change.address, &wire_sbc1.address));
    assert_int_equal(change.port, wire_sbc1.port);
    assert_int_equal(change.from, from);
    assert_int_equal(change.to, to);
    assert_int_equal(change.reason, reason);
    assert_int_equal(change.in_row, to == MEMBER_DOWN      ? 3
                                    : to == MEMBER_UNKNOWN ? 0
                                    : from == MEMBER_DOWN  ? 2
                                                           : 1);
}

// Each change is told once, however soon the next one comes, and the words say since when.
static void test_told(void **state)
{
    struct wire *wire = *state;
    const struct counters_member *words = probing_words(wire, IMAGE_MEMBER_SBC1);
    probing_begin(wire);
    probing_one(wire, wire_sbc1, G);
    uint64_t up_ms = words->health_since_ms;
    assert_int_equal(up_ms, wire->workers[0]->now_us / 1000);
    for (unsigned i = 0; i < 3; i++)
        probing_one(wire, wire_sbc1, B);
    assert_int_equal(words->reason, 503);
    assert_int_equal(words->health_since_ms, up_ms + 3 * INTERVAL_MS);
    probing_one(wire, wire_sbc1, "500 Oops");
    assert_int_equal(words->reason, 500); // of the last one, and still down since then
    assert_int_equal(words->health_since_ms, up_ms + 3 * INTERVAL_MS);
    probing_one(wire, wire_sbc1, G);
    probing_one(wire, wire_sbc1, G);
    assert_int_equal(words->reason, 0);
    expect_change(wire, MEMBER_UNKNOWN, MEMBER_UP, 0);
    expect_change(wire, MEMBER_UP, MEMBER_DOWN, 503);
    expect_change(wire, MEMBER_DOWN, MEMBER_UP, 0);
    probing_end(wire);
    expect_change(wire, MEMBER_UP, MEMBER_UNKNOWN, 0);
    assert_int_equal(wire->workers[0]->probes.transitions.tail, wire->workers[0]->probes.transitions.head);
}

// A reader that is away: the ring keeps the oldest and counts the rest.
static void test_ring_full(void **state)
{
    struct wire *wire = *state;
    struct probes *probes = &wire->workers[0]->probes;
    probes->transitions.tail -= MEMBER_TRANSITIONS - 1;
    probing_begin(wire);
    probing_one(wire, wire_sbc1, G);
    assert_int_equal(probes->transitions.lost, 0);
    probing_end(wire); // up > unknown finds no room
    assert_int_equal(probes->transitions.lost, 1);
    assert_int_equal(probes->transitions.head - probes->transitions.tail, MEMBER_TRANSITIONS);
}

static const struct {
    uint8_t jitter;
    uint32_t least_ms, most_ms;
} jitters[] = {{0, 5000, 5000}, {20, 4000, 6000}, {50, 2500, 7500}};

static void test_jitter(void **state)
{
    struct wire *wire = *state;
    for (unsigned i = 0; i < RTE_DIM(jitters); i++) {
        uint32_t least = UINT32_MAX, most = 0;
        struct wire_packet probe;
        probing_peer(wire)->probe_jitter = jitters[i].jitter;
        probing_begin(wire);
        probing_next(wire, wire_sbc1, &probe);
        for (unsigned n = 0; n < 200; n++) {
            probing_answer(wire, &probe, G);
            uint32_t ms = probing_next(wire, wire_sbc1, &probe);
            least = RTE_MIN(least, ms);
            most = RTE_MAX(most, ms);
        }
        // Steps of 100 ms make each distance up to that much longer or shorter.
        assert_in_range(least, jitters[i].least_ms - 100, jitters[i].least_ms + jitters[i].jitter * 20);
        assert_in_range(most, jitters[i].most_ms - jitters[i].jitter * 20, jitters[i].most_ms + 100);
        probing_end(wire);
    }
}

// With the whole jitter a probe may come due before its predecessor is given up: they never overlap.
static void test_no_overlap(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    char last[64] = "";
    probing_peer(wire)->probe_jitter = 50;
    probing_begin(wire);
    probing_peer(wire)->probe_timeout_ms = INTERVAL_MS;
    wire_reload(wire);
    uint32_t waits = 0;
    for (uint32_t ms = 0; ms < 100 * INTERVAL_MS; ms += 100) {
        wire_pass(wire, 100);
        while (wire->out_count > 0) {
            probe = wire_take(wire, wire_sbc1);
            if (strcmp(header_of(&probe, "Call-ID"), last) != 0)
                waits = 0;
            snprintf(last, sizeof(last), "%s", header_of(&probe, "Call-ID"));
        }
        waits++;
        assert_in_range(wire->workers[0]->transactions.count, 0, 1);
    }
    const struct counters_member *words = probing_words(wire, IMAGE_MEMBER_SBC1);
    assert_in_range(words->probes - words->probes_failed, 0, 1);
    probing_end(wire);
}

static void test_late_answer(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    probing_begin(wire);
    probing_next(wire, wire_sbc1, &probe);
    wire_pass(wire, TIMEOUT_MS);
    wire_take_all(wire, wire_sbc1, PROBE);
    probing_answer(wire, &probe, G);
    assert_int_equal(probing_words(wire, IMAGE_MEMBER_SBC1)->probes_failed, 1);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UNKNOWN);
    wire_expect_count(wire, COUNTER_DROP_STRAY_RESPONSE, 1);
    // One that is repeated counts once.
    for (unsigned i = 0; i < 2; i++)
        probing_one(wire, wire_sbc1, B);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_DOWN);
    probing_next(wire, wire_sbc1, &probe);
    probing_answer(wire, &probe, G);
    probing_answer(wire, &probe, G);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_DOWN);
    probing_end(wire);
}

static void test_forged_answer(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    probing_begin(wire);
    probing_next(wire, wire_sbc1, &probe);
    struct wire_packet forged = probe;
    char *letter = strstr(forged.text, "branch=") + 7 + COOKIE_BRANCH_LENGTH - 1;
    *letter = *letter == 'a' ? 'b' : 'a';
    probing_answer(wire, &forged, G);
    wire_expect_count(wire, COUNTER_DROP_FORGED_BRANCH, 1);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UNKNOWN);
    // Of an earlier one: its transaction is another one.
    probing_answer(wire, &probe, G);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UP);
    probing_end(wire);
}

// Each worker probes its own members, and their answers find it, whoever receives them.
static void test_two_workers(void **state)
{
    struct wire *wire = *state;
    probing_begin(wire);
    probing_member(wire, IMAGE_MEMBER_SBC2)->flags = SNAPSHOT_PRESENT;
    wire_reload(wire);
    for (unsigned i = 0; i < 20; i++) {
        struct wire_packet probe;
        probing_next(wire, wire_sbc1, &probe);
        unsigned owner = owner_of(siphash13(&wire->parts[0].keys.table, header_of(&probe, "Call-ID"),
                                            strlen(header_of(&probe, "Call-ID"))),
                                  2);
        assert_int_equal(owner, IMAGE_MEMBER_SBC1 % 2);
        wire_take_all(wire, wire_sbc2, PROBE);
        probing_answer(wire, &probe, G);
        wire_take_all(wire, wire_sbc2, PROBE);
    }
    wire_pass(wire, TIMEOUT_MS);
    assert_int_equal(wire->parts[1].members[IMAGE_MEMBER_SBC1].health, MEMBER_UP);
    assert_int_equal(wire->parts[0].members[IMAGE_MEMBER_SBC2].health, MEMBER_DOWN);
    assert_int_equal(wire->parts[0].members[IMAGE_MEMBER_SBC1].health, MEMBER_UNKNOWN);
    assert_int_equal(wire->parts[1].members[IMAGE_MEMBER_SBC2].health, MEMBER_UNKNOWN);
    wire_take_all(wire, wire_sbc1, PROBE);
    wire_take_all(wire, wire_sbc2, PROBE);
    // Every new call goes to the one that is up, whichever worker has it.
    for (unsigned i = 0; i < 10; i++) {
        char id[32];
        struct call call;
        snprintf(id, sizeof(id), "two-%u", i);
        call_init(&call, wire, id);
        call.sides[DIALOG_CALLEE].at = wire_sbc1;
        call_invite(&call);
        call_answer(&call, "486 Busy Here");
        call_take(&call, DIALOG_CALLEE, "ACK ");
        call_ack_refusal(&call);
        wire_take_all(wire, wire_sbc1, PROBE);
        wire_take_all(wire, wire_sbc2, PROBE);
    }
    probing_end(wire);
}

// fail_open false: 503 to the caller; true: as if all were up.
static void test_all_down(void **state)
{
    struct wire *wire = *state;
    struct call call;
    char text[WIRE_TEXT_MAX];
    probing_begin(wire);
    for (unsigned i = 0; i < 3; i++)
        probing_one(wire, wire_sbc1, B);
    call_init(&call, wire, "all-down");
    call_invite_text(&call, text);
    wire_send(wire, wire_carrier, text);
    struct wire_packet refusal = wire_take(wire, wire_carrier);
    assert_starts(&refusal, "SIP/2.0 503 ");
    call_hop(&call, DIALOG_CALLER, "ACK", text);
    probing_peer(wire)->flags |= PEER_FAIL_OPEN;
    wire_reload(wire);
    wire_turn(wire);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_DOWN);
    call_init(&call, wire, "all-open");
    call.sides[DIALOG_CALLEE].at = wire_sbc1;
    call_invite(&call);
    call_answer(&call, "486 Busy Here");
    call_take(&call, DIALOG_CALLEE, "ACK ");
    call_ack_refusal(&call);
    probing_end(wire);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_request),       ON_WIRE(test_repeated),   ON_WIRE(test_answers),
        ON_WIRE(test_in_a_row),      ON_WIRE(test_told),       ON_WIRE(test_ring_full),
        ON_WIRE(test_jitter),        ON_WIRE(test_no_overlap), ON_WIRE(test_late_answer),
        ON_WIRE(test_forged_answer), ON_TWO(test_two_workers), ON_WIRE(test_all_down),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
