// SPDX-License-Identifier: BSD-3-Clause
// What the operator says of the node, a peer or a member. It is written down, compiled into the configuration
// in force and handed over as a reload is: whole or nothing, and what failed is as if it had not been said.
#ifndef DIALGATE_CONTROL_DRAIN_H
#define DIALGATE_CONTROL_DRAIN_H

#include "control.h"

struct drain_request {
    const char *peer;   // NULL: the node
    const char *member; // address, address:port or host; NULL: the whole peer
    enum overlay_state state;
    const char *who;
};

// Returns 0 (answer follows, perhaps before this returns; what stands already is no fault) or -errno with one
// line in error (no answer follows): -ENOENT when there is no such peer or member, -EINVAL when something
// else keeps it drained.
int drain_request(struct control *control, const struct drain_request *request,
                  const struct reload_answer *answer, char *error, size_t size);

// The peer of this name in the configuration in force, its number in number; NULL: none.
const struct snapshot_peer *drain_peer(const struct control *control, const char *name, uint32_t *number);

// For control.c: the change that was handed over is (0) or is not in force; another file is in force.
void drain_settle(struct control *control, int result);
void drain_follow(struct control *control);

#endif
