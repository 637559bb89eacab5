// SPDX-License-Identifier: BSD-3-Clause
// At which memory nodes the devices of our networks are: each such node has a pool of packets, and DPDK a
// share of its memory there.
#ifndef DIALGATE_PORT_NODES_H
#define DIALGATE_PORT_NODES_H

#include "rules.h"

#define PORT_NODES_MAX 8u

struct port_nodes {
    unsigned count; // of nodes, at least 1; nodes beyond PORT_NODES_MAX are served by the first
    int nodes[PORT_NODES_MAX];
    uint32_t queues[PORT_NODES_MAX]; // of the devices there
    uint32_t least[PORT_NODES_MAX];  // packets that these and the workers' caches may hold
    uint32_t mbufs[PORT_NODES_MAX];  // share of memory.mbufs; in all less than `least` when these are too few
    uint8_t of[NETWORKS_MAX];        // row of a network's device
    int device[NETWORKS_MAX]; // node of the device itself, MEMORY_NODE_NONE: of none, or of two (a bond's)
};

// otherwise: the node that serves devices of none, as virtual ones are; MEMORY_NODE_NONE is fine.
void port_nodes_find(struct port_nodes *nodes, const struct rules *rules, int otherwise);

#endif
