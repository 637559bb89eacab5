// SPDX-License-Identifier: BSD-3-Clause
// Bans of the software filter: as many as there may be, which change one at a time, and while a worker looks.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <urcu-qsbr.h>
#include <urcu-call-rcu.h>
#include "filter.h"

#define WORKERS 3u
#define MANY    PREFILTER_BANS_MAX
#define ROUNDS  20000u // of bans that begin and end while a worker looks
#define MOVING  64u    // different ones of these

static struct filter_bans *bans;

static int setup(void **state)
{
    static const struct siphash_key key = {{5, 6}};
    rcu_register_thread();
    rcu_thread_offline();
    bans = filter_bans_create(WORKERS, &key);
    return bans == NULL;
}

static int teardown(void **state)
{
    filter_bans_destroy(bans);
    rcu_barrier(); // what was to be freed later is freed
    rcu_unregister_thread();
    return 0;
}

// IPv4, and each third a prefix of IPv6.
static struct ban_source source_of(uint32_t number)
{
    struct ip_address address = IP_MAPPED(0x0a000000u + number);
    if (number % 3 == 0)
        address = (struct ip_address){
            {0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
    return ban_source(&address, 64);
}

static uint64_t until_of(uint32_t number)
{
    return (uint64_t)(number + 1) << 32;
}

static int put(uint32_t number)
{
    const struct ban_source source = source_of(number);
    return filter_bans_put(bans, &source, until_of(number));
}

static void take_away(uint32_t number)
{
    const struct ban_source source = source_of(number);
    filter_bans_remove(bans, &source);
}

static const struct filter_ban *find(uint32_t number)
{
    const struct ban_source source = source_of(number);
    return filter_ban_find(bans, &source);
}

static uint64_t hits(uint32_t number)
{
    const struct ban_source source = source_of(number);
    return filter_bans_hits(bans, &source);
}

// As a worker counts.
static void hit(uint32_t worker, uint32_t number, uint64_t packets)
{
    bans->hits[(size_t)worker * PREFILTER_BANS_MAX + find(number)->row] += packets;
}

static void fill(void)
{
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(put(i), 0);
}

static void all_are_found_and_no_other(void **state)
{
    fill();
    for (uint32_t i = 0; i < MANY; i++) {
        assert_non_null(find(i));
        assert_true(find(i)->until_ns == until_of(i));
        assert_null(find(MANY + i));
    }
}

static void one_more_than_there_may_be_is_refused(void **state)
{
    fill();
    assert_int_equal(put(MANY), -ENOSPC);
    assert_null(find(MANY));
    assert_int_equal(put(7), 0); // it is there already
    take_away(7);
    assert_int_equal(put(MANY), 0);
    assert_non_null(find(MANY));
    assert_int_equal(put(7), -ENOSPC);
}

// What changes one ban costs the same however many there are: all others stay where they lie.
static void the_others_are_left_alone(void **state)
{
    const void **before = calloc(MANY, sizeof(void *));
    assert_non_null(before);
    fill();
    for (uint32_t i = 0; i < MANY; i++)
        before[i] = find(i);
    for (uint32_t i = 0; i < MANY; i += 2)
        take_away(i);
    for (uint32_t i = 0; i < MANY; i += 4)
        assert_int_equal(put(i), 0);
    for (uint32_t i = 0; i < MANY; i++) {
        if (i % 2 == 1)
            assert_ptr_equal(find(i), before[i]);
        else
            assert_int_equal(find(i) != NULL, i % 4 == 0);
    }
    free(before);
}

static void rows_are_of_one_ban_each(void **state)
{
    uint8_t *seen = calloc(MANY, 1);
    assert_non_null(seen);
    fill();
    for (uint32_t i = 0; i < MANY; i += 3)
        take_away(i);
    for (uint32_t i = 0; i < MANY; i += 3)
        assert_int_equal(put(MANY + i), 0);
    for (uint32_t i = 0; i < MANY; i++) {
        const struct filter_ban *ban = find(i % 3 == 0 ? MANY + i : i);
        assert_in_range(ban->row, 0, MANY - 1);
        assert_int_equal(seen[ban->row]++, 0);
    }
    free(seen);
}

static void hits_are_of_all_workers_and_of_this_ban(void **state)
{
    const struct ban_source source = source_of(1);
    assert_int_equal(hits(1), 0);
    assert_true(filter_bans_hits(NULL, &source) == 0);
    assert_int_equal(put(1), 0);
    for (uint32_t worker = 0; worker < WORKERS; worker++)
        hit(worker, 1, worker + 5);
    assert_int_equal(hits(1), 5 + 6 + 7);
    assert_int_equal(filter_bans_put(bans, &source, 0), 0); // another end
    assert_true(find(1)->until_ns == 0);
    assert_int_equal(hits(1), 5 + 6 + 7);
    take_away(1);
    assert_int_equal(hits(1), 0);
    assert_int_equal(put(2), 0); // the row of the one that ended
    assert_int_equal(hits(2), 0);
    hit(1, 2, 1);
    assert_int_equal(hits(2), 1);
    take_away(1); // there is none
    assert_int_equal(hits(2), 1);
}

static void lengths_are_there_with_the_first_ban(void **state)
{
    const struct ban_lengths two = {1, 2, {64, 56}}, none = {0};
    assert_null(bans->lengths);
    assert_int_equal(filter_bans_look(bans, &two), 0);
    assert_memory_equal(bans->lengths, &two, sizeof(two));
    assert_int_equal(filter_bans_look(bans, &none), 0);
    assert_null(bans->lengths);
}

struct looks {
    atomic_bool stop;
    atomic_uint rounds;
    uint64_t found, torn, missed;
};

// A worker: quiescent once a turn. Number 0 is banned all the time.
static void *look(void *context)
{
    struct looks *looks = context;
    rcu_register_thread();
    while (!atomic_load(&looks->stop)) {
        looks->missed += find(0) == NULL;
        for (uint32_t i = 1; i <= MOVING; i++) {
            const struct ban_source source = source_of(i);
            const struct filter_ban *ban = filter_ban_find(bans, &source);
            looks->found += ban != NULL;
            looks->torn += ban != NULL && (ban->until_ns != until_of(i) || ban->row >= MANY ||
                                           !ban_source_equal(&ban->source, &source));
        }
        atomic_fetch_add(&looks->rounds, 1);
        rcu_quiescent_state();
    }
    rcu_unregister_thread();
    return NULL;
}

static void a_worker_sees_each_whole_or_not_at_all(void **state)
{
    struct looks looks = {.found = 0};
    pthread_t worker;
    assert_int_equal(put(0), 0);
    assert_int_equal(pthread_create(&worker, NULL, look, &looks), 0);
    for (uint32_t round = 0; round < ROUNDS || atomic_load(&looks.rounds) < 100; round++) {
        uint32_t number = 1 + round % MOVING;
        assert_int_equal(put(number), 0);
        assert_int_equal(put(0), 0); // its end moves
        if (round % 3 != 0)
            take_away(1 + (round + MOVING / 2) % MOVING);
    }
    atomic_store(&looks.stop, true);
    pthread_join(worker, NULL);
    assert_true(looks.found > 0);
    assert_int_equal(looks.torn, 0);
    assert_int_equal(looks.missed, 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(all_are_found_and_no_other),
        ROW(one_more_than_there_may_be_is_refused),
        ROW(the_others_are_left_alone),
        ROW(rows_are_of_one_ban_each),
        ROW(hits_are_of_all_workers_and_of_this_ban),
        ROW(lengths_are_there_with_the_first_ban),
        ROW(a_worker_sees_each_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
