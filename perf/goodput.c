// SPDX-License-Identifier: BSD-3-Clause
// Goodput of one worker under more calls than it can serve. The worker is the real one, on ports made of
// rings; its clock is the time that its own turns take, so that callers and callees in the same process cost
// it nothing, and what else the machine does changes little.
//
// A row: load as a multiple of the most that was served; calls a second offered, completed, refused and lost;
// completed as a share of the most. With --without, overload control is taken away.
//
// --rounds measures the most and five times of it again and again, and gives the median of what is left.
// --costs prints instead what a call and a refusal take, measured in turns, and what follows from them for
// five times the most. --refusals and --calls, with a rate and the microseconds of a slice, measure one kind
// alone: for who counts instructions, under whose tool the worker stands less. --calls-beside: the same calls
// while an application is configured, which has none of them.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include "goodput_calls.h"
#include "image.h"
#include "ua_ring.h"
#include "worker_core.h"

#define QUEUE        2048u // of a NIC, packets
#define POOL         65535u
#define DIALOGS      (1u << 18)
#define TRANSACTIONS (1u << 19)
#define USAGES       (1u << 14)
#define ARENA        ((size_t)1 << 30)
#define WARM_UP_US   1500000u
#define MEASURED_US  1500000u
// Between two of them the worker has its caches to itself.
#define SLICE_US 200u
#define LIGHT    20000.0 // calls a second that any machine stands
#define OVERLOAD 5.0     // times the most, for which the costs are compared
#define ROUNDS   7u

static struct rte_mempool *pool;
static struct rte_ring *rx[2], *tx[2];
static uint16_t ports[2];
static bool without, refusing, beside;
static uint64_t began_us; // the worker's time when it was made
static uint32_t slice_us = SLICE_US;

static void boot(const char *program)
{
    char prefix[64], name[64];
    snprintf(prefix, sizeof(prefix), "dialgate-goodput-%d", (int)getpid());
    snprintf(name, sizeof(name), "%s", program);
    char *arguments[] = {name,
                         (char[]){"--no-huge"},
                         (char[]){"--no-pci"},
                         (char[]){"--no-shconf"},
                         (char[]){"-m"},
                         (char[]){"512"},
                         (char[]){"--file-prefix"},
                         prefix,
                         (char[]){"--lcores"},
                         (char[]){"0@(0-1023)"},
                         (char[]){"--iova-mode=va"},
                         (char[]){"--log-level=error"},
                         (char[]){"--no-telemetry"}};
    snprintf(arguments[9], 4, "0@0");
    if (rte_eal_init(RTE_DIM(arguments), arguments) < 0)
        rte_exit(1, "EAL does not start\n");
    pool = rte_pktmbuf_pool_create("packets", POOL, 256, WORKER_MBUF_PRIVATE, RTE_MBUF_DEFAULT_BUF_SIZE,
                                   SOCKET_ID_ANY);
    if (pool == NULL)
        rte_exit(1, "no pool\n");
    for (unsigned i = 0; i < 2; i++) {
        struct rte_eth_conf conf = {0};
        snprintf(prefix, sizeof(prefix), "rx%u", i);
        rx[i] = rte_ring_create(prefix, QUEUE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
        snprintf(prefix, sizeof(prefix), "tx%u", i);
        tx[i] = rte_ring_create(prefix, 8 * QUEUE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
        snprintf(prefix, sizeof(prefix), "wire%u", i);
        int port = rte_eth_from_rings(prefix, &rx[i], 1, &tx[i], 1, 0);
        if (port < 0 || rte_eth_dev_configure((uint16_t)port, 1, 1, &conf) != 0 ||
            rte_eth_rx_queue_setup((uint16_t)port, 0, QUEUE, 0, NULL, pool) != 0 ||
            rte_eth_tx_queue_setup((uint16_t)port, 0, QUEUE, 0, NULL) != 0 ||
            rte_eth_dev_start((uint16_t)port) != 0)
            rte_exit(1, "no port\n");
        ports[i] = (uint16_t)port;
    }
}

static void *zeroed(size_t size)
{
    void *memory = aligned_alloc(2u << 20, (size + (2u << 20) - 1) & ~(size_t)((2u << 20) - 1));
    if (memory == NULL)
        rte_exit(1, "no memory\n");
    // Huge pages where the kernel has some to give, as the real process; all are there before the first turn.
    (void)madvise(memory, size, MADV_HUGEPAGE);
    memset(memory, 0, size);
    return memory;
}

struct bench {
    struct snapshot_image image;
    struct published published;
    struct worker_shared shared;
    struct worker_parts parts;
    struct worker_queue queues[2];
    struct worker *worker;
};

static void make_ways(struct bench *bench)
{
    struct nexthop_network networks[NETWORKS_MAX] = {{.mtu = 1500, .up = true}, {.mtu = 1500, .up = true}};
    const struct nexthop_route routes[2] = {{.prefix = 0x0a0a0000, .length = 16, .network = 0},
                                            {.prefix = 0x0a140000, .length = 16, .network = 1}};
    const struct nexthop_neighbour neighbours[2] = {
        {.address = 0x0a0a0101, .mac = {2, 1}, .network = 0, .usable = 1},
        {.address = 0x0a14000b, .mac = {2, 2}, .network = 1, .usable = 1}};
    char error[256];
    image_make(&bench->image);
    if (beside) {
        const struct snapshot_route kept[2] = {bench->image.routes[1], bench->image.routes[2]};
        image_application(&bench->image);
        memcpy(&bench->image.routes[1], kept, sizeof(kept));
    }
    // One callee; and what a transaction leaves behind is gone soon, so that a minute's calls need no room.
    bench->image.members[IMAGE_MEMBER_SBC2].flags |= MEMBER_DISABLED;
    bench->image.header.settings.timer_t1_ms = 20;
    bench->image.header.settings.timer_t2_ms = 20;
    bench->image.header.settings.timer_t4_ms = 20;
    bench->image.header.settings.overload =
        (struct snapshot_overload){.transactions = 90, .mbufs = 90, .turn_us = 10000, .retry_after_s = 5};
    bench->published.rules = rules_create(&bench->image, sizeof(bench->image), error, sizeof(error));
    bench->published.nexthops = nexthop_create(networks, routes, 2, neighbours, 2);
    if (bench->published.rules == NULL)
        rte_exit(1, "%s\n", error);
}

// They are there without applications, too.
static struct ua_ring *ua_ring(void)
{
    struct ua_ring *ring = zeroed(sizeof(*ring) + 4 * UA_RING_MESSAGE_MAX);
    ring->size = 4 * UA_RING_MESSAGE_MAX;
    return ring;
}

static struct bench *open_bench(void)
{
    struct bench *bench = zeroed(sizeof(*bench));
    struct worker_parts *parts = &bench->parts;
    static const atomic_uint heard = 1; // control is connected
    char error[256];
    make_ways(bench);
    for (uint8_t i = 0; i < 2; i++)
        bench->queues[i] = (struct worker_queue){.port = ports[i], .network = i};
    *parts = (struct worker_parts){.count = 1,
                                   .queues = bench->queues,
                                   .queue_count = 2,
                                   .pool = pool,
                                   .published = &bench->published,
                                   .shared = &bench->shared,
                                   .keys = {{{1, 2}}, {{3, 4}}, {{5, 6}}, 7},
                                   .dialogs_capacity = DIALOGS,
                                   .transactions_capacity = TRANSACTIONS,
                                   .arena_size = ARENA,
                                   .usages_capacity = beside ? USAGES : 0,
                                   .ua_commands = ua_ring(),
                                   .ua_events = ua_ring(),
                                   .ua_heard = &heard};
    parts->commands = rte_ring_create("commands", 64, SOCKET_ID_ANY, 0);
    parts->results = rte_ring_create("results", 64, SOCKET_ID_ANY, 0);
    parts->asks = rte_ring_create("asks", 64, SOCKET_ID_ANY, 0);
    parts->counters = zeroed(sizeof(*parts->counters));
    parts->peers = zeroed(PEERS_MAX * sizeof(*parts->peers));
    parts->members = zeroed(MEMBERS_MAX * sizeof(*parts->members));
    bench->shared.members[0] = parts->members;
    bench->shared.limits[0] = zeroed(LIMIT_ROWS * sizeof(struct limit_words));
    parts->memory = zeroed(worker_memory(DIALOGS, TRANSACTIONS, parts->usages_capacity));
    parts->file = zeroed(worker_file_memory(DIALOGS));
    parts->arena = zeroed(ARENA);
    bench->worker = worker_create(parts, error, sizeof(error));
    if (bench->worker == NULL)
        rte_exit(1, "%s\n", error);
    // Timers count from when the worker was made.
    began_us = bench->worker->now_us;
    bench->worker->us_per_tsc_shifted = 0;
    return bench;
}

static void close_bench(struct bench *bench)
{
    struct rte_mbuf *mbuf;
    for (unsigned i = 0; i < 2; i++)
        while (rte_ring_dequeue(rx[i], (void **)&mbuf) == 0 || rte_ring_dequeue(tx[i], (void **)&mbuf) == 0)
            rte_pktmbuf_free(mbuf);
    worker_destroy(bench->worker);
    rte_ring_free(bench->parts.commands);
    rte_ring_free(bench->parts.results);
    rte_ring_free(bench->parts.asks);
    free(bench->parts.ua_commands);
    free(bench->parts.ua_events);
    free(bench->parts.counters);
    free(bench->parts.peers);
    free(bench->parts.members);
    free(bench->parts.memory);
    free(bench->parts.file);
    free(bench->parts.arena);
    free((void *)(uintptr_t)bench->shared.limits[0]);
    rules_destroy(bench->published.rules);
    nexthop_destroy(bench->published.nexthops);
    free(bench);
}

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
static double one_turn(struct worker *worker, double now_ns)
{
    static double asking_ns = 1e9; // what the clock itself takes
    worker->us_base = began_us + (uint64_t)(now_ns / 1000);
    if (without)
        worker->overload = (struct overload){0};
    if (refusing) {
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
static void exchange(struct goodput_calls *calls, uint64_t now_us, double rate)
{
    for (unsigned i = 0; i < 2; i++) {
        struct rte_mbuf *mbuf;
        while (rte_ring_dequeue(tx[i], (void **)&mbuf) == 0)
            goodput_calls_take(calls, i, mbuf);
    }
    goodput_calls_run(calls, now_us, rate);
}

static struct result run(double rate)
{
    struct bench *bench = open_bench();
    struct goodput_calls *calls = goodput_calls_create(pool, rx);
    struct result result = {.seconds = MEASURED_US / 1e6};
    struct goodput_count before = {0};
    double now_ns = 0, busy_ns = 0;
    bool warm = false;
    uint64_t next_us = 0;
    while (now_ns < (WARM_UP_US + MEASURED_US) * 1e3) {
        // After a turn that was interrupted, what came meanwhile comes in its order: a queue holds no more.
        for (; (uint64_t)(now_ns / 1000) >= next_us; next_us += slice_us)
            exchange(calls, next_us, rate);
        double took_ns = one_turn(bench->worker, now_ns);
        busy_ns += took_ns;
        now_ns = took_ns == 0 ? (double)next_us * 1e3 : now_ns + took_ns; // nothing comes before
        if (!warm && now_ns >= WARM_UP_US * 1e3) {
            warm = true;
            before = *goodput_calls_count(calls);
            busy_ns = 0;
        }
    }
    const struct goodput_count *count = goodput_calls_count(calls);
    result.count =
        (struct goodput_count){count->offered - before.offered, count->completed - before.completed,
                               count->refused - before.refused, count->lost - before.lost};
    result.before = before.refused + before.completed;
    result.busy = busy_ns / (MEASURED_US * 1e3);
    goodput_calls_destroy(calls);
    close_bench(bench);
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

// What one of a kind takes of the worker, nanoseconds, at a rate that it stands.
static double cost(bool refusals, double rate)
{
    refusing = refusals;
    struct result result = run(rate);
    refusing = false;
    uint64_t n = refusals ? result.count.refused : result.count.completed;
    return result.busy * result.seconds * 1e9 / (double)RTE_MAX(n, 1u);
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

// Refusals come as many as there would be at that overload: what each takes depends on how many share a turn.
static void print_costs(void)
{
    double calls[ROUNDS], refusals[ROUNDS], ratios[ROUNDS];
    printf("    call  refusal  ratio  left at %g\n", OVERLOAD);
    for (unsigned i = 0; i <= ROUNDS; i++) {
        double c, r, ratio;
        if (i < ROUNDS) {
            c = calls[i] = cost(false, LIGHT);
            r = refusals[i] = cost(true, (OVERLOAD - 1) * 1e9 / c);
            ratio = ratios[i] = r / c;
        } else {
            c = median(calls);
            r = median(refusals);
            ratio = median(ratios);
        }
        printf("%5.0f ns %5.0f ns %6.4f %9.1f%%%s\n", c, r, ratio, (1 - OVERLOAD * ratio) / (1 - ratio) * 100,
               i < ROUNDS ? "" : "  medians");
        fflush(stdout);
    }
}

static double completed(double rate)
{
    struct result result = run(rate);
    return (double)result.count.completed / result.seconds;
}

// The rate at which most is completed.
static double best_rate(void)
{
    static const double tries[] = {0.9, 1, 1.1};
    struct result light = run(LIGHT);
    double guess = (double)light.count.completed / light.seconds / light.busy, best = guess, most = 0;
    for (unsigned i = 0; i < RTE_DIM(tries); i++) {
        double got = completed(guess * tries[i]);
        best = got > most ? guess * tries[i] : best;
        most = RTE_MAX(most, got);
    }
    return best;
}

// The most, and what is left of it at that overload, right after it: both see the same machine. The most is
// measured anew at the rate that was found: the best of several tries is the luckiest, too.
static void print_rounds(void)
{
    double shares[ROUNDS];
    printf("    most      left\n");
    for (unsigned i = 0; i < ROUNDS; i++) {
        double most = completed(best_rate()), left = completed(most * OVERLOAD);
        shares[i] = left / most;
        printf("%8.0f  %8.0f  %5.1f%%\n", most, left, shares[i] * 100);
        fflush(stdout);
    }
    printf("%26.1f%%  median\n", median(shares) * 100);
}

static void print_table(void)
{
    static const double tries[] = {1, 1.3, 1.6};
    static const double loads[] = {1, 1.5, 2, 3, 5};
    char name[16];
    double most = 0;
    struct result light = run(LIGHT);
    double guess = (double)light.count.completed / light.seconds / light.busy;
    printf("load     offered  completed   refused    lost  busy  of most\n");
    print("light", &light, (double)light.count.completed / light.seconds);
    for (unsigned i = 0; i < RTE_DIM(tries); i++) {
        struct result result = run(guess * tries[i]);
        most = RTE_MAX(most, (double)result.count.completed / result.seconds);
        print("try", &result, most);
    }
    for (unsigned i = 0; i < RTE_DIM(loads); i++) {
        struct result result = run(most * loads[i]);
        snprintf(name, sizeof(name), "%g", loads[i]);
        print(name, &result, most);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    bool refusals = strcmp(what, "--refusals") == 0;
    beside = strcmp(what, "--calls-beside") == 0;
    boot(argv[0]);
    without = strcmp(what, "--without") == 0;
    if (strcmp(what, "--costs") == 0) {
        print_costs();
    } else if (strcmp(what, "--rounds") == 0) {
        print_rounds();
    } else if ((refusals || beside || strcmp(what, "--calls") == 0) && argc == 4) {
        slice_us = (uint32_t)strtoul(argv[3], NULL, 10);
        refusing = refusals;
        struct result result = run(strtod(argv[2], NULL));
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
