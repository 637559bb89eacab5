// SPDX-License-Identifier: BSD-3-Clause
// A worker as the data plane makes it, with the configuration of the unit tests, on ports made of rings.
#ifndef DIALGATE_PERF_GOODPUT_BENCH_H
#define DIALGATE_PERF_GOODPUT_BENCH_H

#include <stdbool.h>
#include <rte_mbuf.h>
#include "image.h"
#include "worker_core.h"

// What lies between a worker and those who call through it, by network.
struct goodput_wire {
    unsigned number;
    uint16_t ports[2];
    struct rte_ring *rx[2], *tx[2];
};

struct goodput_bench {
    struct snapshot_image image;
    struct published published;
    struct worker_shared shared;
    struct worker_parts parts;
    struct worker_queue queues[2];
    struct worker *worker;
    uint64_t began_us; // its clock when it was made, which stands still since
};

// The EAL, the packets, and so many wires.
struct rte_mempool *goodput_boot(const char *program, struct goodput_wire *wires, unsigned n);
// beside: an application is configured, which has no calls.
struct goodput_bench *goodput_open(const struct goodput_wire *wire, bool beside);
void goodput_close(struct goodput_bench *bench, const struct goodput_wire *wire);

#endif
