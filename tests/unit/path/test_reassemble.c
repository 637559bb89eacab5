// SPDX-License-Identifier: BSD-3-Clause
// Datagrams in fragments, as hosts, networks and those who mean harm send them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "reassemble.h"

#define STEP 1480u

static struct reassembler set;
static uint64_t counters[COUNTER_COUNT];
static uint8_t datagram[65536];
static struct reassembled_datagram whole;
static uint64_t now;

static int setup(void **state)
{
    struct reassembly_memory *memory = calloc(REASSEMBLE_DATAGRAMS, sizeof(*memory));
    assert_non_null(memory);
    memset(counters, 0, sizeof(counters));
    reassemble_init(&set, memory, counters);
    for (uint32_t i = 0; i < sizeof(datagram); i++)
        datagram[i] = (uint8_t)(i * 7 + i / 256);
    now = 1000;
    *state = memory;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static struct fragment piece(uint32_t offset, uint32_t length, bool has_more)
{
    return (struct fragment){.source = ip_from_ipv4(0x0a000001),
                             .destination = ip_from_ipv4(0x0a000002),
                             .id = 1,
                             .next = 17,
                             .has_more = has_more,
                             .offset = offset,
                             .length = length,
                             .octets = datagram + offset};
}

static enum reassembled add(struct fragment fragment)
{
    return reassemble_add(&set, &fragment, now, &whole);
}

static void expect_whole(uint32_t length)
{
    assert_int_equal(whole.length, length);
    assert_memory_equal(whole.octets, datagram, length);
    assert_int_equal(whole.next, 17);
    assert_int_equal(set.count, 0);
    assert_int_equal(counters[COUNTER_REASSEMBLED], 1);
}

static void test_in_order(void **state)
{
    static const uint32_t lengths[] = {9, STEP, STEP + 1, 3000, 8192, 60000, REASSEMBLE_OCTETS};
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint32_t step = lengths[i] <= STEP ? 8 : STEP;
        if (lengths[i] == STEP)
            step = 16;
        counters[COUNTER_REASSEMBLED] = 0;
        for (uint32_t at = 0; at < lengths[i]; at += step) {
            bool is_last = at + step >= lengths[i];
            assert_int_equal(add(piece(at, is_last ? lengths[i] - at : step, !is_last)),
                             is_last ? REASSEMBLED_WHOLE : REASSEMBLED_NOT);
        }
        expect_whole(lengths[i]);
    }
}

static void test_reversed(void **state)
{
    assert_int_equal(add(piece(2960, 40, false)), REASSEMBLED_NOT);
    assert_int_equal(add(piece(1480, STEP, true)), REASSEMBLED_NOT);
    assert_int_equal(add(piece(0, STEP, true)), REASSEMBLED_WHOLE);
    expect_whole(3000);
}

static void test_any_order(void **state)
{
    uint32_t order[45], random = 1;
    for (unsigned run = 0; run < 50; run++) {
        for (uint32_t i = 0; i < 45; i++)
            order[i] = i;
        for (uint32_t i = 44; i > 0; i--) {
            random = random * 1103515245u + 12345;
            uint32_t other = random / 65536 % (i + 1), kept = order[i];
            order[i] = order[other];
            order[other] = kept;
        }
        counters[COUNTER_REASSEMBLED] = 0;
        for (uint32_t i = 0; i < 45; i++) {
            uint32_t at = order[i] * STEP;
            bool is_last = order[i] == 44;
            assert_int_equal(add(piece(at, is_last ? REASSEMBLE_OCTETS - at : STEP, !is_last)),
                             i == 44 ? REASSEMBLED_WHOLE : REASSEMBLED_NOT);
        }
        expect_whole(REASSEMBLE_OCTETS);
    }
}

// A router on the way cut each in two.
static void test_cut_again(void **state)
{
    for (uint32_t at = 0; at < 44 * STEP; at += STEP) {
        assert_int_equal(add(piece(at + 1472, 8, true)), REASSEMBLED_NOT);
        assert_int_equal(add(piece(at, 1472, true)), REASSEMBLED_NOT);
    }
    assert_int_equal(add(piece(44 * STEP, 395, false)), REASSEMBLED_WHOLE);
    expect_whole(44 * STEP + 395);
}

static void test_repeated(void **state)
{
    assert_int_equal(add(piece(0, STEP, true)), REASSEMBLED_NOT);
    assert_int_equal(add(piece(0, STEP, true)), REASSEMBLED_NOT);
    assert_int_equal(add(piece(8, 16, true)), REASSEMBLED_NOT); // the same octets: nothing is in doubt
    assert_int_equal(add(piece(2960, 40, false)), REASSEMBLED_NOT);
    assert_int_equal(add(piece(2960, 40, false)), REASSEMBLED_NOT);
    assert_int_equal(add(piece(1480, STEP, true)), REASSEMBLED_WHOLE);
    expect_whole(3000);
}

// RFC 5722: what contradicts itself is lost as a whole, with what still comes of it.
static void test_contradictions(void **state)
{
    static uint8_t other[65536];
    static const struct {
        const char *name;
        uint32_t offset, length;
        bool has_more;
        bool has_other_octets;
    } rows[] = {
        {"overlaps the one before", 1472, 16, true, false},
        {"lies in it with other octets", 8, 16, true, true},
        {"the same with other octets", 0, STEP, true, true},
        {"overlaps the one behind", 2952, 16, true, false},
        {"covers all there is", 0, 4000, true, false},
        {"goes beyond the end", 3000, 8, true, false},
        {"reaches the end and has more", 1480, 1520, true, false},
        {"another end, behind", 3000, 40, false, false},
        {"another end, before", 1480, 16, false, false},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fragment bad = piece(rows[i].offset, rows[i].length, rows[i].has_more);
        counters[COUNTER_REASSEMBLY_OVERLAP] = 0;
        assert_int_equal(add(piece(0, STEP, true)), REASSEMBLED_NOT);
        assert_int_equal(add(piece(2960, 40, false)), REASSEMBLED_NOT);
        if (rows[i].has_other_octets)
            bad.octets = other;
        if (add(bad) != REASSEMBLED_REFUSED || counters[COUNTER_REASSEMBLY_OVERLAP] != 1)
            fail_msg("%s", rows[i].name);
        assert_int_equal(add(piece(1480, STEP, true)), REASSEMBLED_REFUSED);
        assert_int_equal(counters[COUNTER_REASSEMBLY_OVERLAP], 1);
        now += REASSEMBLE_US;
        reassemble_expire(&set, now);
        assert_int_equal(set.count, 0);
        assert_int_equal(counters[COUNTER_REASSEMBLY_TIMED_OUT], 0); // it was counted already
    }
    // The end comes when more than that is there.
    assert_int_equal(add(piece(1480, STEP, true)), REASSEMBLED_NOT);
    assert_int_equal(add(piece(0, STEP - 3, false)), REASSEMBLED_REFUSED);
}

static void test_too_long(void **state)
{
    assert_int_equal(add(piece(65504, 12, false)), REASSEMBLED_REFUSED);
    assert_int_equal(counters[COUNTER_REASSEMBLY_TOO_LONG], 1);
    assert_int_equal(add(piece(0, STEP, true)), REASSEMBLED_REFUSED); // the rest of it
    struct fragment fragment = piece(65528, 65535, false);            // as far as the fields reach
    fragment.id = 2;
    assert_int_equal(add(fragment), REASSEMBLED_REFUSED);
    assert_int_equal(counters[COUNTER_REASSEMBLY_TOO_LONG], 2);
}

static void test_too_many(void **state)
{
    for (uint32_t i = 0; i < REASSEMBLE_PIECES; i++)
        assert_int_equal(add(piece(i * 8, 8, true)), REASSEMBLED_NOT);
    assert_int_equal(add(piece(REASSEMBLE_PIECES * 8, 8, false)), REASSEMBLED_REFUSED);
    assert_int_equal(counters[COUNTER_REASSEMBLY_PIECES], 1);
}

// A first fragment that leaves open whose it is. It harms nothing but itself.
static void test_tiny(void **state)
{
    static const uint8_t cut[16] = {17, 1}, fits[24] = {17, 1, 1, 12}, tcp[64] = {0};
    struct fragment fragment = piece(0, 7, false);
    assert_int_equal(add(fragment), REASSEMBLED_REFUSED);
    fragment = piece(0, 16, true);
    fragment.next = 60; // destination options up to the end
    fragment.octets = cut;
    assert_int_equal(add(fragment), REASSEMBLED_REFUSED);
    fragment.next = 44;
    assert_int_equal(add(fragment), REASSEMBLED_REFUSED);
    fragment.next = 6;
    fragment.octets = tcp;
    assert_int_equal(add(fragment), REASSEMBLED_REFUSED);
    assert_int_equal(counters[COUNTER_REASSEMBLY_TINY], 4);
    assert_int_equal(set.count, 0);
    fragment = piece(0, 24, true);
    fragment.next = 60;
    fragment.octets = fits;
    assert_int_equal(add(fragment), REASSEMBLED_NOT);
    fragment.next = 44; // what later ones say counts for nothing (RFC 8200 4.5)
    fragment.has_more = false;
    fragment.offset = 24;
    fragment.octets = datagram;
    assert_int_equal(add(fragment), REASSEMBLED_WHOLE);
    assert_int_equal(whole.next, 60);
    assert_int_equal(whole.length, 48);
}

static void test_times_out(void **state)
{
    assert_int_equal(add(piece(0, STEP, true)), REASSEMBLED_NOT);
    now += REASSEMBLE_US / 2;
    struct fragment other = piece(0, STEP, true);
    other.id = 2;
    assert_int_equal(add(other), REASSEMBLED_NOT);
    now += REASSEMBLE_US / 2 - 1;
    assert_false(reassemble_is_due(&set, now));
    now++;
    assert_true(reassemble_is_due(&set, now));
    reassemble_expire(&set, now);
    assert_int_equal(set.count, 1);
    assert_int_equal(counters[COUNTER_REASSEMBLY_TIMED_OUT], 1);
    assert_false(reassemble_is_due(&set, now));
    now += REASSEMBLE_US / 2;
    assert_true(reassemble_is_due(&set, now));
    // The number is used again: nothing of the old one is in the new one.
    reassemble_expire(&set, now);
    assert_int_equal(add(piece(1480, 20, false)), REASSEMBLED_NOT);
    assert_int_equal(add(piece(0, STEP, true)), REASSEMBLED_WHOLE);
    expect_whole(1500);
}

// Same number: of others.
static void test_keys(void **state)
{
    struct fragment fragment = piece(1480, 20, false);
    assert_int_equal(add(piece(0, STEP, true)), REASSEMBLED_NOT);
    fragment.source = ip_from_ipv4(0x0a000003);
    assert_int_equal(add(fragment), REASSEMBLED_NOT);
    fragment = piece(1480, 20, false);
    fragment.destination = (struct ip_address){{0x20, 1}};
    assert_int_equal(add(fragment), REASSEMBLED_NOT);
    fragment = piece(1480, 20, false);
    fragment.network = 1;
    assert_int_equal(add(fragment), REASSEMBLED_NOT);
    fragment = piece(1480, 20, false);
    fragment.id = 0x10001;
    assert_int_equal(add(fragment), REASSEMBLED_NOT);
    assert_int_equal(set.count, 5);
    assert_int_equal(add(piece(1480, 20, false)), REASSEMBLED_WHOLE);
}

static struct fragment of(uint16_t peer, uint32_t source, uint32_t id)
{
    struct fragment fragment = piece(0, STEP, true);
    fragment.peer = peer;
    fragment.source = ip_from_ipv4(source);
    fragment.id = id;
    return fragment;
}

// A flood costs its own source, then its own peer; the oldest goes.
static void test_floods(void **state)
{
    struct fragment kept = of(7, 0x0b000001, 1), first = of(1, 0x0a000001, 1);
    assert_int_equal(add(kept), REASSEMBLED_NOT);
    for (uint32_t id = 1; id <= 1000; id++, now++)
        assert_int_equal(add(of(1, 0x0a000001, id)), REASSEMBLED_NOT);
    assert_int_equal(set.count, 1 + REASSEMBLE_OF_SOURCE);
    assert_int_equal(counters[COUNTER_REASSEMBLY_OF_SOURCE], 1000 - REASSEMBLE_OF_SOURCE);
    for (uint32_t source = 0; source < 1000; source++, now++)
        assert_int_equal(add(of(1, 0x0a000100 + source, 1)), REASSEMBLED_NOT);
    assert_int_equal(set.count, 1 + REASSEMBLE_OF_PEER);
    assert_int_equal(counters[COUNTER_REASSEMBLY_OF_PEER],
                     1000 - (REASSEMBLE_OF_PEER - REASSEMBLE_OF_SOURCE));
    first.offset = 1480;
    kept.offset = 1480;
    kept.octets = first.octets = datagram + 1480;
    kept.has_more = first.has_more = false;
    assert_int_equal(add(kept), REASSEMBLED_WHOLE);
    assert_int_equal(add(first), REASSEMBLED_NOT); // it had been given up
    // Of many peers: the oldest of all.
    const uint16_t end = 100 + 3 * REASSEMBLE_DATAGRAMS;
    for (uint16_t peer = 100; peer < end; peer++, now++)
        assert_int_equal(add(of(peer, peer, 1)), REASSEMBLED_NOT);
    assert_int_equal(set.count, REASSEMBLE_DATAGRAMS);
    assert_int_equal(counters[COUNTER_REASSEMBLY_NO_ROOM], 2 * REASSEMBLE_DATAGRAMS + REASSEMBLE_OF_PEER);
    for (uint16_t peer = end - REASSEMBLE_DATAGRAMS; peer < end; peer++) {
        struct fragment rest = of(peer, peer, 1);
        rest.offset = 1480;
        rest.has_more = false;
        rest.octets = datagram + 1480;
        assert_int_equal(add(rest), REASSEMBLED_WHOLE);
    }
    assert_int_equal(set.count, 0);
}

// With the addresses of more peers than there is room for: a peer that has one datagram keeps its place.
static void test_flood_of_peers(void **state)
{
    struct fragment kept = of(7, 0x0b000001, 1);
    uint32_t id = 0;
    assert_int_equal(add(kept), REASSEMBLED_NOT);
    now++;
    for (; id < 1000; id++, now++) {
        uint16_t peer = (uint16_t)(100 + id % 10);
        assert_int_equal(add(of(peer, peer, id)), REASSEMBLED_NOT);
    }
    assert_int_equal(set.count, REASSEMBLE_DATAGRAMS);
    kept.offset = 1480;
    kept.octets = datagram + 1480;
    kept.has_more = false;
    assert_int_equal(add(kept), REASSEMBLED_WHOLE);
    assert_int_equal(whole.length, 2960);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {ROW(test_in_order),      ROW(test_reversed), ROW(test_any_order),
                                       ROW(test_cut_again),     ROW(test_repeated), ROW(test_contradictions),
                                       ROW(test_too_long),      ROW(test_too_many), ROW(test_tiny),
                                       ROW(test_times_out),     ROW(test_keys),     ROW(test_floods),
                                       ROW(test_flood_of_peers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
