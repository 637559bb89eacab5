// SPDX-License-Identifier: BSD-3-Clause
// Which networks share a port (rules.h).
#ifndef DIALGATE_RULES_PORTS_H
#define DIALGATE_RULES_PORTS_H

#include "rules.h"

// Networks of one interface share it. What a port has once (attachment, device, queues) is equal then, and
// tags tell frames apart. Returns -1, or the index of a network for which that is not so.
int rules_ports_deal(struct rules_ports *ports, const struct snapshot_network *networks, uint32_t count);
// Whether a network's devices, its bond and its flags are some that go together.
bool rules_ports_fits(const struct snapshot_network *network);

#endif
