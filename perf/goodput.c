// SPDX-License-Identifier: BSD-3-Clause
// Goodput of one worker under more calls than it can serve. The worker is the real one, on ports made of
// rings; its clock is the time that its own turns take, so that callers and callees in the same process cost
// it nothing, and what else the machine does changes little.
//
// A row: load as a multiple of the most that was served; calls a second offered, completed, refused and lost;
// completed as a share of the most. With --without, overload control is taken away.
//
// Two of a kind are compared side by side: two workers take turns of 20 ms of their time, so that what the
// machine gives and takes meets both. --rounds: one that is offered a little more than it serves, and one
// that is offered five times what the first one served; the share that is left, round by round, and the
// median.
// --costs: what a call takes of one and a refusal of the other, and what follows from that for five times the
// most. --refusals and --calls, with a rate and the microseconds of a slice, measure one kind
// alone: for who counts instructions, under whose tool the worker stands less. --calls-beside: the same calls
// while an application is configured, which has none of them.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "goodput_bench.h"
#include "goodput_calls.h"

#define WARM_UP_US  1500000u
#define MEASURED_US 1500000u
// Between two of them the worker has its caches to itself.
#define SLICE_US 200u
#define LIGHT    20000.0 // calls a second that any machine stands
#define FULL     1.05    // times what is served, which is the most then
#define OVERLOAD 5.0     // times the most, for which the costs are compared
#define ROUNDS   7u
#define TURN_US  20000u // of a worker's time, before it is the other's turn
#define OFFER_US 250000u
#define LATELY   4u // times OFFER_US, that what is offered follows from

enum load { LOAD_RATE, LOAD_FULL, LOAD_OVER, LOAD_REFUSALS };

// A worker, and those who call through it.
struct world {
    const struct plane_wire *wire;
    struct plane *plane;
    struct goodput_calls *calls;
    enum load load;
    double rate;            // calls a second that are offered
    double now_ns, busy_ns; // its time, and the part of it in which there was something to do
    uint64_t next_us;       // what comes then is not there yet
};

static struct rte_mempool *pool;
static struct world worlds[2];
static struct plane_wire wires[2];
static bool without, beside;
static uint32_t slice_us = SLICE_US;

struct result {
    struct goodput_count count; // while it was measured
    double seconds;
    double busy;     // share of the time that turns with packets took
    uint64_t before; // calls refused or completed until then
};

// CPU time of this thread, nanoseconds: what others do on the core is not in it.
static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

// A turn at this time of the worker's. Returns what it took, 0 when there was nothing to do.
static double one_turn(const struct world *world)
{
    static double asking_ns = 1e9; // what the clock itself takes
    struct worker *worker = world->plane->workers[0].worker;
    plane_clock(world->plane, (uint64_t)(world->now_ns / 1000));
    if (without)
        worker->overload = (struct overload){0};
    if (world->load == LOAD_REFUSALS) {
        worker->overload.flow_loss = OVERLOAD_ALL;
        worker->overload.reasons |= 1u << OVERLOAD_TURN;
    }
    double begun = cpu_ns(), again = cpu_ns();
    unsigned done = worker_turn(worker);
    double ended = cpu_ns();
    asking_ns = RTE_MIN(asking_ns, again - begun);
    return done == 0 ? 0 : RTE_MAX(ended - again - asking_ns, 1);
}

// The others' part of the world: what the worker sent reaches them, what is due reaches the worker.
static void exchange(struct world *world)
{
    for (unsigned i = 0; i < 2; i++) {
        struct rte_mbuf *mbuf;
        while (rte_ring_dequeue(world->wire->tx[i][0], (void **)&mbuf) == 0)
            goodput_calls_take(world->calls, i, mbuf);
    }
    goodput_calls_run(world->calls, world->next_us, world->rate);
}

static void open_world(struct world *world, enum load load, double rate)
{
    world->wire = &wires[world - worlds];
    struct rte_ring *const to_worker[2] = {world->wire->rx[0][0], world->wire->rx[1][0]};
    world->plane = goodput_open(world->wire, beside);
    world->calls = goodput_calls_create(pool, to_worker);
    world->load = load;
    world->rate = rate;
    world->now_ns = world->busy_ns = 0;
    world->next_us = 0;
}

static void close_world(struct world *world)
{
    goodput_calls_destroy(world->calls);
    plane_close(world->plane);
}

// Lets so much of the worker's time pass.
static void pass(struct world *world, uint64_t until_us)
{
    while (world->now_ns < (double)until_us * 1e3) {
        // After a turn that was interrupted, what came meanwhile comes in its order: a queue holds no more.
        for (; (uint64_t)(world->now_ns / 1000) >= world->next_us; world->next_us += slice_us)
            exchange(world);
        double took_ns = one_turn(world);
        world->busy_ns += took_ns;
        // Nothing comes before the next slice.
        world->now_ns = took_ns == 0 ? (double)world->next_us * 1e3 : world->now_ns + took_ns;
    }
}

// What happened to a world between two moments.
struct moment {
    struct goodput_count count;
    double now_ns, busy_ns;
};

static struct moment moment_of(const struct world *world)
{
    return (struct moment){*goodput_calls_count(world->calls), world->now_ns, world->busy_ns};
}

static struct result since(const struct world *world, const struct moment *before)
{
    struct moment now = moment_of(world);
    struct result result = {.seconds = (now.now_ns - before->now_ns) / 1e9,
                            .before = before->count.refused + before->count.completed};
    result.count = (struct goodput_count){
        now.count.offered - before->count.offered, now.count.completed - before->count.completed,
        now.count.refused - before->count.refused, now.count.lost - before->count.lost};
    result.busy = (now.busy_ns - before->busy_ns) / (now.now_ns - before->now_ns);
    return result;
}

static struct result run(enum load load, double rate)
{
    struct world *world = &worlds[0];
    open_world(world, load, rate);
    pass(world, WARM_UP_US);
    struct moment before = moment_of(world);
    pass(world, WARM_UP_US + MEASURED_US);
    struct result result = since(world, &before);
    close_world(world);
    return result;
}

static void print(const char *name, const struct result *result, double most)
{
    double s = result->seconds;
    printf("%-6s %9.0f %10.0f %9.0f %7.0f %5.0f%% %6.0f%%\n", name, (double)result->count.offered / s,
           (double)result->count.completed / s, (double)result->count.refused / s,
           (double)result->count.lost / s, result->busy * 100,
           (double)result->count.completed / s / most * 100);
    fflush(stdout);
}

// Nanoseconds of the worker for one of n.
static double cost(const struct result *result, uint64_t n)
{
    return result->busy * result->seconds * 1e9 / (double)RTE_MAX(n, 1u);
}

static double served(const struct result *result)
{
    return (double)result->count.completed / result->seconds;
}

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

static double median(const double *values)
{
    double sorted[ROUNDS];
    memcpy(sorted, values, sizeof(sorted));
    qsort(sorted, ROUNDS, sizeof(sorted[0]), compare);
    return sorted[ROUNDS / 2];
}

// What is offered follows what the machine gave within the last second: to the first what keeps it full, to
// the second five times what the first one served. Refusals come as many as there would be at that overload:
// what each takes depends on how many share a turn.
static void offer(double lately[LATELY], const struct result *first)
{
    double most = 0, mean = 0;
    memmove(lately, lately + 1, (LATELY - 1) * sizeof(lately[0]));
    lately[LATELY - 1] = served(first);
    for (unsigned i = 0; i < LATELY; i++) {
        most = RTE_MAX(most, lately[i]);
        mean += lately[i] / LATELY;
    }
    if (worlds[0].load == LOAD_FULL)
        worlds[0].rate = most * FULL;
    if (worlds[1].load == LOAD_OVER)
        worlds[1].rate = mean * OVERLOAD;
    else
        worlds[1].rate = (OVERLOAD - 1) * 1e9 / cost(first, first->count.completed);
}

// Both, by turns, for so many times OFFER_US.
static void pass_both(unsigned offers, double lately[LATELY], struct result results[2])
{
    const struct moment before[2] = {moment_of(&worlds[0]), moment_of(&worlds[1])};
    for (; offers > 0; offers--) {
        struct moment last = moment_of(&worlds[0]);
        for (unsigned turn = 0; turn < OFFER_US / TURN_US; turn++)
            for (unsigned i = 0; i < RTE_DIM(worlds); i++)
                pass(&worlds[i], (uint64_t)(worlds[i].now_ns / 1e3) + TURN_US);
        struct result first = since(&worlds[0], &last);
        offer(lately, &first);
    }
    for (unsigned i = 0; i < RTE_DIM(worlds); i++)
        results[i] = since(&worlds[i], &before[i]);
}

static void print_costs(const struct result results[2], double *ratio)
{
    double call = cost(&results[0], results[0].count.completed);
    double refusal = cost(&results[1], results[1].count.refused);
    *ratio = refusal / call;
    printf("%7.0f %9.0f %7.4f %6.1f%%\n", call, refusal, *ratio,
           (1 - OVERLOAD * *ratio) / (1 - *ratio) * 100);
}

static void print_round(const struct result results[2], double *share)
{
    double most = served(&results[0]), left = served(&results[1]);
    *share = left / most;
    printf("%7.0f %7.0f %5.1f %5.0f%% %6.0f%% %5.0f%%\n", most, left,
           (double)results[1].count.offered / results[1].seconds / most, results[0].busy * 100,
           results[1].busy * 100, *share * 100);
}

// Rounds of those two kinds of calls, and the median of what is printed of them.
static double compare_worlds(enum load first, enum load second,
                             void (*print_one)(const struct result results[2], double *figure))
{
    double lately[LATELY], figures[ROUNDS];
    struct result results[2], light = run(LOAD_RATE, LIGHT);
    double guess = first == LOAD_FULL ? served(&light) / light.busy : LIGHT;
    for (unsigned i = 0; i < LATELY; i++)
        lately[i] = guess;
    open_world(&worlds[0], first, guess);
    open_world(&worlds[1], second, guess * OVERLOAD);
    pass_both(WARM_UP_US / OFFER_US, lately, results);
    for (unsigned i = 0; i < ROUNDS; i++) {
        pass_both(MEASURED_US / OFFER_US, lately, results);
        print_one(results, &figures[i]);
        fflush(stdout);
    }
    for (unsigned i = 0; i < RTE_DIM(worlds); i++)
        close_world(&worlds[i]);
    return median(figures);
}

static void print_all_costs(void)
{
    printf("call ns refusal ns  ratio  left at %g\n", OVERLOAD);
    double ratio = compare_worlds(LOAD_RATE, LOAD_REFUSALS, print_costs);
    printf("%25.4f %6.1f%%  median\n", ratio, (1 - OVERLOAD * ratio) / (1 - ratio) * 100);
}

static void print_rounds(void)
{
    printf("   most    left times  busy beside share\n");
    printf("%36.1f%%  median\n", compare_worlds(LOAD_FULL, LOAD_OVER, print_round) * 100);
}

static void print_table(void)
{
    static const double tries[] = {1, 1.3, 1.6};
    static const double loads[] = {1, 1.5, 2, 3, 5};
    char name[16];
    double most = 0;
    struct result light = run(LOAD_RATE, LIGHT);
    double guess = (double)light.count.completed / light.seconds / light.busy;
    printf("load     offered  completed   refused    lost  busy  of most\n");
    print("light", &light, (double)light.count.completed / light.seconds);
    for (unsigned i = 0; i < RTE_DIM(tries); i++) {
        struct result result = run(LOAD_RATE, guess * tries[i]);
        most = RTE_MAX(most, (double)result.count.completed / result.seconds);
        print("try", &result, most);
    }
    for (unsigned i = 0; i < RTE_DIM(loads); i++) {
        struct result result = run(LOAD_RATE, most * loads[i]);
        snprintf(name, sizeof(name), "%g", loads[i]);
        print(name, &result, most);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    bool refusals = strcmp(what, "--refusals") == 0;
    beside = strcmp(what, "--calls-beside") == 0;
    pool = plane_boot(&(struct plane_boot){argv[0], "0@0", 1, false}, wires, RTE_DIM(wires));
    without = strcmp(what, "--without") == 0;
    if (strcmp(what, "--costs") == 0) {
        print_all_costs();
    } else if (strcmp(what, "--rounds") == 0) {
        print_rounds();
    } else if ((refusals || beside || strcmp(what, "--calls") == 0) && argc == 4) {
        slice_us = (uint32_t)strtoul(argv[3], NULL, 10);
        struct result result = run(refusals ? LOAD_REFUSALS : LOAD_RATE, strtod(argv[2], NULL));
        printf("refused %llu completed %llu, before %llu\n", (unsigned long long)result.count.refused,
               (unsigned long long)result.count.completed, (unsigned long long)result.before);
    } else if (argc == 1 || without) {
        print_table();
    } else {
        fprintf(
            stderr,
            "usage: goodput [--without | --costs | --rounds | --refusals RATE SLICE | --calls RATE SLICE | "
            "--calls-beside RATE SLICE]\n");
        return 2;
    }
    return 0;
}
