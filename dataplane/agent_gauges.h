// SPDX-License-Identifier: BSD-3-Clause
// The agent's block of the counters file: packet buffers and what the drivers say of the networks.
#ifndef DIALGATE_AGENT_GAUGES_H
#define DIALGATE_AGENT_GAUGES_H

#include "counters_file.h"
#include "ports.h"

// Asks pool and drivers; AF_XDP's asks the kernel. Each second.
void agent_gauges_poll(const struct counters_file *counters, const struct ports *ports);

#endif
