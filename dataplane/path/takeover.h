// SPDX-License-Identifier: BSD-3-Clause
// What the agent gives a worker of earlier processes' dialogs, and what the worker says of it.
#ifndef DIALGATE_PATH_TAKEOVER_H
#define DIALGATE_PATH_TAKEOVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct image;

struct takeover {
    struct image *const *images; // newest first; they stay until every worker is finished
    unsigned image_count;
    // Written by the worker, read by the agent after the flag below them.
    uint64_t taken;
    uint64_t damaged;
    uint64_t no_room;
    atomic_bool begun;    // table, timers and counts are whole, packets are taken
    atomic_bool finished; // nothing leads to an image any more
};

#endif
