// SPDX-License-Identifier: BSD-3-Clause
// Bans in the maps of the ports' XDP programs.
#ifndef DIALGATE_BAN_MAPS_H
#define DIALGATE_BAN_MAPS_H

#include "bans.h"
#include "boot.h"

// Hits of the workers' software filter (ban_filter.h) count, too.
struct ban_place ban_maps_place(struct dataplane *plane);

#endif
