// SPDX-License-Identifier: BSD-3-Clause
// One line when a worker falls behind, and one when it is no longer.
#ifndef DIALGATE_OVERLOAD_LOG_H
#define DIALGATE_OVERLOAD_LOG_H

#include "log.h"
#include "workers.h"

struct overload_log {
    uint32_t reasons[WORKERS_MAX]; // what was said last, bits
    uint64_t refused[WORKERS_MAX]; // calls refused until it fell behind
    struct log_limit limit;
};

// Now and then: once a second is enough. log is zeroed at first.
void overload_log_poll(struct overload_log *log, const struct workers *workers);

#endif
