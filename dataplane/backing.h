// SPDX-License-Identifier: BSD-3-Clause
// Memory that is reserved when the process starts and made present afterwards, by a thread that takes it
// piece by piece: to clear a gigabyte takes longer than all the rest of a start, and calls wait meanwhile.
// Who touches a page before its turn has a page fault, a microsecond.
#ifndef DIALGATE_BACKING_H
#define DIALGATE_BACKING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/counters.h"

struct backing {
    struct backing_range {
        uint8_t *octets; // mapped until backing_stop()
        size_t size;
    } ranges[WORKERS_MAX];
    unsigned count;
    bool runs;
    atomic_bool stop;
    pthread_t thread;
};

// One range more, before backing_start(). At most WORKERS_MAX of them.
void backing_add(struct backing *backing, uint8_t *octets, size_t size);
// Begins. Without a thread, or before Linux 5.14, page faults do it all.
void backing_start(struct backing *backing);
// Ends the thread, wherever it is. Nothing happens when none runs.
void backing_stop(struct backing *backing);

#endif
