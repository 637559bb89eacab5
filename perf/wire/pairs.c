// SPDX-License-Identifier: BSD-3-Clause
// Two cores, on each far ends and a worker that take turns; only the worker's are timed, by the CPU time of
// its thread. The far ends of a core have those calls that its worker owns, so that all that leaves it is
// theirs; by which queue a message comes is another matter: its owner's, one by its source, or always the
// first worker's, as with one trunk on one 5-tuple. What comes by the wrong one is handed over.
//
// One thread leads: it sees from the words that both write when a part is over, and says so by `part`.
#include <stdatomic.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include "lab.h"
#include "script.h"

#define WINDOW    700u // answers that each awaits at most: rings hold more
#define TURNS_MAX 16u
#define REST_NS   60e9

enum part { PART_GROW, PART_STEADY, PART_REST, PART_STOP };

// [i]: written by thread i alone, read by both.
struct pair {
    _Alignas(64) _Atomic uint64_t busy_ns;
    _Atomic uint64_t open, held, wrong;
    _Atomic uint64_t heard; // the part that these are of
};

struct pairs {
    struct lab lab;
    struct pair pairs[PLANE_WORKERS];
    _Alignas(64) _Atomic unsigned part;
    double begun_ns;
};

struct thread {
    struct pairs *pairs;
    unsigned id;
};

static bool put(void *context, enum world_side side, uint32_t party, struct rte_mbuf *mbuf)
{
    const struct thread *thread = context;
    unsigned queue = 0;
    if (thread->pairs->lab.options->mode == WIRE_OWN)
        queue = thread->id;
    else if (thread->pairs->lab.options->mode == WIRE_SPREAD)
        queue = (unsigned)(script_mix((uint64_t)side << 32 | party) & 1);
    return rte_ring_enqueue(thread->pairs->lab.wire.rx[side][queue], mbuf) == 0;
}

// The worker until it finds nothing to do, or what others hand over takes no end. Returns the CPU time, 0
// when there was nothing.
static double work(struct worker *worker)
{
    double begun = lab_cpu_ns();
    unsigned turns = 0;
    for (lab_never_behind(worker); turns < TURNS_MAX && worker_turn(worker) > 0; turns++)
        lab_never_behind(worker);
    gauges_publish(worker);
    return turns == 0 ? 0 : lab_cpu_ns() - begun;
}

static void publish(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

static void step(struct thread *thread, unsigned part, double *busy_ns)
{
    struct pairs *pairs = thread->pairs;
    struct crowd *crowd = pairs->lab.crowds[thread->id];
    struct pair *own = &pairs->pairs[thread->id];
    struct rte_mbuf *mbuf;
    crowd_send(crowd, (uint64_t)((lab_wall_ns() - pairs->begun_ns) / 1e3), pairs->lab.options->batch, put,
               thread);
    *busy_ns += work(pairs->lab.plane->workers[thread->id].worker);
    for (unsigned side = 0; side < 2; side++)
        while (rte_ring_dequeue(pairs->lab.wire.tx[side][thread->id], (void **)&mbuf) == 0)
            crowd_take(crowd, (enum world_side)side, mbuf);
    publish(&own->busy_ns, (uint64_t)*busy_ns);
    publish(&own->open, crowd_open(crowd));
    publish(&own->held, crowd_held(crowd));
    publish(&own->wrong, crowd_count(crowd)->wrong);
    publish(&own->heard, part);
}

static void heed(struct thread *thread, unsigned part)
{
    struct crowd *crowd = thread->pairs->lab.crowds[thread->id];
    if (part == PART_STEADY)
        crowd_set(crowd, CROWD_STEADY);
    if (part != PART_REST)
        return;
    crowd_set(crowd, CROWD_RESTS);
    crowd_stop_ringing(crowd);
}

static int follow(void *context)
{
    struct thread *thread = context;
    double busy_ns = 0;
    for (unsigned part = PART_GROW, now; part != PART_STOP; part = now) {
        now = atomic_load_explicit(&thread->pairs->part, memory_order_acquire);
        if (now != part)
            heed(thread, now);
        step(thread, now, &busy_ns);
    }
    return 0;
}

static uint64_t sum(const struct pairs *pairs, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < PLANE_WORKERS; i++)
        sum += atomic_load_explicit(
            (const _Atomic uint64_t *)(const void *)((const char *)&pairs->pairs[i] + offset),
            memory_order_acquire);
    return sum;
}

#define SUM(pairs, word) sum(pairs, offsetof(struct pair, word))

static void lead_to(struct thread *thread, unsigned part)
{
    atomic_store_explicit(&thread->pairs->part, part, memory_order_release);
    heed(thread, part);
}

static void pass(struct thread *thread, double *busy_ns)
{
    struct lab_moment before, now;
    struct pairs *pairs = thread->pairs;
    lab_look(&pairs->lab, &before);
    do {
        step(thread, PART_STEADY, busy_ns);
        lab_look(&pairs->lab, &now);
    } while (now.received - before.received < pairs->lab.options->messages && SUM(pairs, wrong) == 0);
}

static void measure(struct thread *thread, double *busy_ns, struct wire_result *result)
{
    struct lab_moment before, now;
    struct pairs *pairs = thread->pairs;
    uint64_t busy[PLANE_WORKERS], most = 0;
    for (unsigned i = 0; i < PLANE_WORKERS; i++)
        busy[i] = pairs->pairs[i].busy_ns;
    lab_look(&pairs->lab, &before);
    pass(thread, busy_ns);
    lab_look(&pairs->lab, &now);
    for (unsigned i = 0; i < PLANE_WORKERS; i++)
        most = RTE_MAX(most, pairs->pairs[i].busy_ns - busy[i]);
    struct wire_round *round = &result->rounds[result->count++];
    *round = lab_since(&before, &now);
    for (unsigned i = 0; i < PLANE_WORKERS; i++)
        round->worker_ns[i] = (double)(pairs->pairs[i].busy_ns - busy[i]);
    round->ns = (double)most;
}

void pairs_run(const struct wire_options *options, struct wire_result *result)
{
    static struct pairs pairs;
    struct thread threads[PLANE_WORKERS] = {{&pairs, 0}, {&pairs, 1}};
    double busy_ns = 0, begun = lab_cpu_ns();
    pairs.lab.options = options;
    lab_open(&pairs.lab, &(struct lab_form){"0@0,1@1", PLANE_WORKERS, WINDOW});
    pairs.begun_ns = lab_wall_ns();
    rte_eal_remote_launch(follow, &threads[1], 1);
    while (SUM(&pairs, held) < options->dialogs / PLANE_WORKERS * PLANE_WORKERS && SUM(&pairs, wrong) == 0)
        step(&threads[0], PART_GROW, &busy_ns);
    result->grown_s = (lab_cpu_ns() - begun) / 1e9;
    lead_to(&threads[0], PART_STEADY);
    pass(&threads[0], &busy_ns);
    while (result->count < options->rounds && SUM(&pairs, wrong) == 0)
        measure(&threads[0], &busy_ns, result);
    lab_gauge(&pairs.lab, result);
    lead_to(&threads[0], PART_REST);
    for (double last = lab_wall_ns() + REST_NS; SUM(&pairs, wrong) == 0 && lab_wall_ns() < last;) {
        step(&threads[0], PART_REST, &busy_ns);
        if (pairs.pairs[1].heard == PART_REST && SUM(&pairs, open) == 0)
            break;
    }
    lead_to(&threads[0], PART_STOP);
    rte_eal_wait_lcore(1);
    lab_judge(&pairs.lab, result);
    lab_close(&pairs.lab);
}
