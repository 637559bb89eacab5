// SPDX-License-Identifier: BSD-3-Clause
// DPDK's memory: memory.mb is what it begins with and what it may have. With huge pages it would take more of
// them whenever it is asked for more; plain memory is one piece that cannot grow. Of several memory nodes
// each has its share, in proportion to the packets there, and its own limit.
#ifndef DIALGATE_EAL_MEMORY_H
#define DIALGATE_EAL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include "port_nodes.h"

#define EAL_MEMORY_NODES   32u // that DPDK knows, at most
#define EAL_MEMORY_SIZE    (EAL_MEMORY_NODES * 8u)
#define EAL_MEMORY_HUGE_MB 2u // of a huge page

struct eal_memory {
    uint32_t mb;
    bool huge;
    bool split;                   // each node has its share; else DPDK chooses
    char shares[EAL_MEMORY_SIZE]; // of each node, as --socket-mem has them: "512" or "256,256"
    char limits[EAL_MEMORY_SIZE]; // the same for --socket-limit
};

// Of a node where a thread of DPDK's runs: what belongs to no device is taken there, and DPDK ends the
// process where it finds none.
#define EAL_MEMORY_BASE_MB 16u

struct eal_memory_wants {
    uint32_t mb;
    bool may_huge;                  // huge pages are not forbidden
    const struct port_nodes *ports; // NULL: there are no packets
    const int *threads;             // nodes of the threads' CPUs
    unsigned thread_count;
};

// What each node of the machine is to have: the parts of port_nodes' packets, whole huge pages. nodes: 1 ..
// EAL_MEMORY_NODES, as DPDK numbers them. Returns false when the node of a device or a thread is none of
// them.
bool eal_memory_split(const struct eal_memory_wants *wants, const int *nodes, unsigned count,
                      uint32_t *shares);
// Chooses.
void eal_memory_plan(struct eal_memory *memory, const struct eal_memory_wants *wants);
// After the start: counts what DPDK is refused beyond the limit. Returns 0 or -errno.
int eal_memory_watch(const struct eal_memory *memory);
// How often that was: DPDK asks once for each size of huge pages. node: of the last time.
uint64_t eal_memory_refused(int *node);

#endif
