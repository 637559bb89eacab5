// SPDX-License-Identifier: BSD-3-Clause
// The pool that all packets come from: with room for the largest MTU of our networks, in the memory of the
// NICs' node.
#ifndef DIALGATE_PACKET_POOL_H
#define DIALGATE_PACKET_POOL_H

#include <rte_mempool.h>
#include "fault.h"
#include "rules.h"

// After EAL. Returns NULL with fault.
struct rte_mempool *packet_pool_create(const struct rules *rules, struct fault *fault);
// The one of buffers that no NIC sees, for the largest datagrams: NULL when none are wanted. Returns 0, or
// -errno with fault.
int packet_pool_create_large(const struct rules *rules, struct rte_mempool **pool, struct fault *fault);

#endif
