// SPDX-License-Identifier: BSD-3-Clause
// rte_timer doing what bench_state_wheel.c does, with the same prefetches.
#include "bench_state.h"
#include "harness.h"

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_timer.h>
#include <stdlib.h>

#define PENDING      1000000u
#define OTHERS       (1u << 16)
#define AHEAD        8u
#define BATCH        32u
#define SOON_S       180u
#define AN_HOUR_S    3600u
#define ROUND_OTHERS 256u // armed and cancelled in one iteration

struct timers {
    struct rte_timer *records;
    uint32_t at;
    uint64_t seed;
};

static void expire(struct rte_timer *timer, void *argument)
{
    bench_keep(timer);
}

static void arm(struct rte_timer *timer, uint64_t cycles)
{
    if (rte_timer_reset(timer, cycles, SINGLE, rte_lcore_id(), expire, NULL) != 0)
        abort();
}

// So many cycles are less than `seconds`, without pattern.
static uint64_t cycles_below(struct timers *timers, uint64_t seconds)
{
    return (uint64_t)((unsigned __int128)bench_mix(timers->seed++) * (seconds * rte_get_timer_hz()) >> 64);
}

static void *pending(const struct bench *bench)
{
    static struct timers timers;
    if (timers.records != NULL)
        return &timers;
    if (!bench_eal() || rte_timer_subsystem_init() != 0)
        return NULL;
    timers.records = bench_memory((PENDING + OTHERS) * sizeof(struct rte_timer));
    for (uint32_t i = 0; i < PENDING + OTHERS; i++)
        rte_timer_init(&timers.records[i]);
    for (uint32_t i = 0; i < PENDING; i++)
        arm(&timers.records[i], AN_HOUR_S * rte_get_timer_hz() + cycles_below(&timers, AN_HOUR_S));
    return &timers;
}

static inline struct rte_timer *other(const struct timers *timers, uint32_t n)
{
    return &timers->records[PENDING + n * 40503u % OTHERS];
}

static void run_arm_cancel(void *data, uint64_t iterations)
{
    struct timers *timers = data;
    for (uint64_t i = 0; i < iterations; i++) {
        for (uint32_t n = 0; n < ROUND_OTHERS; n++) {
            __builtin_prefetch(other(timers, n + AHEAD));
            arm(other(timers, n), AN_HOUR_S * rte_get_timer_hz() + cycles_below(timers, SOON_S));
        }
        for (uint32_t n = 0; n < ROUND_OTHERS; n++) {
            uint32_t which = n * 3 % ROUND_OTHERS;
            __builtin_prefetch(other(timers, (n + AHEAD) * 3 % ROUND_OTHERS));
            if (rte_timer_stop(other(timers, which)) != 0)
                abort();
        }
    }
}

static void run_rearm(void *data, uint64_t iterations)
{
    struct timers *timers = data;
    const uint64_t *words = bench_words(PENDING);
    for (uint64_t i = 0; i < iterations; i++) {
        uint32_t ahead = timers->at + AHEAD < PENDING ? timers->at + AHEAD : 0;
        __builtin_prefetch(&timers->records[words[ahead] % PENDING]);
        arm(&timers->records[words[timers->at] % PENDING],
            AN_HOUR_S * rte_get_timer_hz() + cycles_below(timers, AN_HOUR_S));
        timers->at = timers->at + 1 == PENDING ? 0 : timers->at + 1;
    }
}

static void run_arm_expire(void *data, uint64_t iterations)
{
    struct timers *timers = data;
    for (uint64_t i = 0; i < iterations; i++) {
        for (uint32_t n = 0; n < BATCH; n++)
            arm(other(timers, (uint32_t)i * BATCH + n), 0);
        (void)rte_timer_manage();
    }
}

static const struct bench benches[] = {
    {"rte_timer_arm_cancel/1m", 0, NULL, .setup = pending, .run = run_arm_cancel, .items = 2u * ROUND_OTHERS},
    {"rte_timer_rearm/1m", 0, NULL, .setup = pending, .run = run_rearm},
    {"rte_timer_arm_expire/1m", 0, NULL, .setup = pending, .run = run_arm_expire, .items = BATCH},
};

void bench_state_timer(void)
{
    for (unsigned i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
        bench_add(&benches[i]);
}
