// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>
#include "limit.h"

#define ROW LIMIT_PEER_IN(3)

static struct limits make(unsigned workers)
{
    struct limits limits = {.workers = workers};
    for (unsigned i = 0; i < workers; i++)
        limits.words[i] = calloc(LIMIT_ROWS, sizeof(struct limit_words));
    return limits;
}

static void drop(struct limits *limits)
{
    for (unsigned i = 0; i < limits->workers; i++)
        free(limits->words[i]);
}

// Calls let through of `calls` that come evenly over `ms`, each by the next worker.
static unsigned offer(struct limits *limits, const struct call_limit *limit, unsigned calls, uint64_t from_us,
                      unsigned ms)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < calls; i++) {
        limits->own = i % limits->workers;
        taken += limit_take(limits, ROW, limit, from_us + (uint64_t)i * ms * 1000 / calls);
    }
    return taken;
}

static void test_rate(void **state)
{
    static const uint32_t rates[] = {1, 10, 100, 1000};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct limits limits = make(2);
        struct call_limit limit = {.rate = rates[i], .burst = rates[i]};
        unsigned taken = offer(&limits, &limit, rates[i] * 20 * 30, 77777, 20000);
        // Over 20 s at thirty times the rate. The oldest slot's part is rounded up: of one call a second
        // every one waits 1.1 s.
        assert_in_range(taken, rates[i] * 20 * 90 / 100, rates[i] * 20 + rates[i]);
        drop(&limits);
    }
}

// Never more than the rate in any second, wherever it begins: all at once, then again when it may be.
static void test_any_second(void **state)
{
    struct limits limits = make(2);
    struct call_limit limit = {.rate = 100, .burst = 100};
    static uint32_t times[100000];
    unsigned count = 0;
    for (uint64_t now_us = 0; now_us < 5000000; now_us += 1000)
        for (unsigned i = 0; i < 5; i++) {
            limits.own = i % 2;
            if (limit_take(&limits, ROW, &limit, now_us + 1000000))
                times[count++] = (uint32_t)now_us;
        }
    unsigned worst = 0;
    for (unsigned first = 0, last = 0; last < count; last++) {
        while (times[last] - times[first] >= 1000000)
            first++;
        worst = last - first + 1 > worst ? last - first + 1 : worst;
    }
    // The oldest slot is taken to be even: what came at its end has gone a slot early at most.
    assert_in_range(worst, 100, 110);
    assert_in_range(count, 475, 610);
    drop(&limits);
}

static void test_burst(void **state)
{
    struct limits limits = make(1);
    struct call_limit limit = {.rate = 100, .burst = 10};
    assert_int_equal(offer(&limits, &limit, 50, 1000000, 1), 10);
    assert_int_equal(offer(&limits, &limit, 50, 1050000, 1), 0);
    assert_int_equal(offer(&limits, &limit, 50, 1100000, 1), 10);
    drop(&limits);
}

static void test_concurrent(void **state)
{
    struct limits limits = make(3);
    struct call_limit limit = {.concurrent = 7};
    assert_int_equal(offer(&limits, &limit, 30, 1000000, 1), 7);
    assert_int_equal(limit_held(&limits, ROW), 7);
    limits.own = 1;
    limit_release(&limits, ROW);
    assert_int_equal(offer(&limits, &limit, 30, 9000000, 1), 1);
    // Taken over from an earlier process: counted, never refused.
    limit_hold(&limits, ROW);
    assert_int_equal(limit_held(&limits, ROW), 8);
    assert_int_equal(offer(&limits, &limit, 3, 19000000, 1), 0);
    drop(&limits);
}

// Without a limit it is counted, so that one that comes later knows.
static void test_none(void **state)
{
    struct limits limits = make(2);
    struct call_limit none = {0}, limit = {.concurrent = 20};
    assert_int_equal(offer(&limits, &none, 20, 1000000, 1), 20);
    assert_int_equal(limit_rate(&limits, ROW, 1000000), 20);
    assert_int_equal(offer(&limits, &limit, 20, 1000000, 1), 0);
    assert_int_equal(limit_held(&limits, ROW), 20);
    assert_int_equal(limit_rate(&limits, ROW, 3000000), 0);
    drop(&limits);
}

static void test_untake(void **state)
{
    struct limits limits = make(1);
    struct call_limit limit = {.rate = 1, .burst = 1};
    assert_true(limit_take(&limits, ROW, &limit, 5000000));
    limit_untake(&limits, ROW, 5000000);
    assert_true(limit_take(&limits, ROW, &limit, 5000000));
    assert_false(limit_take(&limits, ROW, &limit, 5000000));
    limit_untake(&limits, ROW,
                 5100000); // in the next slot: the new call stays counted, the held one does not
    assert_int_equal(limit_held(&limits, ROW), 0);
    assert_int_equal(limit_rate(&limits, ROW, 5100000), 1);
    drop(&limits);
}

// The other rows are others' business.
static void test_rows(void **state)
{
    struct limits limits = make(1);
    static const uint32_t rows[] = {LIMIT_ALL,
                                    LIMIT_PEER_IN(0),
                                    LIMIT_PEER_IN(PEERS_MAX - 1),
                                    LIMIT_PEER_OUT(0),
                                    LIMIT_PEER_OUT(PEERS_MAX - 1),
                                    LIMIT_MEMBER(0),
                                    LIMIT_MEMBER(MEMBERS_MAX - 1)};
    struct call_limit one = {.concurrent = 1};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_true(rows[i] < LIMIT_ROWS && limit_take(&limits, rows[i], &one, 1));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_false(limit_take(&limits, rows[i], &one, 1));
    drop(&limits);
}

#define THREADS 4u
#define ROUNDS  200000u
static struct limits views[THREADS];
static uint32_t places = 2;
static uint32_t inside, most, entered;

// A thread is inside between its take and its release: never more of them than places.
static void *enter(void *argument)
{
    struct limits *limits = argument;
    struct call_limit limit = {.concurrent = places};
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!limit_take(limits, ROW, &limit, 1))
            continue;
        uint32_t now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        uint32_t seen = __atomic_load_n(&most, __ATOMIC_SEQ_CST);
        while (now > seen &&
               !__atomic_compare_exchange_n(&most, &seen, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
        __atomic_add_fetch(&entered, 1, __ATOMIC_SEQ_CST);
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        limit_release(limits, ROW);
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[THREADS];
    struct limits limits = make(THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        views[i] = limits;
        views[i].own = i;
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, enter, &views[i]), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(most <= places);
    assert_true(entered > ROUNDS / 10);
    assert_int_equal(limit_held(&limits, ROW), 0);
    drop(&limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rate),  cmocka_unit_test(test_any_second),
                                       cmocka_unit_test(test_burst), cmocka_unit_test(test_concurrent),
                                       cmocka_unit_test(test_none),  cmocka_unit_test(test_untake),
                                       cmocka_unit_test(test_rows),  cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
