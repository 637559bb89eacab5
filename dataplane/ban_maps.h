// SPDX-License-Identifier: BSD-3-Clause
// Bans in the maps of the ports' XDP programs, and in the workers' software filter where one is needed.
#ifndef DIALGATE_BAN_MAPS_H
#define DIALGATE_BAN_MAPS_H

#include "bans.h"
#include "boot.h"

// Hits are the sum of both.
struct ban_place ban_maps_place(struct dataplane *plane);

#endif
