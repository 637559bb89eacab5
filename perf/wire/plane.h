// SPDX-License-Identifier: BSD-3-Clause
// Workers as the data plane makes them, on ports made of rings, in this process: no NIC, no root.
#ifndef DIALGATE_PERF_PLANE_H
#define DIALGATE_PERF_PLANE_H

#include <stdbool.h>
#include <rte_mbuf.h>
#include "worker_core.h"

#define PLANE_WORKERS  2u
#define PLANE_NETWORKS 2u

// What lies between workers and those who call through them: rings by network and queue. Worker n owns queue
// n of each network.
struct plane_wire {
    unsigned number, queues;
    uint16_t ports[PLANE_NETWORKS];
    struct rte_ring *rx[PLANE_NETWORKS][PLANE_WORKERS], *tx[PLANE_NETWORKS][PLANE_WORKERS];
};

struct plane_options {
    unsigned workers;                       // as many as the wire has queues
    uint32_t dialogs, transactions, usages; // a worker
    size_t arena;                           // octets a worker
    struct rules *rules;                    // the plane's own from then on, like
    struct nexthop_table *nexthops;         // these
    bool clock_runs;                        // else plane_clock() sets it
};

struct plane_worker {
    struct worker_parts parts;
    struct worker_queue queues[PLANE_NETWORKS];
    struct worker *worker;
    uint64_t began_us; // its clock when it was made
};

struct plane {
    const struct plane_wire *wire;
    struct published published;
    struct worker_shared shared;
    unsigned count;
    struct plane_worker workers[PLANE_WORKERS];
};

// The EAL on these logical cores ("0@0,1@1"), the packets, and so many wires. Ends the program with a line
// when that cannot be. shared: more than one thread sends to a queue.
struct plane_boot {
    const char *program, *lcores;
    unsigned queues;
    bool shared;
};
struct rte_mempool *plane_boot(const struct plane_boot *boot, struct plane_wire *wires, unsigned n);

// Memory in large pages where the kernel has some to give, present and zero; free() frees it.
void *plane_memory(size_t size);

struct plane *plane_open(const struct plane_wire *wire, const struct plane_options *options);
void plane_close(struct plane *plane);
// The clock of all its workers, so long after they were made.
void plane_clock(struct plane *plane, uint64_t us);
// A counter, of all its workers.
uint64_t plane_count(const struct plane *plane, enum counter counter);

#endif
