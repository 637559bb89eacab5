// SPDX-License-Identifier: BSD-3-Clause
// Cycles by stage of the worker. Of the program wire-stages alone; the other one has stages_off.c.
#ifndef DIALGATE_PERF_STAGES_H
#define DIALGATE_PERF_STAGES_H

#include <stdbool.h>
#include <stdint.h>
#include "script.h"

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
    // Of the cycles those that belong to a message of a kind; what is done for many at once does not.
    double kinds[KINDS];
};

struct stage_times {
    struct stage_time stages[STAGES];
    uint64_t messages[KINDS]; // by kind, those that were no requests or responses of these left out
    double probe_cycles;      // that one call of a stage takes more
    uint64_t probes;
};

void stages_begin(void);                     // from here on
bool stages_read(struct stage_times *times); // false: there are no probes here

#endif
