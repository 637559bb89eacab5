// SPDX-License-Identifier: BSD-3-Clause
// One core's memory: table, wheel, transactions, beside DPDK's hash and timers. Whatever a row works on is
// made once and stays, since making ten million entries takes longer than measuring them.
#include "bench_state.h"
#include "harness.h"

#include <rte_eal.h>
#include <rte_memory.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 // since Linux 6.1
#endif

void *bench_memory(size_t size)
{
    size = (size + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    void *memory = aligned_alloc(LARGE_PAGE, size);
    if (memory == NULL) {
        fprintf(stderr, "bench_state: no memory for %zu octets\n", size);
        exit(1);
    }
    (void)madvise(memory, size, MADV_HUGEPAGE); // a wish
    memset(memory, 0, size);
    return memory;
}

#define ORDERS_MAX 8u

const uint64_t *bench_words(uint32_t count)
{
    static struct {
        uint32_t count;
        uint64_t *words;
    } orders[ORDERS_MAX];
    unsigned n = 0;
    while (n < ORDERS_MAX - 1 && orders[n].count != 0 && orders[n].count != count)
        n++;
    if (orders[n].count == count)
        return orders[n].words;
    uint64_t *words = bench_memory(count * sizeof(*words));
    for (uint32_t i = 0; i < count; i++)
        words[i] = bench_mix(i);
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t other = (uint32_t)(bench_mix(~(uint64_t)i) % (i + 1));
        uint64_t word = words[i];
        words[i] = words[other];
        words[other] = word;
    }
    orders[n].count = count;
    orders[n].words = words;
    return words;
}

static int collapse(const struct rte_memseg_list *list, const struct rte_memseg *segment, void *argument)
{
    (void)madvise(segment->addr, segment->len, MADV_COLLAPSE); // a wish
    return 0;
}

bool bench_eal(void)
{
    static int state; // 0: not tried, 1: runs, -1: does not
    static char arguments[][32] = {"bench_state",    "--no-huge", "--no-shconf", "--no-pci",
                                   "--no-telemetry", "-m",        "1280",        "--log-level=error"};
    char *list[sizeof(arguments) / sizeof(arguments[0]) + 1] = {NULL};
    cpu_set_t cpus;
    if (state != 0)
        return state == 1;
    for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++)
        list[i] = arguments[i];
    bool kept = sched_getaffinity(0, sizeof(cpus), &cpus) == 0;
    state = rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), list) < 0 ? -1 : 1;
    // The EAL ties this thread to its first core; rows that run later would not be measured as those before.
    if (kept)
        (void)sched_setaffinity(0, sizeof(cpus), &cpus);
    if (state == 1)
        rte_memseg_walk(collapse, NULL);
    return state == 1;
}

int main(int argc, char **argv)
{
    bench_state_table();
    bench_state_hash();
    bench_state_wheel();
    bench_state_timer();
    bench_state_transaction();
    bench_state_cookie();
    return bench_main(argc, argv);
}
