// SPDX-License-Identifier: BSD-3-Clause
#include "drift.h"
#include <stdlib.h>

static const struct {
    const char *name;
    double unit, limit;
} rows[DRIFTS] = {
    [DRIFT_MEMORY] = {"memory of the process, MiB", 1 << 20, 0.01},
    // As many dialogs all the time; of transactions sometimes more are kept and sometimes less.
    [DRIFT_TEXTS] = {"texts in the arena, MiB", 1 << 20, 0.02},
    [DRIFT_LATENCY] = {"p99.9 in the worker, us", 1, 0.5}, // from a bucket to the next
};

static double value_of(const struct wire_round *round, enum drift_of what)
{
    switch (what) {
    case DRIFT_MEMORY:
        return (double)round->rss_octets / rows[what].unit;
    case DRIFT_TEXTS:
        return (double)round->arena_octets / rows[what].unit;
    default:
        return round->p999_us;
    }
}

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

struct drift drift_read(const struct wire_result *result, enum drift_of what)
{
    static double slopes[WIRE_ROUNDS_MAX * (WIRE_ROUNDS_MAX - 1) / 2];
    const unsigned n = result->count;
    double first = value_of(&result->rounds[0], what);
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = i + 1; j < n; j++)
            slopes[count++] =
                (value_of(&result->rounds[j], what) - value_of(&result->rounds[i], what)) / (j - i);
    qsort(slopes, count, sizeof(*slopes), compare);
    double slope = count % 2 == 1 ? slopes[count / 2] : (slopes[count / 2 - 1] + slopes[count / 2]) / 2;
    return (struct drift){rows[what].name, first, slope * (n - 1) / RTE_MAX(first, 1e-9), rows[what].limit};
}
