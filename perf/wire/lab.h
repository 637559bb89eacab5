// SPDX-License-Identifier: BSD-3-Clause
// What every kind of run has: the world, workers, and a crowd for each of them, opened, brought to the number
// of dialogs that are held, and closed with the balance of all counters.
#ifndef DIALGATE_PERF_LAB_H
#define DIALGATE_PERF_LAB_H

#include "wire.h"

struct lab {
    const struct wire_options *options;
    struct plane_wire wire;
    struct world *world;
    struct plane *plane;
    struct crowd *crowds[PLANE_WORKERS];
    struct wheel_node *timers;
};

struct lab_form {
    const char *lcores; // as plane_boot() takes them
    unsigned crowds;    // that share what is held
    uint32_t window;    // of each of them
};
void lab_open(struct lab *lab, const struct lab_form *form);
void lab_close(struct lab *lab);
uint32_t lab_held(const struct lab *lab);
uint64_t lab_wrong(const struct lab *lab);
// Before the end: gauges, and what is held.
void lab_gauge(const struct lab *lab, struct wire_result *result);
// The same; then nothing begins any more, and calls that ring are refused.
void lab_settle(struct lab *lab, struct wire_result *result);
// After all has come to rest: sums, and whether the counters balance.
void lab_judge(struct lab *lab, struct wire_result *result);

// What has been counted up to now, for the difference of two moments. Words of other threads are read as they
// stand.
struct lab_moment {
    uint64_t received, sent, calls, handed_over;
    uint64_t turn_us; // of turns that received something
    uint64_t arena_octets;
    uint64_t forwarding[HISTOGRAM_BUCKETS]; // by latency
    double wall_ns;
};
void lab_look(const struct lab *lab, struct lab_moment *moment);
// All but ns, which is of those turns.
struct wire_round lab_since(const struct lab_moment *before, const struct lab_moment *now);

// The worker works on although its queues are never empty: how much it can do is to be seen.
static inline void lab_never_behind(struct worker *worker)
{
    worker->overload = (struct overload){0};
}

double lab_cpu_ns(void);  // of this thread
double lab_wall_ns(void); // of the monotonic clock
uint64_t lab_resident(void);

#endif
