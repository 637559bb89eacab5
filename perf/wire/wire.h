// SPDX-License-Identifier: BSD-3-Clause
// One run of the wire: what it is to be, and what came of it.
#ifndef DIALGATE_PERF_WIRE_H
#define DIALGATE_PERF_WIRE_H

#include "crowd.h"
#include "stages.h"

#define WIRE_ROUNDS_MAX 240u // measured

enum wire_mode {
    WIRE_TURNS,  // far ends and worker on one core
    WIRE_CORES,  // on a core each
    WIRE_OWN,    // two cores, a worker and far ends on each: what is a worker's comes to it,
    WIRE_SPREAD, // comes to one or the other by its source,
    WIRE_ONE     // all comes to the first
};

struct wire_options {
    enum wire_mode mode;
    // WIRE_CORES: rounds of so many seconds in which messages come at rate; 0: as fast as they are taken.
    uint32_t round_s;
    bool half;   // rate is to be half of the highest, which is looked for before
    bool sorted; // WIRE_TURNS: a batch is of one kind
    struct world_size size;
    struct crowd_mix mix;
    uint32_t dialogs;
    uint32_t pending; // transactions
    uint32_t timers;  // beside those of dialogs and transactions
    uint32_t whole;
    uint32_t core;     // of the machine; WIRE_TURNS
    uint32_t batch;    // messages that are sent before the worker's turns
    uint32_t rate;     // messages a second of the worker's clock
    uint64_t messages; // of a measured round
    unsigned rounds;
    uint64_t seed;
    bool quiet;
};

// Of a measured round.
struct wire_round {
    uint64_t received, sent, calls;  // by the worker; calls ended
    double ns;                       // CPU time of its turns; of several workers, of the one that takes most
    double worker_ns[PLANE_WORKERS]; // of pairs: of each
    double wall_ns;                  // 0: nobody looked
    // From the turn that received a message to when what came of it had left.
    double p50_us, p99_us, p999_us;
    uint64_t arena_octets; // of texts, of all workers
    uint64_t rss_octets;   // of the process, when it ended
    uint64_t handed_over;  // messages from worker to worker
};

// Of batches of one kind.
struct wire_kind {
    uint64_t received;
    double ns; // CPU time of the worker's turns
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
    struct stage_times stages;     // of all rounds
    bool has_stages;
    struct wire_kind kinds[KINDS]; // sorted, of all rounds
    double rate;                   // messages a second, of rounds at a rate
    char fault[256];               // "" when all is as it should be
};

// One thread: far ends and worker take turns, the worker's are timed.
void turns_run(const struct wire_options *options, struct wire_result *result);

// A thread for the far ends, another one for the worker in its own loop, by its own clock.
void cores_run(const struct wire_options *options, struct wire_result *result);

// Two threads with far ends and a worker each.
void pairs_run(const struct wire_options *options, struct wire_result *result);

// What counters have to say at the end: in = out + dropped + kept. Writes what does not hold into fault.
void wire_balance(const struct plane *plane, const struct crowd_count *crowd, struct wire_result *result);

#endif
