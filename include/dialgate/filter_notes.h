// SPDX-License-Identifier: BSD-3-Clause
// What a worker's software filter notes of its drops, for control to read: what the XDP program has in its
// ring of drops and its table of droppers, in memory, with the same sample and limits (prefilter.h). One
// block a worker, in the counters file behind its struct counters_filter.
//
// The worker is the one writer and never waits. The newest FILTER_NOTES notes stay, each at its number modulo
// that; a reader has the next number as its place, and those that were written over meanwhile are a gap in
// the numbers. A note's number is 0 while it is written, a dropper's version odd: who reads takes a copy, and
// looks again whether it is still what it was.
#ifndef DIALGATE_FILTER_NOTES_H
#define DIALGATE_FILTER_NOTES_H

#include <assert.h>
#include <stdint.h>
#include "dialgate/prefilter.h"

#define FILTER_NOTES        256u // more than two seconds' worth; a power of two
#define FILTER_DROPPER_SETS 512u // a power of two
#define FILTER_DROPPER_WAYS 4u

struct filter_note {
    struct prefilter_drop drop;
    uint64_t network; // index in the snapshot
};
static_assert(sizeof(struct filter_note) == 64, "one line");

struct filter_dropper {
    uint64_t version;
    struct prefilter_address source; // cut to what is one source; all zero: empty
    struct prefilter_dropped dropped;
    uint32_t network; // index in the snapshot
    uint32_t reserved;
};
static_assert(sizeof(struct filter_dropper) == 48, "layout");

struct filter_notes {
    uint64_t last; // number of the newest note, 0: none yet
    // The worker's own, as the row PREFILTER_NOTES of the program's buckets.
    uint64_t drops_bucket;
    uint64_t droppers_bucket;
    uint64_t random; // chooses the sample; 0: not seeded yet
    uint64_t reserved[4];
    struct filter_note ring[FILTER_NOTES];
    struct filter_dropper droppers[FILTER_DROPPER_SETS][FILTER_DROPPER_WAYS];
};
static_assert(sizeof(struct filter_notes) % 64 == 0, "blocks are aligned");

#endif
