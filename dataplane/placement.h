// SPDX-License-Identifier: BSD-3-Clause
// Where workers run against where they should: each on a CPU of its own that the kernel gives to nobody else,
// at the memory node of the devices whose queues it owns, with its own memory there.
#ifndef DIALGATE_PLACEMENT_H
#define DIALGATE_PLACEMENT_H

#include "eal.h"
#include "worker.h"

// PLACEMENT_* of a worker; what is not as it should be is said in the log, with what to do. memory_node:
// where its memory was found.
uint64_t placement_check(const struct eal_plan *plan, const struct worker_parts *parts, int memory_node);

#endif
