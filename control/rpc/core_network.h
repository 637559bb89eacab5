// SPDX-License-Identifier: BSD-3-Clause
// Networks as workers have them: link, MTU, and what the NIC does for them.
#ifndef DIALGATE_RPC_CORE_NETWORK_H
#define DIALGATE_RPC_CORE_NETWORK_H

#include <jansson.h>

struct control;

// The part "networks" of core.list, a new reference. The counters are mapped.
json_t *core_networks(const struct control *control);

#endif
