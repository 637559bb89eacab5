// SPDX-License-Identifier: BSD-3-Clause
// What becomes of a bond's devices while they are in use, by the thread of port_watch.h. One that was reset
// or removed leaves the bond and is closed; when it can be probed again it joins. The others serve meanwhile,
// and the workers are out of the port only for the moment of the change. When packets leave by another device
// than before, what announce.h makes is sent, ANNOUNCE_TIMES.
#ifndef DIALGATE_BOND_WATCH_H
#define DIALGATE_BOND_WATCH_H

#include "port_watch.h"

// Each time that the thread looks at a bond's port, after it has found which devices have a link.
void bond_watch_look(struct port_watch *watch, struct port_watched *row);
// The link of a port, or of a device of it: asked where its driver bears it.
bool bond_watch_link_is_up(const struct port_watched *row, uint16_t id);

#endif
