// SPDX-License-Identifier: BSD-3-Clause
#ifndef DIALGATE_CONTROL_RPC_CORE_H
#define DIALGATE_CONTROL_RPC_CORE_H

#include <jansson.h>

struct counters;

// A new object: for each way in which a worker's CPU may be wrong, the numbers of the workers where it is.
json_t *core_placement_json(const struct counters *counters);

#endif
