// SPDX-License-Identifier: BSD-3-Clause
// A device that is being reset or is gone: its workers leave it alone meanwhile, and everything else goes on.
//
// The one who resets it sets the bits of its networks in published->away and waits until each worker has
// heard of it (away_heard): from then on no worker is inside the driver of that port, nor goes there, until
// the bits are cleared. What would leave by it is counted as refused. It may be another port of DPDK's
// afterwards.
#ifndef DIALGATE_PATH_AWAY_H
#define DIALGATE_PATH_AWAY_H

#include <stdbool.h>
#include <stdint.h>

struct worker;
struct published;

// At the begin of a turn, when nothing waits to be sent.
void away_heed(struct worker *worker);
// For who sets bits: whether all of count workers have heard of those that stand there now.
bool away_is_heard(const struct published *published, unsigned count);

#endif
