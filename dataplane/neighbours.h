// SPDX-License-Identifier: BSD-3-Clause
// The link-layer addresses on the way to the members, asked for before a call needs them.
#ifndef DIALGATE_NEIGHBOURS_H
#define DIALGATE_NEIGHBOURS_H

#include <stdbool.h>
#include <stdint.h>
#include "boot.h"

// Asks the kernel for those that the published table of next hops lacks; all: for those that it has, too.
void neighbours_ask(const struct dataplane *plane, bool all, uint64_t now_ms);

#endif
