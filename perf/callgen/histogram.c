// SPDX-License-Identifier: BSD-3-Clause
#include "histogram.h"

#define STEPS (1u << HISTOGRAM_STEP_BITS)

// Below 2^HISTOGRAM_STEP_BITS each value has a cell; above, the power of two and the bits after its first one
// name it.
static unsigned cell_of(uint64_t ns)
{
    if (ns < STEPS)
        return (unsigned)ns;
    unsigned power = 63u - (unsigned)__builtin_clzll(ns);
    if (power >= HISTOGRAM_TOP_BITS)
        return HISTOGRAM_CELLS - 1;
    unsigned shift = power - HISTOGRAM_STEP_BITS;
    return ((shift + 1) << HISTOGRAM_STEP_BITS) + (unsigned)((ns >> shift) & (STEPS - 1));
}

static uint64_t middle_of(unsigned cell)
{
    if (cell < STEPS)
        return cell;
    unsigned shift = (cell >> HISTOGRAM_STEP_BITS) - 1;
    return ((uint64_t)(STEPS + (cell & (STEPS - 1))) << shift) + ((UINT64_C(1) << shift) >> 1);
}

void histogram_note(struct histogram *histogram, uint64_t ns)
{
    histogram->count++;
    histogram->sum_ns += ns;
    if (ns > histogram->largest_ns)
        histogram->largest_ns = ns;
    histogram->cells[cell_of(ns)]++;
}

uint64_t histogram_at(const struct histogram *histogram, double share)
{
    double wanted = share * (double)histogram->count;
    uint64_t below = 0;
    for (unsigned cell = 0; cell < HISTOGRAM_CELLS; cell++) {
        below += histogram->cells[cell];
        if (below == 0 || (double)below < wanted)
            continue;
        uint64_t ns = middle_of(cell);
        return ns < histogram->largest_ns ? ns : histogram->largest_ns;
    }
    return histogram->largest_ns;
}
