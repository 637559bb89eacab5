// SPDX-License-Identifier: BSD-3-Clause
// Far ends and worker on one core, by turns: the far ends send a batch, the worker works until its queues are
// empty, the far ends look at what came. Only the worker's part is timed, by the CPU time of the thread, once
// a batch: reading the clock costs nothing to speak of then, and what else the machine does is not in it.
// What the far ends leave in the caches is, as are the messages in them: so is what a NIC leaves there.
//
// The worker's clock is set: it goes on by what a batch takes at the given rate. So a run is the same
// whatever the machine does, and under a tool that counts instructions too.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "script.h"
#include "wire.h"

#define IDLE_ROUNDS_MAX 2000000u // in which nothing comes and something is still awaited
#define KEPT_OCTETS     1300u    // of the arena for a transaction
#define DIALOG_OCTETS   180u     // for a dialog
#define TIMERS_CLASS    6u       // of the wheel, nobody's
#define TIMERS_FROM_S   600u     // no run lasts as long
#define TIMERS_TO_S     7200u

struct turns {
    const struct wire_options *options;
    struct plane_wire wire;
    struct rte_mempool *pool;
    struct world *world;
    struct plane *plane;
    struct crowd *crowd;
    struct wheel_node *timers;
    double now_us, step_us;
};

static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static bool put(void *context, enum world_side side, uint32_t party, struct rte_mbuf *mbuf)
{
    struct turns *turns = context;
    return rte_ring_enqueue(turns->wire.rx[side][0], mbuf) == 0;
}

static void take_all(struct turns *turns)
{
    struct rte_mbuf *mbuf;
    for (unsigned side = 0; side < 2; side++)
        while (rte_ring_dequeue(turns->wire.tx[side][0], (void **)&mbuf) == 0)
            crowd_take(turns->crowd, (enum world_side)side, mbuf);
}

static void work(struct turns *turns)
{
    do
        worker_turn(turns->plane->workers[0].worker);
    while (rte_ring_count(turns->wire.rx[0][0]) + rte_ring_count(turns->wire.rx[1][0]) > 0);
}

// Of a name of its own, for tools that count what is done in it.
__attribute__((noinline)) double work_measured(struct turns *turns);

double work_measured(struct turns *turns)
{
    double begun = cpu_ns();
    work(turns);
    return cpu_ns() - begun;
}

// Returns the CPU time of the worker when it is measured.
static double round_once(struct turns *turns, bool measured)
{
    double ns = 0;
    plane_clock(turns->plane, (uint64_t)turns->now_us);
    crowd_send(turns->crowd, (uint64_t)turns->now_us, turns->options->batch, put, turns);
    if (measured)
        ns = work_measured(turns);
    else
        work(turns);
    take_all(turns);
    turns->now_us += turns->step_us;
    return ns;
}

// Rounds until nothing is under way any more. False: something does not come.
static bool rest(struct turns *turns)
{
    for (unsigned i = 0; i < IDLE_ROUNDS_MAX && crowd_open(turns->crowd) > 0; i++)
        round_once(turns, false);
    return crowd_open(turns->crowd) == 0;
}

static void measure(struct turns *turns, struct wire_result *result)
{
    const uint64_t *values = turns->plane->workers[0].parts.counters->values;
    struct wire_round *round = &result->rounds[result->count++];
    const uint64_t received = values[COUNTER_RX_PACKETS], sent = values[COUNTER_TX_PACKETS];
    const struct crowd_count *count = crowd_count(turns->crowd);
    const uint64_t calls = count->completed + count->cancelled + count->refused;
    double ns = 0;
    while (values[COUNTER_RX_PACKETS] - received < turns->options->messages)
        ns += round_once(turns, true);
    *round = (struct wire_round){values[COUNTER_RX_PACKETS] - received, values[COUNTER_TX_PACKETS] - sent,
                                 count->completed + count->cancelled + count->refused - calls, ns};
}

static uint64_t resident(void)
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
static void arm_timers(struct turns *turns)
{
    struct worker *worker = turns->plane->workers[0].worker;
    const uint32_t ticks = 1000 / TICK_MS;
    turns->timers = plane_memory((turns->options->timers + 1) * sizeof(*turns->timers));
    wheel_class_set(&worker->wheel, TIMERS_CLASS, turns->timers, sizeof(*turns->timers), 0);
    for (uint32_t i = 0; i < turns->options->timers; i++) {
        wheel_node_init(&turns->timers[i]);
        wheel_arm(&worker->wheel, WHEEL_HANDLE(TIMERS_CLASS, i),
                  worker->now + TIMERS_FROM_S * ticks +
                      (tick_t)(script_mix(i) % ((TIMERS_TO_S - TIMERS_FROM_S) * ticks)));
    }
}

static void open_all(struct turns *turns)
{
    const struct wire_options *options = turns->options;
    turns->pool = plane_boot(&(struct plane_boot){"wire", "0@0", 1, false}, &turns->wire, 1);
    turns->world = world_create(&options->size);
    turns->step_us = (double)options->batch * 1e6 / options->rate;
    // What a second leaves behind: transactions wait for 64 * T1 (RFC 3261 17).
    double waiting = options->rate / 8.0 * 2.2 * options->size.t1_ms * 64e-3;
    uint32_t transactions = (uint32_t)(waiting * 1.3) + options->pending + 65536;
    turns->plane = plane_open(
        &turns->wire, &(struct plane_options){
                          .workers = 1,
                          .dialogs = options->dialogs + options->dialogs / 8 + options->pending + 131072,
                          .transactions = transactions,
                          .arena = (size_t)transactions * KEPT_OCTETS +
                                   (size_t)options->dialogs * DIALOG_OCTETS + ((size_t)128 << 20),
                          .rules = world_rules(turns->world),
                          .nexthops = world_nexthops(turns->world)});
    arm_timers(turns);
    turns->crowd = crowd_create(&(struct crowd_options){.world = turns->world,
                                                        .pool = turns->pool,
                                                        .mix = options->mix,
                                                        .dialogs = options->dialogs,
                                                        .ringing = options->pending / 2,
                                                        .whole = options->whole,
                                                        .ring_us = 10000,
                                                        .seed = options->seed,
                                                        .workers = 1});
}

static void close_all(struct turns *turns)
{
    crowd_destroy(turns->crowd);
    plane_close(turns->plane);
    world_destroy(turns->world);
    free(turns->timers);
}

static void finish(struct turns *turns, struct wire_result *result)
{
    result->held = crowd_held(turns->crowd);
    gauges_publish(turns->plane->workers[0].worker);
    result->transactions = plane_count(turns->plane, COUNTER_TRANSACTION_NOW);
    result->timers = plane_count(turns->plane, COUNTER_TIMERS_NOW);
    result->rss_octets = resident();
    crowd_set(turns->crowd, CROWD_RESTS);
    crowd_stop_ringing(turns->crowd);
    rest(turns);
    result->open = crowd_open(turns->crowd);
    result->crowd = *crowd_count(turns->crowd);
    snprintf(result->fault, sizeof(result->fault), "%s", crowd_fault(turns->crowd));
    wire_balance(turns->plane, &result->crowd, result);
}

void turns_run(const struct wire_options *options, struct wire_result *result)
{
    struct turns turns = {.options = options};
    open_all(&turns);
    double begun = cpu_ns();
    while (crowd_held(turns.crowd) < options->dialogs && crowd_count(turns.crowd)->wrong == 0)
        round_once(&turns, false);
    result->grown_s = (cpu_ns() - begun) / 1e9;
    crowd_set(turns.crowd, CROWD_STEADY);
    const uint64_t *values = turns.plane->workers[0].parts.counters->values;
    for (uint64_t before = values[COUNTER_RX_PACKETS];
         values[COUNTER_RX_PACKETS] - before < options->messages && crowd_count(turns.crowd)->wrong == 0;)
        round_once(&turns, false);
    while (result->count < options->rounds && crowd_count(turns.crowd)->wrong == 0)
        measure(&turns, result);
    finish(&turns, result);
    close_all(&turns);
}
