// SPDX-License-Identifier: BSD-3-Clause
// The reader of captures' rings against a dataplane that writes what it should, and against one that does
// not.
#include "cmocka_first.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "capture_far.h"
#include "capture_ring.h"

struct world {
    struct capture_far far;
    struct capture_reader reader;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    char error[256];
    capture_far_open(&world->far, 2);
    *state = world;
    return capture_reader_open(&world->reader, world->far.fds, error, sizeof(error));
}

static int teardown(void **state)
{
    struct world *world = *state;
    capture_reader_close(&world->reader);
    capture_far_close(&world->far);
    free(world);
    return 0;
}

// The next record has this text, and is left behind.
static void expect(struct world *world, uint32_t worker, const char *text)
{
    static uint8_t octets[UINT16_MAX];
    struct capture_record record;
    assert_true(capture_reader_peek(&world->reader, worker, &record));
    assert_int_equal(record.length, strlen(text));
    capture_reader_take(&world->reader, worker, &record, octets);
    assert_memory_equal(octets, text, record.length);
    assert_int_equal(world->far.tails->rings[worker].tail, world->reader.position[worker]);
}

static void expect_none(struct world *world, uint32_t worker)
{
    struct capture_record record;
    assert_false(capture_reader_peek(&world->reader, worker, &record));
    assert_int_equal(world->reader.position[worker], world->far.file->rings[worker].head);
    assert_int_equal(world->far.tails->rings[worker].tail, world->reader.position[worker]);
}

static void test_order(void **state)
{
    struct world *world = *state;
    expect_none(world, 0);
    capture_far_put(&world->far, 0, capture_far_record(1, 1), "one");
    capture_far_put(&world->far, 1, capture_far_record(1, 1), "");
    capture_far_put(&world->far, 0, capture_far_record(1, 1), "three octets more");
    expect(world, 0, "one");
    expect(world, 0, "three octets more");
    expect_none(world, 0);
    expect(world, 1, "");
    expect_none(world, 1);
    assert_int_equal(world->reader.damaged, 0);
}

// Around the end of the ring, with every number of octets left before it.
static void test_wrap(void **state)
{
    struct world *world = *state;
    for (uint64_t left = 0; left <= 160; left += CAPTURE_STEP) {
        uint64_t position = 5 * (uint64_t)CAPTURE_RING_OCTETS - left;
        capture_far_skip(&world->far, 0, position);
        world->reader.position[0] = position;
        capture_far_put(&world->far, 0, capture_far_record(1, 1), "before or behind");
        capture_far_put(&world->far, 0, capture_far_record(1, 1), "behind");
        expect(world, 0, "before or behind");
        expect(world, 0, "behind");
        expect_none(world, 0);
    }
    assert_int_equal(world->reader.damaged, 0);
}

static void test_longest(void **state)
{
    struct world *world = *state;
    char *text = malloc(UINT16_MAX + 1u);
    memset(text, 'x', UINT16_MAX);
    text[UINT16_MAX] = '\0';
    capture_far_put(&world->far, 1, capture_far_record(1, 1), text);
    expect(world, 1, text);
    free(text);
}

// Each row is one record that is wrong; what comes behind it is read again.
static void damage(struct world *world, const char *name, struct capture_record record)
{
    struct capture_ring *ring = &world->far.file->rings[0];
    uint64_t damaged = world->reader.damaged, at = ring->head % CAPTURE_RING_OCTETS;
    memcpy(ring->octets + at, &record, sizeof(record));
    ring->head += 80;
    struct capture_record got;
    if (capture_reader_peek(&world->reader, 0, &got) || world->reader.damaged != damaged + 1)
        fail_msg("%s", name);
    expect_none(world, 0);
    capture_far_put(&world->far, 0, capture_far_record(1, 1), "sound");
    expect(world, 0, "sound");
}

static void test_wrong_records(void **state)
{
    struct world *world = *state;
    struct capture_record good = capture_far_record(1, 1), record;
    good.length = 5;
    good.size = 80;
#define ROW(field, value)                                                                                    \
    record = good;                                                                                           \
    record.field = value;                                                                                    \
    damage(world, #field " " #value, record)
    ROW(size, 0); // although the end of the ring is far
    ROW(size, 8);
    ROW(size, 72);
    ROW(size, 79);
    ROW(size, 88);
    ROW(size, UINT32_MAX);
    ROW(length, 0);
    ROW(length, 9);
    ROW(length, UINT16_MAX);
    ROW(outcome, COUNTER_COUNT);
    ROW(peer, PEERS_MAX);
    ROW(network, NETWORKS_MAX);
#undef ROW
    record = good;
    record.length = 9;
    record.size = 88;
    damage(world, "beyond the head", record);
}

static void test_wrong_heads(void **state)
{
    struct world *world = *state;
    struct capture_record record;
    static const uint64_t heads[] = {
        CAPTURE_RING_OCTETS + 8ull, 4, 84, UINT64_MAX, UINT64_MAX - 7, 1ull << 63};
    capture_far_put(&world->far, 0, capture_far_record(1, 1), "sound"); // 80 octets, as far as it goes
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        world->reader.position[0] = 0;
        capture_far_skip(&world->far, 0, heads[i]);
        assert_false(capture_reader_peek(&world->reader, 0, &record));
        assert_int_equal(world->reader.damaged, i + 1);
        expect_none(world, 0);
    }
    // A ring of skips.
    memset(world->far.file->rings[0].octets, 0, CAPTURE_RING_OCTETS);
    world->reader.position[0] = CAPTURE_RING_OCTETS - 8;
    capture_far_skip(&world->far, 0, CAPTURE_RING_OCTETS + 80ull);
    assert_false(capture_reader_peek(&world->reader, 0, &record));
    expect_none(world, 0);
    // The end of the ring lies behind the head.
    world->reader.position[0] = CAPTURE_RING_OCTETS - 80;
    capture_far_skip(&world->far, 0, CAPTURE_RING_OCTETS - 8ull);
    assert_false(capture_reader_peek(&world->reader, 0, &record));
    expect_none(world, 0);
}

static int open_fds(int file, int tails)
{
    struct capture_reader reader;
    char error[256] = "";
    const int fds[2] = {file, tails};
    int result = capture_reader_open(&reader, fds, error, sizeof(error));
    assert_true((result == 0) == (error[0] == '\0'));
    if (result == 0)
        capture_reader_close(&reader);
    return result;
}

static void test_open(void **state)
{
    struct world *world = *state;
    struct capture_far *far = &world->far;
    assert_int_equal(open_fds(far->fds[0], far->fds[1]), 0);
    assert_true(open_fds(far->fds[1], far->fds[0]) < 0);
    int plain = memfd_create("plain", MFD_CLOEXEC);
    assert_int_equal(ftruncate(plain, 64 << 20), 0);
    assert_true(open_fds(plain, far->fds[1]) < 0); // it could shrink under us
    assert_true(open_fds(far->fds[0], plain) < 0);
    close(plain);
    far->file->version++;
    assert_true(open_fds(far->fds[0], far->fds[1]) < 0);
    far->file->version--;
    far->file->magic++;
    assert_true(open_fds(far->fds[0], far->fds[1]) < 0);
    far->file->magic--;
    static const uint32_t workers[] = {0, 3, WORKERS_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
        far->file->workers = workers[i];
        assert_true(open_fds(far->fds[0], far->fds[1]) < 0);
    }
    far->file->workers = 2;
    // What was there before is nobody's.
    capture_far_put(far, 1, capture_far_record(1, 1), "old");
    capture_reader_close(&world->reader);
    char error[256];
    assert_int_equal(capture_reader_open(&world->reader, far->fds, error, sizeof(error)), 0);
    expect_none(world, 1);
}

static void test_count(void **state)
{
    struct world *world = *state;
    world->far.file->counts[3] = (struct capture_count){.serial = 9, .messages = 4, .lost = 2};
    assert_int_equal(capture_reader_count(&world->reader, 3, 9).lost, 2);
    assert_int_equal(capture_reader_count(&world->reader, 3, 8).lost, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_order),         TEST(test_wrap),        TEST(test_longest),
                                       TEST(test_wrong_records), TEST(test_wrong_heads), TEST(test_open),
                                       TEST(test_count)};
    return cmocka_run_group_tests_name("control capture ring", tests, NULL, NULL);
}
