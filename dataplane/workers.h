// SPDX-License-Identifier: BSD-3-Clause
// All workers: their memory, the rings between them, their threads.
#ifndef DIALGATE_WORKERS_H
#define DIALGATE_WORKERS_H

#include "counters_file.h"
#include "eal.h"
#include "call_records.h"
#include "capture_memory.h"
#include "images.h"
#include "ports.h"
#include "worker.h"

struct workers {
    unsigned count;
    struct published published;
    struct worker_parts parts[WORKERS_MAX];
    struct worker_queue queues[WORKERS_MAX][WORKER_QUEUES_MAX];
    struct worker *workers[WORKERS_MAX];
    void *memory[WORKERS_MAX];
    size_t memory_size;
    bool launched[WORKERS_MAX];
    struct worker_shared shared;
    struct limit_words *limits[WORKERS_MAX];
    void *ua_memory[WORKERS_MAX]; // rings of commands and events (dialgate/channel_ua.h)
    size_t ua_memory_size;        // of each
    atomic_uint ua_heard;         // which control is connected, 0: none: the agent writes, workers read
};

struct workers_plan {
    const struct eal_plan *eal;
    const struct ports *ports;
    const struct counters_file *counters;
    const struct cookie_keys *keys;
    struct images *images; // a file a worker, which outlives the workers
    const struct call_records *records;
    const struct capture_memory *captures;
    struct rules *rules; // published; the caller keeps owning them until workers_create() succeeded
    struct nexthop_table *nexthops; // the same
    struct filter_policy *filter;   // the same
};

// Returns 0 or -errno with fault; then nothing is left.
int workers_create(struct workers *workers, const struct workers_plan *plan, struct fault *fault);
int workers_launch(struct workers *workers, struct fault *fault);
// Waits until all have left their loops. False: one does not answer; then nothing of theirs may be freed.
bool workers_stop(struct workers *workers);
// The caller frees what is published.
void workers_destroy(struct workers *workers);
// Which of count workers owns a queue.
unsigned workers_queue_owner(unsigned count, unsigned network, unsigned queue);

#endif
