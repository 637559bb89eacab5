// SPDX-License-Identifier: BSD-3-Clause
// The C face of Google Benchmark: a benchmark is a row of functions. perf/run runs programs made of them and
// prints one table; what a row is compared with stands in the row.
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

    const char *floor;   // name of the benchmark below which this one cannot come, or NULL
    const char *peer;    // name of the benchmark that does the same work in other hands, or NULL
    double budget_ns;    // at most this for one item; 0: none
    double budget_ratio; // at least this many times faster than peer; 0: none
};

// Registers a row. bench must live until bench_main() returns.
void bench_add(const struct bench *bench);

// Runs what --benchmark_filter selects; all of Google Benchmark's options work. Returns the exit status.
int bench_main(int argc, char **argv);

// Makes the compiler believe that the octets behind the pointer are read and changed.
static inline void bench_keep(const void *pointer)
{
    __asm__ volatile("" : : "r"(pointer) : "memory");
}

#ifdef __cplusplus
}
#endif

#endif
