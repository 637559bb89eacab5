// SPDX-License-Identifier: BSD-3-Clause
// The two memfds of captured messages (include/dialgate/capture.h): made once, the rings written by the
// workers and handed to control read-only, the tails written by control. CAPTURE_RING_OCTETS a worker,
// present from the start, so that no worker ever waits for a page or finds memory full.
#ifndef DIALGATE_CAPTURE_MEMORY_H
#define DIALGATE_CAPTURE_MEMORY_H

#include <stddef.h>
#include "capture_ring.h"
#include "fault.h"

struct capture_memory {
    struct capture_file *file; // our mapping, NULL: none
    size_t size;
    const struct capture_tails *tails;
    int fd;       // read-only, for control
    int tails_fd; // for control
    struct capture_place places[WORKERS_MAX];
};

// Returns 0 or -errno with fault; nothing is left then.
int capture_memory_create(struct capture_memory *memory, unsigned workers, struct fault *fault);
void capture_memory_destroy(struct capture_memory *memory); // zeroed memory is fine

#endif
