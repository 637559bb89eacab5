// SPDX-License-Identifier: BSD-3-Clause
// DPDK's environment: its arguments, its memory, its log.
#ifndef DIALGATE_EAL_H
#define DIALGATE_EAL_H

#include <stdbool.h>
#include "dialgate/snapshot.h"
#include "fault.h"

#define EAL_CPUS_MAX    1024u
#define EAL_DEVICES_MAX (NETWORKS_MAX * NETWORK_DEVICES_MAX)

struct port_nodes;

struct eal_plan {
    const char *file_prefix;
    uint32_t memory_mb;
    const struct port_nodes *nodes; // where its packets are to lie, NULL: there are none
    unsigned workers;
    const uint16_t *cpus; // that may be used, ascending
    unsigned cpu_count;
    const char *devices[EAL_DEVICES_MAX]; // PCI addresses that DPDK may take; it takes no other
    unsigned device_count;
    char *const *arguments; // the operator's, after ours
    unsigned argument_count;
};

// The CPU of the main thread (the first) and of each worker (from the last): only when there are more workers
// than other CPUs does one share the main thread's.
unsigned eal_main_cpu(const struct eal_plan *plan);
unsigned eal_worker_cpu(const struct eal_plan *plan, unsigned worker);
// The memory node of that CPU, MEMORY_NODE_NONE where the kernel does not say.
int eal_worker_node(const struct eal_plan *plan, unsigned worker);
// DPDK's number for a worker's thread.
static inline unsigned eal_worker_lcore(unsigned worker)
{
    return worker + 1;
}

// Once a process. Returns 0 or -errno with fault.
int eal_start(const struct eal_plan *plan, struct fault *fault);
void eal_stop(void);

// What DPDK said first since the last call of eal_words_forget(): the reason behind a failed call; what
// follows it only says that it failed. Empty when it said nothing.
const char *eal_words(void);
void eal_words_forget(void);
// Once all has started: from now on what DPDK says goes to our log, and what it is refused beyond memory.mb
// is counted (eal_memory.h). Before, the one is only remembered, for the one line of a failed start, and the
// other no fault: a pool that finds no room in one piece is made of several.
void eal_begin_watch(void);

#endif
