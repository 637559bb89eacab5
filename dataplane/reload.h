// SPDX-License-Identifier: BSD-3-Clause
// Configurations that come from control, or from the copy of the one accepted last.
#ifndef DIALGATE_RELOAD_H
#define DIALGATE_RELOAD_H

#include "boot.h"

// The last accepted copy. Returns NULL with fault; fault->text is empty when there is none.
struct rules *reload_saved(const char *state_directory, struct fault *fault);
// Keeps the copy; a failure is only logged, since the configuration is in force without it.
void reload_save(const char *state_directory, const struct rules *rules);

// Puts rules in force in a running data plane, whole or not at all. Takes rules in any case: those that are
// no longer used are destroyed, once no worker reads them. Returns 0 or -errno with fault.
int reload_apply(struct dataplane *plane, struct rules *rules, struct fault *fault);
// Puts a new table of next hops in force, which takes the old one's place in the same way.
void reload_nexthops(struct dataplane *plane, struct nexthop_table *table);
// The same for names of next hops. data_plane: struct dataplane.
void reload_names(void *data_plane, struct name_table *table);

#endif
