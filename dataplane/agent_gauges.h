// SPDX-License-Identifier: BSD-3-Clause
// The agent's block of the counters file: packet buffers, what the drivers say of the networks, and what the
// kernel does.
#ifndef DIALGATE_AGENT_GAUGES_H
#define DIALGATE_AGENT_GAUGES_H

#include "boot.h"

// Asks pool and drivers; AF_XDP's asks the kernel. Each second, of a plane that runs.
void agent_gauges_poll(struct dataplane *plane);

#endif
