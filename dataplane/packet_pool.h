// SPDX-License-Identifier: BSD-3-Clause
// The pools that all packets come from: one for each memory node that has devices of ours, in that node's
// memory, with room for the largest MTU of our networks.
#ifndef DIALGATE_PACKET_POOL_H
#define DIALGATE_PACKET_POOL_H

#include <rte_mempool.h>
#include "fault.h"
#include "port_nodes.h"
#include "rules.h"

#define PACKET_POOL_CACHE 256u
// Packets that a driver keeps a queue: fill ring and receive ring of AF_XDP, 2048 descriptors either way of a
// NIC.
#define PACKET_POOL_QUEUE 4096u

struct packet_pools {
    unsigned count;
    struct rte_mempool *pools[PORT_NODES_MAX];
    int nodes[PORT_NODES_MAX];
};

// After EAL. Returns 0, or -errno with fault; packet_pools_free() in any case.
int packet_pools_create(struct packet_pools *pools, const struct rules *rules, const struct port_nodes *nodes,
                        struct fault *fault);
void packet_pools_free(struct packet_pools *pools);
// The pool of a node, the first where it has none.
struct rte_mempool *packet_pools_at(const struct packet_pools *pools, int node);
uint32_t packet_pools_used(const struct packet_pools *pools); // packets, of all pools
uint32_t packet_pools_size(const struct packet_pools *pools);
// The one of buffers that no NIC sees, for the largest datagrams: NULL when none are wanted. Returns 0, or
// -errno with fault.
int packet_pool_create_large(const struct rules *rules, struct rte_mempool **pool, struct fault *fault);

#endif
