// SPDX-License-Identifier: BSD-3-Clause
// The token bucket: what a rate and a burst come to, what conforms, what a reload does, and what two CPUs may
// take.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdlib.h>
#include <cmocka.h>
#include "bucket.h"

#define S     BUCKET_NS_PER_S
#define START (1000 * S)

static void rules(void **state)
{
    static const struct {
        const char *name;
        uint32_t rate, burst;
        uint64_t interval_ns, tolerance_ns;
    } rows[] = {
        {"rate 0 lets nothing through", 0, 10, 0, 0},
        {"burst 0 lets nothing through", 10, 0, 0, 0},
        {"one a second", 1, 1, S, 0},
        {"one a second, ten at once", 1, 10, S, 9 * S},
        {"a carrier", 20000, 40000, 50000, 39999ull * 50000},
        {"rounds towards more", 3, 2, 333333333, 333333333},
        {"one a nanosecond", 1000000000, 5, 1, 4},
        {"more than the clock can tell", 4294967295u, 5, 1, 4},
        {"the longest does not overflow", 1, 4294967295u, S, 4294967294ull * S},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bucket_rule rule = bucket_rule(rows[i].rate, rows[i].burst);

        print_message("%s\n", rows[i].name);
        assert_int_equal(rule.interval_ns, rows[i].interval_ns);
        assert_int_equal(rule.tolerance_ns, rows[i].tolerance_ns);
    }
}

// How many of `tries` packets at one moment conform.
static unsigned granted(uint64_t *word, uint64_t now_ns, const struct bucket_rule *rule, unsigned tries)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < tries; i++)
        taken += bucket_take(word, now_ns, rule) == BUCKET_TAKEN;
    return taken;
}

static void bursts(void **state)
{
    static const struct {
        const char *name;
        uint32_t rate, burst;
        uint64_t later_ns; // after the bucket was emptied
        unsigned then;     // packets that conform then
    } rows[] = {
        {"nothing at once", 10, 5, 0, 0},
        {"nothing a nanosecond before the interval", 10, 5, S / 10 - 1, 0},
        {"one at the interval", 10, 5, S / 10, 1},
        {"one until the second interval", 10, 5, 2 * S / 10 - 1, 1},
        {"four after four intervals", 10, 5, 4 * S / 10, 4},
        {"never more than the burst", 10, 5, 3600 * S, 5},
        {"burst of one", 1, 1, S, 1},
        {"a long silence does not overflow", 1, 4000000000u, 2 * S, 2},
        {"rate 0", 0, 5, S, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bucket_rule rule = bucket_rule(rows[i].rate, rows[i].burst);
        uint64_t word = START + rule.tolerance_ns + rule.interval_ns;

        print_message("%s\n", rows[i].name);
        assert_int_equal(granted(&word, START, &rule, 3), 0);
        assert_int_equal(granted(&word, START + rows[i].later_ns, &rule, 20), rows[i].then);
    }
}

static void full_from_zero(void **state)
{
    struct bucket_rule rule = bucket_rule(10, 7);
    uint64_t word = 0;

    assert_int_equal(granted(&word, START, &rule, 100), 7);
    assert_int_equal(word, START + 7 * rule.interval_ns);
}

static void empty_is_not_written(void **state)
{
    struct bucket_rule rule = bucket_rule(10, 7);
    uint64_t empty = START + rule.tolerance_ns + rule.interval_ns;
    uint64_t word = empty;

    assert_int_equal(bucket_take(&word, START, &rule), BUCKET_EMPTY);
    assert_int_equal(word, empty);
}

// A word from a slower rule: one packet passes, then the new rule holds from an empty bucket.
static void reload_to_a_faster_rule(void **state)
{
    struct bucket_rule slow = bucket_rule(1, 1000), fast = bucket_rule(100, 10);
    uint64_t word = 0;

    assert_int_equal(granted(&word, START, &slow, 2000), 1000);
    assert_int_equal(granted(&word, START, &fast, 10), 1);
    assert_int_equal(word, START + fast.tolerance_ns + fast.interval_ns);
    assert_int_equal(granted(&word, START + fast.interval_ns, &fast, 10), 1);
}

static void reload_to_a_slower_rule(void **state)
{
    struct bucket_rule fast = bucket_rule(100, 10), slow = bucket_rule(1, 2);
    uint64_t word = 0;

    assert_int_equal(granted(&word, START, &fast, 20), 10);
    // The 100 ms that the fast rule ran ahead leave room for one of the slow rule's two.
    assert_int_equal(granted(&word, START, &slow, 10), 1);
}

// Another CPU's clock reading was later than ours: no reason to let a packet through.
static void clocks_apart(void **state)
{
    struct bucket_rule rule = bucket_rule(100, 10);
    uint64_t word = 0;

    assert_int_equal(granted(&word, START + S / 2, &rule, 20), 10);
    assert_int_equal(granted(&word, START, &rule, 20), 0);
}

// Whatever comes, in t seconds at most burst + rate * t (+ 1 for rounding) pass; a source below the rate
// loses nothing.
static void long_run(void **state)
{
    struct bucket_rule rule = bucket_rule(1000, 50);
    uint64_t word = 0, now = START;
    unsigned greedy = 0, polite = 0;

    srand(20260101);
    for (unsigned i = 0; i < 200000; i++) {
        now += (uint64_t)(rand() % 100000);
        greedy += bucket_take(&word, now, &rule) == BUCKET_TAKEN;
    }
    uint64_t most = 50 + (now - START) / rule.interval_ns + 1;
    assert_true(greedy <= most);
    assert_true(greedy >= most - 2);
    word = 0;
    for (unsigned i = 0; i < 10000; i++) {
        now += rule.interval_ns;
        polite += bucket_take(&word, now, &rule) == BUCKET_TAKEN;
    }
    assert_int_equal(polite, 10000);
}

#define THREADS 4
#define TRIES   200000

static uint64_t shared_word;
static struct bucket_rule shared_rule;

static void *take_many(void *context)
{
    unsigned *taken = context;

    for (unsigned i = 0; i < TRIES; i++)
        *taken += bucket_take(&shared_word, START, &shared_rule) == BUCKET_TAKEN;
    return NULL;
}

// The clock stands still: together they get the burst and not one more, however they interleave.
static void cpus_share(void **state)
{
    pthread_t threads[THREADS];
    unsigned taken[THREADS] = {0}, sum = 0;

    shared_rule = bucket_rule(1000, 100000);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &taken[i]), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += taken[i];
    }
    assert_int_equal(sum, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(bursts),
        cmocka_unit_test(full_from_zero),
        cmocka_unit_test(empty_is_not_written),
        cmocka_unit_test(reload_to_a_faster_rule),
        cmocka_unit_test(reload_to_a_slower_rule),
        cmocka_unit_test(clocks_apart),
        cmocka_unit_test(long_run),
        cmocka_unit_test(cpus_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
