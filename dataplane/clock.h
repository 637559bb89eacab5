// SPDX-License-Identifier: BSD-3-Clause
// The agent's clock. Workers take time from the TSC.
#ifndef DIALGATE_CLOCK_H
#define DIALGATE_CLOCK_H

#include <stdint.h>
#include <time.h>

// Milliseconds of the monotonic clock, never 0.
static inline uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u + 1u;
}

#endif
