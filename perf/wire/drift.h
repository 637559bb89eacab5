// SPDX-License-Identifier: BSD-3-Clause
// Whether something goes up from round to round: the median of the slopes between any two of them (Theil and
// Sen), so that one bad minute is none. Nothing less than a bucket of the histogram can be seen of a latency.
#ifndef DIALGATE_PERF_DRIFT_H
#define DIALGATE_PERF_DRIFT_H

#include "wire.h"

enum drift_of { DRIFT_MEMORY, DRIFT_TEXTS, DRIFT_LATENCY, DRIFTS };

struct drift {
    const char *name;
    double first, growth; // in the first round, and from there to the last one, as a share of it
    double limit;         // of growth
};

// Of rounds at a rate, two or more.
struct drift drift_read(const struct wire_result *result, enum drift_of what);
static inline bool drift_is_fine(const struct drift *drift)
{
    return drift->growth <= drift->limit;
}

#endif
