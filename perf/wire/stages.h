// SPDX-License-Identifier: BSD-3-Clause
// Cycles by stage of the worker. Of the program wire-stages alone; the other one has stages_off.c.
#ifndef DIALGATE_PERF_STAGES_H
#define DIALGATE_PERF_STAGES_H

#include <stdbool.h>
#include <stdint.h>

enum stage {
    STAGE_OUTSIDE, // not the worker
    STAGE_TURN,    // what is none of those below
    STAGE_RX,
    STAGE_SCREEN,
    STAGE_STEER,
    STAGE_PARSE,
    STAGE_TRANSACTION,
    STAGE_DIALOG,
    STAGE_ROUTE,
    STAGE_RECORD,
    STAGE_RENDER,
    STAGE_TX,
    STAGE_FLUSH,
    STAGE_TIMERS,
    STAGES
};

struct stage_time {
    const char *name;
    double cycles;  // of the TSC, less those of the probes
    uint64_t calls; // messages, or bursts
};

struct stage_times {
    struct stage_time stages[STAGES];
    double probe_cycles; // that one call of a stage takes more
    uint64_t probes;
};

void stages_begin(void);                     // from here on
bool stages_read(struct stage_times *times); // false: there are no probes here

#endif
