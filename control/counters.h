// SPDX-License-Identifier: BSD-3-Clause
// Reading side of the counters file (include/dialgate/counters.h): checked once, mapped read-only, summed on
// demand.
#ifndef DIALGATE_CONTROL_COUNTERS_H
#define DIALGATE_CONTROL_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/counters.h"
#include "dialgate/filter_notes.h"
#include "dialgate/snapshot.h"

struct counters;

// Checks seals, size and header of the descriptor and maps it. The descriptor stays the caller's. Returns 0,
// or -errno with one line in error.
int counters_open(int fd, struct counters **counters, char *error, size_t size);
void counters_close(struct counters *counters); // NULL is allowed

uint32_t counters_workers(const struct counters *counters);
uint64_t counters_start_time_s(const struct counters *counters); // Unix time

// Of one worker; worker < counters_workers().
uint64_t counters_value(const struct counters *counters, uint32_t worker, enum counter counter);
uint64_t counters_cpu(const struct counters *counters, uint32_t worker);
uint64_t counters_busy_us(const struct counters *counters,
                          uint32_t worker); // in turns that received something
uint64_t counters_placement(const struct counters *counters, uint32_t worker); // PLACEMENT_*
// Memory nodes, -1: not known.
struct counters_nodes {
    int64_t cpu, memory; // of the worker's CPU, of its tables and dialogs
};
struct counters_nodes counters_nodes(const struct counters *counters, uint32_t worker);
// A queue of a worker by its place among them. False: it has no more.
bool counters_queue(const struct counters *counters, uint32_t worker, uint32_t index,
                    struct counters_queue *queue);

// Sums over all workers. A number outside the file's range gives zeros.
uint64_t counters_sum(const struct counters *counters, enum counter counter);
struct counters_peer counters_peer(const struct counters *counters, uint32_t peer);
struct counters_member counters_member(const struct counters *counters, uint32_t member);

struct histogram_sum {
    uint64_t buckets[HISTOGRAM_BUCKETS]; // not cumulative
    uint64_t count;
    uint64_t sum; // of all values, in steps
};
struct histogram_sum counters_histogram(const struct counters *counters, enum histogram histogram);
// The bound of the bucket in which the given share (0 .. 1) of the values lies, in steps; UINT64_MAX beyond
// the last bound, 0 when there are no values.
uint64_t histogram_quantile(const struct histogram_sum *histogram, double share);

// What belongs to no worker. A network outside the file's range gives zeros.
struct counters_agent counters_agent(const struct counters *counters);
// What the software filters of all workers did on a network (enum prefilter_reason), and with the packets of
// a class (enum prefilter_tally).
void counters_filter(const struct counters *counters, uint32_t network,
                     uint64_t values[PREFILTER_REASON_COUNT]);
void counters_class(const struct counters *counters, uint32_t class, uint64_t values[PREFILTER_TALLY_COUNT]);
struct counters_network counters_network(const struct counters *counters, uint32_t network);
// Notes of drops of one worker; worker < counters_workers(). drop_read.h reads them.
const struct filter_notes *counters_notes(const struct counters *counters, uint32_t worker);

#endif
