// SPDX-License-Identifier: BSD-3-Clause
// Frames between parties and our listeners.
#ifndef DIALGATE_PERF_DATAGRAM_H
#define DIALGATE_PERF_DATAGRAM_H

#include "world.h"

#define DATAGRAM_TEXT_MAX 1440u

// What a frame that left says.
struct arrival {
    enum world_side side;
    uint32_t party; // of that side
    const char *text;
    uint32_t length;
};

// A datagram from a party to our listener on its network. NULL: no mbuf.
struct rte_mbuf *datagram_make(const struct world *world, struct rte_mempool *pool,
                               const struct arrival *from);
// Reads a frame that left by a side's network: to its router or link, from our listener, to a party. False:
// it is something else. sums: checksums are looked at, too. The text lies in the mbuf.
bool datagram_read(const struct world *world, enum world_side side, const struct rte_mbuf *mbuf, bool sums,
                   struct arrival *to);

#endif
