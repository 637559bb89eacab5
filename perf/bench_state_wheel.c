// SPDX-License-Identifier: BSD-3-Clause
// A million timers pend while others come and go in an order without pattern. Each record's own line is asked
// for some records ahead, as the lookup that led to it does; those of its neighbours on the wheel are not.
#include "bench_state.h"
#include "harness.h"
#include "wheel.h"

#include <stdlib.h>

#define PENDING  1000000u
#define OTHERS   (1u << 16) // come and go
#define AHEAD    8u
#define BATCH    32u
#define SOON     18000u // ticks: timers of a transaction and of a call that rings
#define AN_HOUR  360000u
#define FAR_AWAY (1u << 28) // a month: no run gets there

struct record {
    uint64_t key;
    struct wheel_node node;
    uint8_t rest[44];
};
static_assert(sizeof(struct record) == 64, "one line a record");

struct clockwork {
    struct wheel wheel;
    struct record *records;
    uint32_t at;
    uint64_t seed;
};

// The million's deadlines lie between `from` and `from + life` ticks ahead.
static struct clockwork *clockwork_new(uint32_t from, uint32_t life)
{
    struct clockwork *clockwork = bench_memory(sizeof(*clockwork));
    clockwork->records = bench_memory((PENDING + OTHERS) * sizeof(struct record));
    wheel_init(&clockwork->wheel, 1000);
    wheel_class_set(&clockwork->wheel, 0, clockwork->records, sizeof(struct record),
                    offsetof(struct record, node));
    for (uint32_t i = 0; i < PENDING + OTHERS; i++)
        wheel_node_init(&clockwork->records[i].node);
    // Some twice, the rest afterwards: linked in another order than they lie.
    for (uint32_t i = 0; i < PENDING; i++)
        wheel_arm(&clockwork->wheel, (uint32_t)(bench_mix(i) % PENDING), 1000 + from + i % life);
    for (uint32_t i = 0; i < PENDING; i++)
        if (!wheel_armed(&clockwork->records[i].node))
            wheel_arm(&clockwork->wheel, i, 1000 + from + (uint32_t)(bench_mix(i) % life));
    return clockwork;
}

static void *calls(const struct bench *bench)
{
    static struct clockwork *clockwork;
    if (clockwork == NULL)
        clockwork = clockwork_new(SOON, AN_HOUR);
    return clockwork;
}

static void *far_away(const struct bench *bench)
{
    static struct clockwork *clockwork;
    if (clockwork == NULL)
        clockwork = clockwork_new(FAR_AWAY, AN_HOUR);
    return clockwork;
}

static void *transactions(const struct bench *bench)
{
    static struct clockwork *clockwork;
    if (clockwork == NULL)
        clockwork = clockwork_new(1, SOON);
    return clockwork;
}

// Which of the others the nth is; any order that is none.
static inline uint32_t other(uint32_t n)
{
    return PENDING + n * 40503u % OTHERS;
}

static inline uint32_t random_below(struct clockwork *clockwork, uint32_t limit)
{
    return (uint32_t)((bench_mix(clockwork->seed++) >> 32) * limit >> 32);
}

// A batch is armed and cancelled in another order.
static void run_arm_cancel(void *data, uint64_t iterations)
{
    struct clockwork *clockwork = data;
    struct wheel *wheel = &clockwork->wheel;
    for (uint64_t i = 0; i < iterations; i++) {
        for (uint32_t n = 0; n < OTHERS; n++) {
            __builtin_prefetch(&clockwork->records[other(n + AHEAD)]);
            wheel_arm(wheel, other(n), wheel->now + 1 + random_below(clockwork, SOON));
        }
        for (uint32_t n = 0; n < OTHERS; n++) {
            __builtin_prefetch(&clockwork->records[other(n * 3 + AHEAD * 3)]);
            wheel_cancel(wheel, other(n * 3));
        }
    }
}

// One of the million gets another deadline.
static void run_rearm(void *data, uint64_t iterations)
{
    struct clockwork *clockwork = data;
    const uint64_t *words = bench_words(PENDING);
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t ahead = clockwork->at + AHEAD < PENDING ? clockwork->at + AHEAD : 0;
        uint64_t word = words[clockwork->at];
        __builtin_prefetch(&clockwork->records[words[ahead] % PENDING]);
        wheel_arm(&clockwork->wheel, (uint32_t)(word % PENDING),
                  clockwork->wheel.now + SOON + (uint32_t)(word >> 32) % AN_HOUR);
        clockwork->at = clockwork->at + 1 == PENDING ? 0 : clockwork->at + 1;
    }
}

// Some more are due at the next tick, and expire.
static void run_arm_expire(void *data, uint64_t iterations)
{
    struct clockwork *clockwork = data;
    struct wheel *wheel = &clockwork->wheel;
    uint32_t expired[BATCH];
    for (uint64_t i = 0; i < iterations; i++) {
        for (uint32_t n = 0; n < BATCH; n++)
            wheel_arm(wheel, other((uint32_t)i * BATCH + n), wheel->now + 1);
        if (wheel_advance(wheel, wheel->now + 1, expired, BATCH) != BATCH)
            abort();
        bench_keep(expired);
    }
}

// The clock turns, and whoever expires is armed again: a timer's whole life, with its ways down the levels.
static void run_turn(void *data, uint64_t iterations)
{
    struct clockwork *clockwork = data;
    struct wheel *wheel = &clockwork->wheel;
    uint32_t expired[BATCH];
    for (uint64_t done = 0; done < iterations * BATCH;) {
        unsigned count = wheel_advance(wheel, wheel->now + 1, expired, BATCH);
        for (unsigned n = 0; n < count; n++)
            wheel_arm(wheel, expired[n], wheel->now + 1 + random_below(clockwork, SOON));
        done += count;
    }
}

// Budgets are for one arm or one cancel.
static const struct bench benches[] = {
    {"wheel_arm_cancel/1m", 0, NULL, .setup = calls, .run = run_arm_cancel, .items = 2u * OTHERS,
     .peer = "rte_timer_arm_cancel/1m"},
    {"wheel_rearm/1m", 0, NULL, .setup = calls, .run = run_rearm, .peer = "rte_timer_rearm/1m"},
    {"wheel_arm_expire/1m", 0, NULL, .setup = far_away, .run = run_arm_expire, .items = BATCH,
     .peer = "rte_timer_arm_expire/1m"},
    {"wheel_turn/1m", 0, NULL, .setup = transactions, .run = run_turn, .items = BATCH},
};

void bench_state_wheel(void)
{
    for (unsigned i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
        bench_add(&benches[i]);
}
