// SPDX-License-Identifier: BSD-3-Clause
// One run of the wire: what it is to be, and what came of it.
#ifndef DIALGATE_PERF_WIRE_H
#define DIALGATE_PERF_WIRE_H

#include "crowd.h"

#define WIRE_ROUNDS_MAX 32u // measured

struct wire_options {
    struct world_size size;
    struct crowd_mix mix;
    uint32_t dialogs;
    uint32_t pending; // transactions
    uint32_t timers;  // beside those of dialogs and transactions
    uint32_t whole;
    uint32_t batch;    // messages that are sent before the worker's turns
    uint32_t rate;     // messages a second of the worker's clock
    uint64_t messages; // of a measured round
    unsigned rounds;
    uint64_t seed;
    bool quiet;
};

// Of a measured round.
struct wire_round {
    uint64_t received, sent, calls; // by the worker; calls ended
    double ns;                      // CPU time of its turns
};

struct wire_result {
    struct wire_round rounds[WIRE_ROUNDS_MAX];
    unsigned count;
    struct crowd_count crowd;
    uint32_t held;
    double grown_s;                // CPU time, all
    uint64_t open;                 // answers that never came
    uint64_t transactions, timers; // in the worker when the last round ended
    uint64_t rss_octets;           // of the process, then
    char fault[256];               // "" when all is as it should be
};

// One thread: far ends and worker take turns, the worker's are timed.
void turns_run(const struct wire_options *options, struct wire_result *result);

// What counters have to say at the end: in = out + dropped + kept. Writes what does not hold into fault.
void wire_balance(const struct plane *plane, const struct crowd_count *crowd, struct wire_result *result);

#endif
