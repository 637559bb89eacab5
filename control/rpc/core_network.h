// SPDX-License-Identifier: BSD-3-Clause
// Networks as workers have them: link, MTU, what the NIC does for them, and how the kernel has the rest.
#ifndef DIALGATE_RPC_CORE_NETWORK_H
#define DIALGATE_RPC_CORE_NETWORK_H

#include <jansson.h>

struct control;

// The part "networks" of core.list and system.status, a new reference. Empty without the counters.
json_t *core_networks(const struct control *control);

#endif
