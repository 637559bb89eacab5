// SPDX-License-Identifier: BSD-3-Clause
// What a new configuration, or want of room of our own, makes of probes.
#include "probing.h"
#include "tests.h"

static void test_disabled_and_draining(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    probing_begin(wire);
    probing_one(wire, wire_sbc1, G);
    probing_member(wire, IMAGE_MEMBER_SBC1)->flags |= MEMBER_DRAINING;
    wire_reload(wire);
    probing_one(wire, wire_sbc1, G);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UP);
    // Disabled while a probe waits: its answer is nobody's.
    probing_next(wire, wire_sbc1, &probe);
    probing_member(wire, IMAGE_MEMBER_SBC1)->flags |= MEMBER_DISABLED;
    wire_reload(wire);
    wire_pass(wire, 4 * INTERVAL_MS);
    wire_expect_silence(wire);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UNKNOWN);
    assert_int_equal(probing_words(wire, IMAGE_MEMBER_SBC1)->reason, 0);
    probing_answer(wire, &probe, G);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UNKNOWN);
    // Enabled again: within an interval.
    probing_member(wire, IMAGE_MEMBER_SBC1)->flags = SNAPSHOT_PRESENT;
    wire_reload(wire);
    assert_true(probing_next(wire, wire_sbc1, &probe) <= INTERVAL_MS + WALK_MS);
    probing_end(wire);
}

// What becomes of a member that is down when the configuration has it elsewhere: it begins anew.
static void test_moved(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    probing_begin(wire);
    for (unsigned i = 0; i < 3; i++)
        probing_one(wire, wire_sbc1, B);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_DOWN);
    wire_reload(wire); // the same again changes nothing
    wire_turn(wire);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_DOWN);
    probing_member(wire, IMAGE_MEMBER_SBC1)->port = 5070;
    wire_reload(wire);
    wire_turn(wire);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UNKNOWN);
    struct endpoint at = wire_sbc1;
    at.port = 5070;
    probing_next(wire, at, &probe);
    probing_answer(wire, &probe, G);
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UP);
    probing_end(wire);
}

// A longer interval holds from the next probe on, a shorter one at once.
static void test_interval_changes(void **state)
{
    struct wire *wire = *state;
    struct wire_packet probe;
    probing_begin(wire);
    probing_peer(wire)->probe_interval_ms = 600000;
    wire_reload(wire);
    wire_pass(wire, 2 * INTERVAL_MS);
    wire_take_all(wire, wire_sbc1, PROBE);
    probing_peer(wire)->probe_interval_ms = INTERVAL_MS;
    wire_reload(wire);
    // What is due within two intervals stays as it is; nothing is sent while the last one waits for its
    // answer.
    assert_true(probing_next(wire, wire_sbc1, &probe) <= 2 * INTERVAL_MS + WALK_MS);
    probing_end(wire);
}

// What we lack ourselves is not the member's fault.
static void test_no_room(void **state)
{
    struct wire *wire = *state;
    struct worker *worker = wire->workers[0];
    probing_begin(wire);
    probing_peer(wire)->probe_interval_ms = 2 * INTERVAL_MS;
    wire_reload(wire);
    probing_one(wire, wire_sbc1, G);
    wire_pass(wire, 6000); // timer K
    uint32_t free = worker->transactions.free;
    worker->transactions.free = INDEX_NONE;
    wire_pass(wire, 8 * INTERVAL_MS);
    wire_expect_silence(wire);
    worker->transactions.free = free;
    probing_expect(wire, IMAGE_MEMBER_SBC1, MEMBER_UP);
    assert_int_equal(probing_words(wire, IMAGE_MEMBER_SBC1)->probes, 1);
    assert_int_equal(probing_words(wire, IMAGE_MEMBER_SBC1)->probes_failed, 0);
    assert_true(wire_count(wire, COUNTER_TRANSACTION_FULL) >= 4);
    probing_one(wire, wire_sbc1, G);
    probing_end(wire);
}

int path_tests(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(test_disabled_and_draining),
        ON_WIRE(test_moved),
        ON_WIRE(test_interval_changes),
        ON_WIRE(test_no_room),
    };
    return cmocka_run_group_tests_name("probe-change", tests, NULL, NULL);
}
