// SPDX-License-Identifier: BSD-3-Clause
#include "lab.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "script.h"

#define KEPT_OCTETS            1300u // of the arena for a transaction
#define DIALOG_OCTETS          180u  // for a dialog
#define TRANSACTIONS_A_MESSAGE 0.4   // when calls come and none ends
#define ARENA_UNIT             ((size_t)2 << 20)
#define RING_US                10000u
#define TIMERS_CLASS           6u   // of the wheel, nobody's
#define TIMERS_FROM_S          600u // no run lasts as long
#define TIMERS_TO_S            7200u

static double ns_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double lab_cpu_ns(void)
{
    return ns_of(CLOCK_THREAD_CPUTIME_ID);
}

double lab_wall_ns(void)
{
    return ns_of(CLOCK_MONOTONIC);
}

uint64_t lab_resident(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

// Timers of nothing, which do not expire.
static void arm_timers(struct lab *lab)
{
    struct worker *worker = lab->plane->workers[0].worker;
    const uint32_t ticks = 1000 / TICK_MS;
    lab->timers = plane_memory((lab->options->timers + 1) * sizeof(*lab->timers));
    wheel_class_set(&worker->wheel, TIMERS_CLASS, lab->timers, sizeof(*lab->timers), 0);
    for (uint32_t i = 0; i < lab->options->timers; i++) {
        wheel_node_init(&lab->timers[i]);
        wheel_arm(&worker->wheel, WHEEL_HANDLE(TIMERS_CLASS, i),
                  worker->now + TIMERS_FROM_S * ticks +
                      (tick_t)(script_mix(i) % ((TIMERS_TO_S - TIMERS_FROM_S) * ticks)));
    }
}

static void open_plane(struct lab *lab)
{
    const struct wire_options *options = lab->options;
    const unsigned workers = options->size.workers;
    // What a second leaves behind: transactions wait for 64 * T1 (RFC 3261 17).
    double waiting = options->rate * TRANSACTIONS_A_MESSAGE * options->size.t1_ms * 64e-3;
    // Calls are spread by a hash: none has much more than its part.
    uint32_t transactions = ((uint32_t)(waiting * 1.1) + options->pending) / workers + 65536;
    uint32_t dialogs = (options->dialogs + options->dialogs / 8 + options->pending) / workers + 131072;
    size_t arena = (size_t)transactions * KEPT_OCTETS + (size_t)dialogs * DIALOG_OCTETS + ((size_t)64 << 20);
    lab->plane = plane_open(&lab->wire, &(struct plane_options){.workers = workers,
                                                                .dialogs = dialogs,
                                                                .transactions = transactions,
                                                                .arena = arena / ARENA_UNIT * ARENA_UNIT,
                                                                .rules = world_rules(lab->world),
                                                                .nexthops = world_nexthops(lab->world),
                                                                .clock_runs = options->mode != WIRE_TURNS});
}

void lab_open(struct lab *lab, const struct lab_form *form)
{
    const unsigned crowds = form->crowds;
    const struct wire_options *options = lab->options;
    struct rte_mempool *pool = plane_boot(
        &(struct plane_boot){"wire", form->lcores, options->size.workers, crowds > 1}, &lab->wire, 1);
    lab->world = world_create(&options->size);
    open_plane(lab);
    arm_timers(lab);
    for (unsigned i = 0; i < crowds; i++)
        lab->crowds[i] =
            crowd_create(&(struct crowd_options){.world = lab->world,
                                                 .pool = pool,
                                                 .mix = options->mix,
                                                 .dialogs = options->dialogs / crowds,
                                                 .ringing = options->pending / 2 / crowds,
                                                 .whole = options->whole,
                                                 .ring_us = RING_US,
                                                 .window = form->window,
                                                 .batch = options->batch,
                                                 .sorted = options->sorted,
                                                 .seed = options->seed + i,
                                                 .clock_runs = options->mode != WIRE_TURNS,
                                                 .worker = i,
                                                 .workers = crowds,
                                                 .key = lab->plane->workers[0].parts.keys.table});
}

void lab_close(struct lab *lab)
{
    for (unsigned i = 0; i < PLANE_WORKERS && lab->crowds[i] != NULL; i++)
        crowd_destroy(lab->crowds[i]);
    plane_close(lab->plane);
    world_destroy(lab->world);
    free(lab->timers);
}

uint32_t lab_held(const struct lab *lab)
{
    uint32_t held = 0;
    for (unsigned i = 0; i < PLANE_WORKERS && lab->crowds[i] != NULL; i++)
        held += crowd_held(lab->crowds[i]);
    return held;
}

uint64_t lab_wrong(const struct lab *lab)
{
    uint64_t wrong = 0;
    for (unsigned i = 0; i < PLANE_WORKERS && lab->crowds[i] != NULL; i++)
        wrong += crowd_count(lab->crowds[i])->wrong;
    return wrong;
}

void lab_gauge(const struct lab *lab, struct wire_result *result)
{
    result->held = lab_held(lab);
    result->transactions = plane_count(lab->plane, COUNTER_TRANSACTION_NOW);
    result->timers = plane_count(lab->plane, COUNTER_TIMERS_NOW);
    result->rss_octets = lab_resident();
}

void lab_settle(struct lab *lab, struct wire_result *result)
{
    lab_gauge(lab, result);
    for (unsigned i = 0; i < PLANE_WORKERS && lab->crowds[i] != NULL; i++) {
        crowd_set(lab->crowds[i], CROWD_RESTS);
        crowd_stop_ringing(lab->crowds[i]);
    }
}

// Counts are words of 64 bits, all of them.
static void add(struct crowd_count *sum, const struct crowd_count *count)
{
    static_assert(sizeof(*sum) % sizeof(uint64_t) == 0, "words alone");
    uint64_t *to = (uint64_t *)(void *)sum;
    const uint64_t *from = (const uint64_t *)(const void *)count;
    for (unsigned i = 0; i < sizeof(*sum) / sizeof(*to); i++)
        to[i] += from[i];
}

static uint64_t word(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

void lab_look(const struct lab *lab, struct lab_moment *moment)
{
    *moment = (struct lab_moment){.wall_ns = lab_wall_ns()};
    for (unsigned i = 0; i < lab->plane->count; i++) {
        const struct counters_worker *counters = lab->plane->workers[i].parts.counters;
        moment->received += word(&counters->values[COUNTER_RX_PACKETS]);
        moment->sent += word(&counters->values[COUNTER_TX_PACKETS]);
        moment->handed_over += word(&counters->values[COUNTER_STEER_AWAY]);
        moment->arena_octets += word(&counters->values[COUNTER_USED_ARENA]);
        moment->turn_us += word(&counters->histograms[HISTOGRAM_TURN].sum);
        for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
            moment->forwarding[bucket] += word(&counters->histograms[HISTOGRAM_FORWARDING].buckets[bucket]);
    }
    for (unsigned i = 0; i < PLANE_WORKERS && lab->crowds[i] != NULL; i++) {
        const struct crowd_count *count = crowd_count(lab->crowds[i]);
        moment->calls += word(&count->completed) + word(&count->cancelled) + word(&count->refused);
    }
}

static double quantile_us(const struct lab_moment *before, const struct lab_moment *now, double share)
{
    uint64_t all = 0, below = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        all += now->forwarding[i] - before->forwarding[i];
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += now->forwarding[i] - before->forwarding[i];
        if ((double)below >= share * (double)all)
            return (double)histogram_bound(i);
    }
    return 0;
}

struct wire_round lab_since(const struct lab_moment *before, const struct lab_moment *now)
{
    return (struct wire_round){.received = now->received - before->received,
                               .sent = now->sent - before->sent,
                               .calls = now->calls - before->calls,
                               .ns = (double)(now->turn_us - before->turn_us) * 1e3,
                               .wall_ns = now->wall_ns - before->wall_ns,
                               .p50_us = quantile_us(before, now, 0.5),
                               .p99_us = quantile_us(before, now, 0.99),
                               .p999_us = quantile_us(before, now, 0.999),
                               .rss_octets = lab_resident(),
                               .arena_octets = now->arena_octets,
                               .handed_over = now->handed_over - before->handed_over};
}

void lab_judge(struct lab *lab, struct wire_result *result)
{
    for (unsigned i = 0; i < PLANE_WORKERS && lab->crowds[i] != NULL; i++) {
        add(&result->crowd, crowd_count(lab->crowds[i]));
        result->open += crowd_open(lab->crowds[i]);
        if (result->fault[0] == '\0')
            snprintf(result->fault, sizeof(result->fault), "%s", crowd_fault(lab->crowds[i]));
    }
    wire_balance(lab->plane, &result->crowd, result);
}
