// SPDX-License-Identifier: BSD-3-Clause
// Times by their size, as HdrHistogram keeps them: 128 steps to each power of two, so that what is read back
// is wrong by less than 1 % whatever its size. Noting one is two shifts and an addition, and nothing is
// allocated.
#ifndef CALLGEN_HISTOGRAM_H
#define CALLGEN_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEP_BITS 7u
#define HISTOGRAM_TOP_BITS  40u // 2^40 ns are 18 minutes: what is longer counts as that
#define HISTOGRAM_CELLS     ((HISTOGRAM_TOP_BITS - HISTOGRAM_STEP_BITS + 1u) << HISTOGRAM_STEP_BITS)

struct histogram { // all zero: empty
    uint64_t count, largest_ns, sum_ns;
    uint64_t cells[HISTOGRAM_CELLS];
};

void histogram_note(struct histogram *histogram, uint64_t ns);

// The time that this share (0 to 1) of what was noted does not exceed, in nanoseconds: the middle of its
// cell, never more than the largest. 0 when nothing was noted.
uint64_t histogram_at(const struct histogram *histogram, double share);

#endif
