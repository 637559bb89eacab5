// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wheel.h"

enum { RECORDS = 2000, OTHERS = 10, BATCH = 32 };

struct record {
    uint64_t before;
    struct wheel_node node;
};

struct clockwork {
    struct wheel wheel;
    struct record records[RECORDS];
    struct wheel_node others[OTHERS]; // a second class with another layout
};

static uint64_t random_word(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15ULL);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

static struct clockwork *make(tick_t now)
{
    struct clockwork *clockwork = calloc(1, sizeof(*clockwork));
    assert_non_null(clockwork);
    wheel_init(&clockwork->wheel, now);
    wheel_class_set(&clockwork->wheel, 0, clockwork->records, sizeof(struct record),
                    offsetof(struct record, node));
    wheel_class_set(&clockwork->wheel, 1, clockwork->others, sizeof(struct wheel_node), 0);
    for (unsigned i = 0; i < RECORDS; i++)
        wheel_node_init(&clockwork->records[i].node);
    for (unsigned i = 0; i < OTHERS; i++)
        wheel_node_init(&clockwork->others[i]);
    return clockwork;
}

// Turns until the wheel came to now. Returns the number of turns that this took; asserts that the time is
// bounded.
static unsigned turn_to(struct clockwork *clockwork, tick_t now, uint32_t *expired, unsigned *count)
{
    unsigned turns = 0;
    do {
        *count += wheel_advance(&clockwork->wheel, now, expired + *count, BATCH);
        assert_true(++turns < 1u << 25);
    } while (clockwork->wheel.now != now);
    return turns;
}

static void expires_at_its_tick(void **state)
{
    static const tick_t delays[] = {1,     2,     255,     4095,    4096,    4097,    8191,    8192,
                                    65537, 98765, 4194303, 4194304, 4194305, 5000000, 20000000};
    static const tick_t starts[] = {0, 1, 4095, 0xfffffff0u, 0xff3fffffu, 0x12345678};
    for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
        for (size_t d = 0; d < sizeof(delays) / sizeof(delays[0]); d++) {
            struct clockwork *clockwork = make(starts[s]);
            uint32_t expired[BATCH];
            unsigned count = 0;
            wheel_arm(&clockwork->wheel, WHEEL_HANDLE(1, 3), starts[s] + delays[d]);
            turn_to(clockwork, starts[s] + delays[d] - 1, expired, &count);
            assert_int_equal(count, 0);
            turn_to(clockwork, starts[s] + delays[d], expired, &count);
            assert_int_equal(count, 1);
            assert_int_equal(expired[0], WHEEL_HANDLE(1, 3));
            assert_int_equal(clockwork->wheel.armed, 0);
            assert_false(wheel_armed(&clockwork->others[3]));
            free(clockwork);
        }
    }
}

static void the_past_expires_at_the_next_tick(void **state)
{
    static const tick_t deadlines[] = {1000, 999, 1, 0, 0u - 5, 1000u - 0x7fffffffu};
    for (size_t d = 0; d < sizeof(deadlines) / sizeof(deadlines[0]); d++) {
        struct clockwork *clockwork = make(1000);
        uint32_t expired[BATCH];
        wheel_arm(&clockwork->wheel, WHEEL_HANDLE(0, 9), deadlines[d]);
        assert_int_equal(wheel_advance(&clockwork->wheel, 1000, expired, BATCH), 0);
        assert_int_equal(wheel_advance(&clockwork->wheel, 1001, expired, BATCH), 1);
        free(clockwork);
    }
}

static void cancelled_does_not_expire(void **state)
{
    struct clockwork *clockwork = make(0);
    uint32_t expired[BATCH];
    unsigned count = 0;
    for (uint32_t i = 0; i < 5; i++)
        wheel_arm(&clockwork->wheel, WHEEL_HANDLE(0, i), 300);
    wheel_cancel(&clockwork->wheel, WHEEL_HANDLE(0, 0)); // last of the list
    wheel_cancel(&clockwork->wheel, WHEEL_HANDLE(0, 4)); // first
    wheel_cancel(&clockwork->wheel, WHEEL_HANDLE(0, 2)); // middle
    wheel_cancel(&clockwork->wheel, WHEEL_HANDLE(0, 2)); // nothing happens
    assert_int_equal(clockwork->wheel.armed, 2);
    turn_to(clockwork, 1000, expired, &count);
    assert_int_equal(count, 2);
    assert_true((expired[0] == 1 && expired[1] == 3) || (expired[0] == 3 && expired[1] == 1));
    free(clockwork);
}

// A turn looks at no more nodes than it may take, also when they only move downwards.
static void a_turn_is_bounded(void **state)
{
    struct clockwork *clockwork = make(0);
    uint32_t *expired = calloc(RECORDS + BATCH, sizeof(*expired));
    unsigned count = 0;
    for (uint32_t i = 0; i < RECORDS; i++)
        wheel_arm(&clockwork->wheel, WHEEL_HANDLE(0, i), 65536 + 100); // one slot of level 1
    turn_to(clockwork, 65535, expired, &count);
    unsigned turns = turn_to(clockwork, 65536, expired, &count);
    assert_int_equal(count, 0);
    assert_in_range(turns, RECORDS / BATCH, RECORDS / BATCH + 2);
    turns = turn_to(clockwork, 65536 + 100, expired, &count);
    assert_int_equal(count, RECORDS);
    assert_in_range(turns, RECORDS / BATCH, RECORDS / BATCH + 2);
    free(expired);
    free(clockwork);
}

// After a pause of hours every turn still has its bound: 256 ticks. An empty wheel jumps.
static void a_long_pause_is_made_up_in_slices(void **state)
{
    struct clockwork *clockwork = make(0);
    uint32_t expired[BATCH];
    unsigned count = 0;
    wheel_arm(&clockwork->wheel, 7, 360000 * 3);
    assert_int_equal(wheel_advance(&clockwork->wheel, 360000 * 3, expired, BATCH), 0);
    assert_int_equal(clockwork->wheel.now, 256);
    turn_to(clockwork, 360000 * 3, expired, &count);
    assert_int_equal(count, 1);
    assert_int_equal(wheel_advance(&clockwork->wheel, 360000 * 9, expired, BATCH), 0);
    assert_int_equal(clockwork->wheel.now, 360000 * 9);
    assert_int_equal(wheel_advance(&clockwork->wheel, 360000 * 8, expired, BATCH), 0); // backwards: nothing
    assert_int_equal(clockwork->wheel.now, 360000 * 9);
    free(clockwork);
}

// What fell due in a pause of an hour is worked off in turns that each have their bound, in order of the
// ticks; who is armed again meanwhile waits for its own.
static void a_backlog_is_worked_off_in_slices(void **state)
{
    enum { PAUSE = 360000 };
    struct clockwork *clockwork = make(77);
    uint32_t expired[BATCH];
    tick_t deadlines[RECORDS];
    tick_t last = 77;
    unsigned count = 0;
    unsigned turns = 0;
    for (uint32_t i = 0; i < RECORDS; i++) {
        deadlines[i] = 77 + 1 + i * 7919 % PAUSE;
        wheel_arm(&clockwork->wheel, WHEEL_HANDLE(0, i), deadlines[i]);
    }
    for (; clockwork->wheel.now != 77 + PAUSE; turns++) {
        tick_t before = clockwork->wheel.now;
        unsigned found = wheel_advance(&clockwork->wheel, 77 + PAUSE, expired, BATCH);
        assert_true(found <= BATCH);
        assert_true(clockwork->wheel.now - before <= 256);
        for (unsigned n = 0; n < found; n++) {
            tick_t due = deadlines[expired[n]];
            assert_true(due >= last && due <= clockwork->wheel.now + 1);
            last = due;
            wheel_arm(&clockwork->wheel, expired[n], 77 + PAUSE + 5);
        }
        count += found;
    }
    assert_int_equal(count, RECORDS);
    // 256 ticks or 32 nodes a turn, and no node is looked at more than three times.
    assert_in_range(turns, PAUSE / 256, PAUSE / 256 + 3 * RECORDS / BATCH + 1);
    for (count = 0; clockwork->wheel.now != 77 + PAUSE + 5;)
        count += wheel_advance(&clockwork->wheel, 77 + PAUSE + 5, expired, BATCH);
    assert_int_equal(count, RECORDS);
    free(clockwork);
}

// Arming while a slot is being emptied in slices: what is new expires at its own tick, nothing is lost.
static void arming_between_slices(void **state)
{
    struct clockwork *clockwork = make(0);
    uint32_t *expired = calloc(RECORDS + BATCH, sizeof(*expired));
    unsigned count = 0;
    for (uint32_t i = 0; i < 1000; i++)
        wheel_arm(&clockwork->wheel, WHEEL_HANDLE(0, i), 8192 + i % 256);
    turn_to(clockwork, 8191, expired, &count);
    for (uint32_t i = 1000; i < 1020; i++) {
        assert_int_equal(wheel_advance(&clockwork->wheel, 8192, expired, 10), 0);
        assert_int_equal(clockwork->wheel.now, 8191);
        wheel_arm(&clockwork->wheel, WHEEL_HANDLE(0, i), 8192 + i % 256);
    }
    for (tick_t now = 8192; now < 8448; now++) {
        unsigned before = count;
        turn_to(clockwork, now, expired, &count);
        for (unsigned i = before; i < count; i++)
            assert_int_equal(8192 + expired[i] % 256, now);
    }
    assert_int_equal(count, 1020);
    free(expired);
    free(clockwork);
}

// What the model knows of each record: whether it is armed and until when.
struct model {
    bool armed[RECORDS];
    tick_t deadline[RECORDS];
    unsigned count;
};

static void random_changes(struct clockwork *clockwork, struct model *model, uint64_t *seed)
{
    static const tick_t spans[] = {4, 300, 4200, 70000, 1 << 22, 1 << 26};
    for (unsigned i = 0; i < 40; i++) {
        uint32_t index = (uint32_t)(random_word(seed) % RECORDS);
        if (random_word(seed) % 4 == 0) {
            wheel_cancel(&clockwork->wheel, WHEEL_HANDLE(0, index));
            model->count -= model->armed[index];
            model->armed[index] = false;
            continue;
        }
        tick_t span = spans[random_word(seed) % 6];
        model->deadline[index] = clockwork->wheel.now + (tick_t)(random_word(seed) % span);
        model->count += !model->armed[index];
        model->armed[index] = true;
        wheel_arm(&clockwork->wheel, WHEEL_HANDLE(0, index), model->deadline[index]);
    }
}

// Jumps from one tick to days; every expired node was due in the slice just passed, in order, and afterwards
// none is left that was due.
static void agrees_with_a_model(void **state)
{
    static const tick_t jumps[] = {1, 1, 3, 200, 5000, 300000};
    struct clockwork *clockwork = make(0xfff00000u);
    struct model *model = calloc(1, sizeof(*model));
    uint64_t seed = 5;
    tick_t target = 0xfff00000u;
    for (unsigned round = 0; round < 3000; round++) {
        random_changes(clockwork, model, &seed);
        target += 1 + (tick_t)(random_word(&seed) % jumps[random_word(&seed) % (round % 50 == 0 ? 6 : 5)]);
        while (clockwork->wheel.now != target) {
            uint32_t expired[BATCH];
            tick_t last = clockwork->wheel.now;
            unsigned max = 1 + (unsigned)(random_word(&seed) % BATCH);
            unsigned count = wheel_advance(&clockwork->wheel, target, expired, max);
            assert_true(count <= max);
            for (unsigned i = 0; i < count; i++) {
                uint32_t index = WHEEL_INDEX(expired[i]);
                tick_t due = model->deadline[index];
                assert_true(model->armed[index]);
                // One tick may be under way: then now is the tick before.
                assert_true((int32_t)(due - (clockwork->wheel.now + 1)) <= 0 && (int32_t)(due - target) <= 0);
                assert_true((int32_t)(due - last) >= 0 || (int32_t)(due - clockwork->wheel.now) <= 0);
                last = (int32_t)(due - last) > 0 ? due : last;
                model->armed[index] = false;
                model->count--;
            }
        }
        assert_int_equal(clockwork->wheel.armed, model->count);
        for (unsigned i = 0; i < RECORDS; i++)
            if (model->armed[i] && (int32_t)(model->deadline[i] - target) <= 0 &&
                clockwork->records[i].node.deadline != target)
                fail_msg("record %u was due at %u, now is %u", i, model->deadline[i], target);
    }
    free(model);
    free(clockwork);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expires_at_its_tick),
        cmocka_unit_test(the_past_expires_at_the_next_tick),
        cmocka_unit_test(cancelled_does_not_expire),
        cmocka_unit_test(a_turn_is_bounded),
        cmocka_unit_test(a_long_pause_is_made_up_in_slices),
        cmocka_unit_test(a_backlog_is_worked_off_in_slices),
        cmocka_unit_test(arming_between_slices),
        cmocka_unit_test(agrees_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
