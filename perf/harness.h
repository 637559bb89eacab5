// SPDX-License-Identifier: BSD-3-Clause
// The C face of Google Benchmark: a benchmark is a row of functions. perf/run runs programs made of them and
// prints one table; what a row is compared with stands in the row, budgets in perf/budgets.py.
#ifndef DIALGATE_PERF_HARNESS_H
#define DIALGATE_PERF_HARNESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench {
    const char *name; // unique over all programs: "subject/case"
    size_t size;      // for setup: octets, records, copies, ...
    const void *with; // for setup: which text, table, ...

    // Makes what run works on, outside of the measured time. NULL skips the row with an error.
    void *(*setup)(const struct bench *bench);
    // Does the work `iterations` times. This is what is timed.
    void (*run)(void *data, uint64_t iterations);
    // Frees what setup made; NULL: nothing to free.
    void (*teardown)(void *data);

    uint64_t items;  // things done in one iteration; figures are given for one of them. 0 means 1
    uint64_t octets; // octets worked through in one iteration; 0: no such figure

    const char *floor; // name of the benchmark below which this one cannot come, or NULL
    const char *peer;  // name of the benchmark that does the same work in other hands, or NULL

    // What is no time, as octets of memory: the figure itself, asked for once, in place of setup and run.
    // Negative skips the row with an error. perf/run gives these rows a process of their own, without those
    // that are timed.
    double (*figure)(const struct bench *bench);
    const char *unit; // of figure; a word without blanks
};

// Registers a row. bench must live until bench_main() returns.
void bench_add(const struct bench *bench);

// Runs what --benchmark_filter selects; all of Google Benchmark's options work. --rows runs nothing and
// prints a line a row: name, unit, floor and peer ("-": none), with tabs between them. Returns the exit
// status.
int bench_main(int argc, char **argv);

// Octets of this process that are in memory now. Leaves the program when the kernel does not tell.
size_t bench_resident(void);

// Makes the compiler believe that the octets behind the pointer are read and changed.
static inline void bench_keep(const void *pointer)
{
    __asm__ volatile("" : : "r"(pointer) : "memory");
}

#ifdef __cplusplus
}
#endif

#endif
