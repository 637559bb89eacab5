// SPDX-License-Identifier: BSD-3-Clause
// Rows for the test of perf/run: what they show is known beforehand, but for the time that they take.
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE  4096u
#define PAGES 64u

static void *some(const struct bench *bench)
{
    return malloc(64);
}

static void *none(const struct bench *bench)
{
    return NULL;
}

static void spend(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        bench_keep(&i);
}

static void run_short(void *data, uint64_t iterations)
{
    for (uint64_t i = 0; i < iterations; i++)
        spend(100);
}

static void run_long(void *data, uint64_t iterations)
{
    for (uint64_t i = 0; i < iterations; i++)
        spend(10000);
}

// Each iteration touches PAGES pages that were never there.
static void run_touch(void *data, uint64_t iterations)
{
    for (uint64_t i = 0; i < iterations; i++) {
        char *pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED)
            abort();
        madvise(pages, PAGES * PAGE, MADV_NOHUGEPAGE);
        for (unsigned page = 0; page < PAGES; page++)
            pages[page * PAGE] = 1;
        bench_keep(pages);
        munmap(pages, PAGES * PAGE);
    }
}

static double grown(const struct bench *bench)
{
    const size_t before = bench_resident();
    char *octets = mmap(NULL, bench->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (octets == MAP_FAILED)
        return -1;
    madvise(octets, bench->size, MADV_NOHUGEPAGE);
    memset(octets, 1, bench->size);
    return (double)(bench_resident() - before);
}

static double dies(const struct bench *bench)
{
    fputs("as it was asked to\n", stderr);
    exit(3);
}

static double no_figure(const struct bench *bench)
{
    return -1;
}

static const struct bench rows[] = {
    {"rows_floor/one", .setup = some, .run = run_short, .teardown = free},
    {"rows_own/one.two+three", .setup = some, .run = run_short, .teardown = free, .floor = "rows_floor/one",
     .peer = "rows_peer/one"},
    {"rows_peer/one", .setup = some, .run = run_long, .teardown = free},
    {"rows_items/ten", .setup = some, .run = run_long, .teardown = free, .items = 10,
     .peer = "rows_peer/one"},
    {"rows_touch/pages", .setup = some, .run = run_touch, .teardown = free, .items = PAGES},
    {"rows_none/setup", .setup = none, .run = run_short},
    {"rows_octets/grown", .size = (size_t)8 << 20, .figure = grown, .unit = "octets"},
    {"rows_octets/none", .figure = no_figure, .unit = "octets"},
};

static const struct bench mortal = {"rows_octets/dies", .figure = dies, .unit = "octets"};

int main(int argc, char **argv)
{
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        bench_add(&rows[i]);
    if (getenv("BENCH_ROWS_DIES") != NULL)
        bench_add(&mortal);
    return bench_main(argc, argv);
}
