// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "overload.h"

#define MARK_US 10000u

// Turns of one kind for so long. Returns the time afterwards.
static uint64_t turns(struct overload *overload, uint64_t now_us, uint32_t lasted_us, bool full,
                      uint64_t for_us)
{
    for (uint64_t end_us = now_us + for_us; now_us < end_us;) {
        now_us += lasted_us;
        overload_turn(overload,
                      &(struct overload_turn){.now_us = now_us, .lasted_us = lasted_us, .full = full},
                      MARK_US);
    }
    return now_us;
}

static void test_level(void **state)
{
    static const struct {
        const char *name;
        uint32_t used;
        uint32_t loss; // per cent
        bool behind;
    } rows[] = {{"empty", 0, 0, false},          {"at the mark", 900, 0, false},
                {"beyond it", 901, 100, true},   {"full", 1000, 100, true},
                {"at it again", 900, 100, true}, {"half of the way down", 810, 50, true},
                {"up again", 855, 75, true},     {"almost down", 721, 0, true},
                {"80 % of it", 720, 0, false},   {"not up from there", 890, 0, false}};
    struct overload overload = {0};
    uint64_t now_us = 1000000;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        overload_level(&overload, OVERLOAD_TRANSACTIONS, rows[i].used, 900);
        now_us = turns(&overload, now_us, 20, false, 20);
        if (overload.loss * 100 / OVERLOAD_ALL != rows[i].loss || (overload.reasons != 0) != rows[i].behind)
            fail_msg("%s: %u, reasons %u", rows[i].name, overload.loss * 100 / OVERLOAD_ALL,
                     overload.reasons);
        assert_int_equal(overload.now, rows[i].loss == 100 ? OVERLOAD_ALL : 0);
    }
    // The greater share counts, and one reason does not end another.
    overload_level(&overload, OVERLOAD_TRANSACTIONS, 901, 900);
    overload_level(&overload, OVERLOAD_TRANSACTIONS, 810, 900);
    overload_level(&overload, OVERLOAD_MBUFS, 5, 4);
    turns(&overload, now_us, 20, false, 20);
    assert_int_equal(overload.loss, OVERLOAD_ALL);
    assert_int_equal(overload.reasons, 1u << OVERLOAD_TRANSACTIONS | 1u << OVERLOAD_MBUFS);
    overload_level(&overload, OVERLOAD_MBUFS, 0, 4);
    turns(&overload, now_us, 20, false, 20);
    assert_int_equal(overload.loss * 100 / OVERLOAD_ALL, 50);
    assert_int_equal(overload.reasons, 1u << OVERLOAD_TRANSACTIONS);
}

static void test_queue(void **state)
{
    struct overload overload = {0};
    uint64_t now_us = turns(&overload, 1000000, 20, false, 200000);
    // A machine that takes the core away for a while, again and again: what lay in the queues is soon gone.
    for (unsigned i = 0; i < 40; i++) {
        now_us = turns(&overload, now_us, 20000, true, 20000);
        now_us = turns(&overload, now_us, 30, true, 3000);
        now_us = turns(&overload, now_us, 30, false, 7000);
        assert_int_equal(overload.reasons, 0);
        assert_false(overload_is_behind(&overload));
    }
    // There is always more, for a tenth of a second.
    now_us = turns(&overload, now_us, 30, true, 250000);
    assert_int_equal(overload.reasons, 1u << OVERLOAD_QUEUE);
    assert_int_equal(overload.now, OVERLOAD_ALL);
    // Drained: nothing is refused at once; by how long there was more, from then on.
    now_us = turns(&overload, now_us, 30, false, 30);
    assert_int_equal(overload.now, 0);
    now_us = turns(&overload, now_us, 10, true, 1000);
    assert_int_equal(overload.now, 0);
    now_us = turns(&overload, now_us, 10, true, 2500);
    assert_in_range(overload.now, OVERLOAD_ALL * 49 / 100, OVERLOAD_ALL * 51 / 100);
    // A second without: no longer behind.
    now_us = turns(&overload, now_us, 10, false, 900000);
    assert_int_equal(overload.reasons, 1u << OVERLOAD_QUEUE);
    now_us = turns(&overload, now_us, 10, false, 300000);
    assert_int_equal(overload.reasons, 0);
    now_us = turns(&overload, now_us, 10, true, 10000);
    assert_int_equal(overload.now, 0);
}

static void test_turn(void **state)
{
    struct overload overload = {0};
    uint64_t now_us = turns(&overload, 1000000, 20, false, 200000);
    // Interruptions of any length among turns of the usual one.
    for (unsigned i = 0; i < 50; i++) {
        now_us = turns(&overload, now_us, 300000, false, 300000);
        now_us = turns(&overload, now_us, 20, false, 400);
        assert_int_equal(overload.reasons, 0);
    }
    now_us = turns(&overload, now_us, MARK_US * 9 / 10, false, 2000000);
    assert_int_equal(overload.reasons, 0);
    now_us = turns(&overload, now_us, MARK_US * 3 / 2, false, 8000000);
    assert_int_equal(overload.reasons, 1u << OVERLOAD_TURN);
    assert_in_range(overload.loss, OVERLOAD_ALL / 2, OVERLOAD_ALL * 63 / 64);
    // 90 % is too much for one that is behind; 70 % is not, and a second later it is over.
    uint32_t loss = overload.loss;
    now_us = turns(&overload, now_us, MARK_US * 9 / 10, false, 1000000);
    assert_true(overload.loss >= loss && overload.loss <= OVERLOAD_ALL * 63 / 64);
    now_us = turns(&overload, now_us, MARK_US * 7 / 10, false, 10000000);
    assert_int_equal(overload.loss, 0);
    assert_int_equal(overload.reasons, 0);
}

// A finite sequence of hashes, the same each time (splitmix64).
static uint64_t next_hash(uint64_t *seed)
{
    uint64_t hash = *seed += 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
    return hash ^ hash >> 31;
}

static void test_refuses(void **state)
{
    struct overload overload = {.loss = OVERLOAD_ALL / 4, .now = 0};
    unsigned strict = 0, polite = 0;
    uint64_t seed = 1;
    for (uint64_t i = 0; i < 4000; i++) {
        uint64_t hash = next_hash(&seed);
        bool refused = overload_refuses(&overload, hash, false);
        assert_int_equal(overload_refuses(&overload, hash, false), refused); // a repeat fares alike
        strict += refused;
        polite += overload_refuses(&overload, hash, true);
    }
    assert_in_range(strict, 950, 1050);
    assert_int_equal(polite, 0);
    assert_int_equal(overload.hindered, 0);
    overload.now = OVERLOAD_ALL; // beyond it nobody is exempt
    for (uint64_t i = 0; i < 100; i++)
        assert_true(overload_refuses(&overload, i << 16, i % 2 == 0));
    assert_true(overload.hindered > 0);
}

// A server by arithmetic: what a new call costs, now and when it ends, and what refusing one does, in
// nanoseconds.
#define CALL_NS   8000u
#define END_NS    6000u
#define REFUSE_NS 500u
#define QUEUE     2048u // a full one loses calls, and the ends of calls
#define TALK_MS   200u
#define AGAIN_MS  500u // T1: what a full queue lost comes again

struct model {
    struct overload overload;
    uint64_t now_ns;
    uint32_t calls, ends;         // waiting
    uint32_t ending[TALK_MS + 1]; // calls that end in this millisecond
    uint32_t calls_again[AGAIN_MS + 1], ends_again[AGAIN_MS + 1];
    uint64_t served; // calls that ended as they should
    uint64_t seed;
    uint32_t per_cent; // of those times that things take now
};

// One turn of up to 32 messages.
static void model_turn(struct model *model)
{
    uint64_t begun_ns = model->now_ns;
    bool full = model->calls + model->ends > 32;
    unsigned taken = 0;
    for (; taken < 32 && model->calls + model->ends > 0; taken++) {
        if (next_hash(&model->seed) % (model->calls + model->ends) < model->ends) {
            model->ends--;
            model->served++;
            model->now_ns += END_NS * model->per_cent / 100;
            continue;
        }
        model->calls--;
        if (overload_is_behind(&model->overload) &&
            overload_refuses(&model->overload, next_hash(&model->seed), false)) {
            model->now_ns += REFUSE_NS * model->per_cent / 100;
            continue;
        }
        model->now_ns += CALL_NS * model->per_cent / 100;
        model->ending[(model->now_ns / 1000000 + TALK_MS) % (TALK_MS + 1)]++;
    }
    struct overload_turn turn = {.now_us = 1000000 + model->now_ns / 1000,
                                 .lasted_us = (uint32_t)((model->now_ns - begun_ns) / 1000),
                                 .full = full};
    if (taken == 0)
        model->now_ns += 1000;
    overload_turn(&model->overload, &turn, MARK_US);
}

static struct model model;

// A machine with others on it: now and then the core is theirs for 4 ms, and everything takes more or less.
static void model_disturb(uint64_t ms)
{
    if (ms % 20 == 0)
        model.per_cent = 80 + (uint32_t)(next_hash(&model.seed) % 80);
    if (next_hash(&model.seed) % 60 == 0)
        model.now_ns += 4000000;
}

static uint32_t take(uint32_t *count)
{
    uint32_t taken = *count;
    *count = 0;
    return taken;
}

// Turns until this millisecond is over, and what comes then.
static void model_ms(uint64_t ms, uint32_t offered)
{
    while (model.now_ns / 1000000 <= ms)
        model_turn(&model);
    size_t again = (ms + 1) % (AGAIN_MS + 1);
    uint32_t calls = offered + take(&model.calls_again[again]);
    uint32_t ends = take(&model.ending[(ms + 1) % (TALK_MS + 1)]) + take(&model.ends_again[again]);
    // A full queue takes of both in proportion.
    uint32_t room = QUEUE - model.calls - model.ends, come = calls + ends;
    uint32_t taken = come <= room ? come : room;
    uint32_t ends_taken = (uint32_t)((uint64_t)ends * taken / come);
    model.ends += ends_taken;
    model.calls += taken - ends_taken;
    model.ends_again[ms % (AGAIN_MS + 1)] = ends - ends_taken;
    model.calls_again[ms % (AGAIN_MS + 1)] = calls - (taken - ends_taken);
}

// Calls a second that are served of those offered, over three seconds after the first two.
static uint64_t model_run(uint32_t offered_a_ms, bool disturbed)
{
    model = (struct model){.seed = 7, .per_cent = 100};
    uint64_t before = 0;
    for (uint64_t ms = 0; ms < 5000; ms++) {
        if (disturbed)
            model_disturb(ms);
        if (ms == 2000)
            before = model.served;
        model_ms(ms, offered_a_ms);
    }
    return (model.served - before) / 3;
}

// What such a server can serve: (1 - k * r) / (1 - r) of its most, with r the cost of a refusal by that of a
// call.
static void test_goodput(void **state)
{
    static const struct {
        uint32_t offered_a_ms;
        uint32_t per_cent; // of the 71,428 that a second holds
    } rows[] = {{36, 50}, {64, 89}, {72, 96}, {107, 93}, {143, 91}, {214, 87}, {357, 80}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t served = model_run(rows[i].offered_a_ms, false);
        if (served < 714u * rows[i].per_cent)
            fail_msg("%u a millisecond: %u served", rows[i].offered_a_ms, (unsigned)served);
        // What clients are told is most of what has to go.
        uint32_t offered = rows[i].offered_a_ms, needed = offered > 71 ? (offered - 71) * 100 / offered : 0;
        assert_in_range(model.overload.loss * 100 / OVERLOAD_ALL, needed * 2 / 3, needed + 10);
    }
}

// Of a disturbed one's 71,428 about 78 % are left without refusals: 7 % of the time gone, and a fifth more to
// do. What is kept of them, which was 54 to 59 when the loss answered to all that the queues refused.
static void test_goodput_disturbed(void **state)
{
    static const struct {
        uint32_t offered_a_ms;
        uint32_t per_cent;
    } rows[] = {{72, 64}, {107, 64}, {143, 63}, {214, 58}, {357, 54}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t served = model_run(rows[i].offered_a_ms, true);
        if (served < 714u * rows[i].per_cent)
            fail_msg("%u a millisecond: %u served", rows[i].offered_a_ms, (unsigned)served);
    }
}

// The core is somebody else's for a while: what came meanwhile is lost but for a queue of it, and comes again
// half a second later. A second after that, all but 6 % are served of what was before; 12 % were refused in
// vain by a loss that answered to the moments alone in which the queues were long.
static void test_goodput_interrupted(void **state)
{
    static const uint32_t loads[] = {64, 72, 143, 357}, interruptions_ms[] = {20, 100, 500};
    for (size_t i = 0; i < 12; i++) {
        uint32_t offered = loads[i / 3], for_ms = interruptions_ms[i % 3];
        uint64_t ms = 0, before, after;
        model = (struct model){.seed = 7, .per_cent = 100};
        for (; ms < 1500; ms++)
            model_ms(ms, offered);
        before = model.served;
        for (; ms < 2500; ms++)
            model_ms(ms, offered);
        before = model.served - before;
        model.now_ns += for_ms * 1000000u;
        for (; ms < 3500 + for_ms; ms++)
            model_ms(ms, offered);
        after = model.served;
        for (; ms < 4500 + for_ms; ms++)
            model_ms(ms, offered);
        after = model.served - after;
        if (after * 100 < before * 94)
            fail_msg("%u a millisecond, %u ms: %u served, %u before", offered, for_ms, (unsigned)after,
                     (unsigned)before);
    }
}

// Transactions that stay for 32 s, 1000 at most, come at many times the rate that fits.
static void test_goodput_level(void **state)
{
    static const uint32_t loads[] = {1, 2, 5, 50};
    static uint8_t ring[32000];
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        struct overload overload = {0};
        uint64_t served = 0;
        uint32_t live = 0, due = 0;
        uint64_t seed = 3;
        memset(ring, 0, sizeof(ring));
        for (uint64_t ms = 0; ms < 320000; ms++) {
            live -= ring[ms % 32000];
            ring[ms % 32000] = 0;
            overload_level(&overload, OVERLOAD_TRANSACTIONS, live, 900);
            overload_turn(&overload, &(struct overload_turn){.now_us = 1000000 + ms * 1000}, MARK_US);
            for (due += loads[i] * 900; due >= 32000; due -= 32000) {
                if (overload_is_behind(&overload) && overload_refuses(&overload, next_hash(&seed), false))
                    continue;
                assert_true(live < 1000);
                live++;
                ring[ms % 32000]++;
                served += ms >= 64000;
            }
        }
        assert_in_range(served, 900 * 8 * 79 / 100, 900 * 8 + 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_level),
                                       cmocka_unit_test(test_queue),
                                       cmocka_unit_test(test_turn),
                                       cmocka_unit_test(test_refuses),
                                       cmocka_unit_test(test_goodput),
                                       cmocka_unit_test(test_goodput_disturbed),
                                       cmocka_unit_test(test_goodput_interrupted),
                                       cmocka_unit_test(test_goodput_level)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
