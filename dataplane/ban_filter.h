// SPDX-License-Identifier: BSD-3-Clause
// Bans of the workers' software filter: the table that they look into follows the agent's.
#ifndef DIALGATE_BAN_FILTER_H
#define DIALGATE_BAN_FILTER_H

#include "bans.h"
#include "boot.h"

// Publishes another table when the bans in force are others. Each tick. Without memory the old one stays, and
// the next tick tries again.
void ban_filter_poll(struct dataplane *plane, const struct bans *bans);

#endif
