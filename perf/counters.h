// SPDX-License-Identifier: BSD-3-Clause
// What the processor and the kernel count of a thread (perf_event_open(2)): cycles, instructions, misses.
// Machines differ in what they have, virtual ones often have nothing: what is not there is left out, and told
// once.
#ifndef DIALGATE_PERF_COUNTERS_H
#define DIALGATE_PERF_COUNTERS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COUNTERS_MAX 8u

struct counter_event {
    const char *name; // as in the JSON of perf/run
    uint32_t type;    // PERF_TYPE_*
    uint64_t event;   // PERF_COUNT_*
};

// All that perf/run shows or writes: those of the processor first.
extern const struct counter_event counters_known[];
extern const unsigned counters_known_count;

struct counters {
    unsigned count;
    struct {
        const char *name;
        int descriptor;
        uint64_t begin[3]; // at the start: counted, and for how long it was wanted and did count
    } open[COUNTERS_MAX];
    const char *missing; // the first event that is not there, NULL: all are
    int error;           // why it is not, an errno
};

// Opens those of the events that there are, for the calling thread, outside of the kernel. They stand still
// until counters_start(). At most COUNTERS_MAX events, whose names must live as long as counters.
void counters_open(struct counters *counters, const struct counter_event *events, unsigned count);

// Counts from here on.
void counters_start(struct counters *counters);

// Stops, and gives for each of counters->open what was counted since the start. Where the processor counts
// fewer events at once than were opened, each is an estimate: what was counted, over the part of the time in
// which it was. Negative: it never was.
void counters_stop(const struct counters *counters, double values[COUNTERS_MAX]);

void counters_close(struct counters *counters);

#ifdef __cplusplus
}
#endif

#endif
