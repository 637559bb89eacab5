// SPDX-License-Identifier: BSD-3-Clause
// Control's side of one port's prefilter: counters and droppers, through the map descriptors that the
// dataplane sent (bans are the agent's). Addresses are text. Functions return 0 (or a number of rows) or
// -errno, and keep nothing.
#ifndef DIALGATE_CONTROL_PREFILTER_H
#define DIALGATE_CONTROL_PREFILTER_H

#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include "dialgate/prefilter.h"

// The first PREFILTER_MAP_SHARED are used; the others may be -1. The caller owns the descriptors.
struct prefilter_maps {
    int fds[PREFILTER_MAP_COUNT];
};

struct prefilter_dropper {
    char address[INET6_ADDRSTRLEN];
    uint64_t drops;  // estimated from samples: a multiple of PREFILTER_DROP_SAMPLE
    uint16_t reason; // enum prefilter_reason, of the last sample
    uint16_t class;  // likewise: a peer's number or PREFILTER_STRANGERS
    uint32_t seen_s; // of the last sample: CLOCK_MONOTONIC, modulo 2^32
};

// -EPROTO: a descriptor is not the map it should be (the other side is not trusted). Call once when
// descriptors arrive.
int prefilter_check_maps(const struct prefilter_maps *maps);

// Sums over CPUs, indexed by enum prefilter_reason.
int prefilter_read_counters(const struct prefilter_maps *maps, uint64_t values[PREFILTER_REASON_COUNT]);

// Adds those of a class, by enum prefilter_tally. What cannot be read adds nothing.
void prefilter_add_class(const struct prefilter_maps *maps, uint32_t class,
                         uint64_t values[PREFILTER_TALLY_COUNT]);

// Adds those of the first `classes` classes. Returns 0 or -errno.
int prefilter_add_classes(const struct prefilter_maps *maps, uint32_t classes,
                          uint64_t (*values)[PREFILTER_TALLY_COUNT]);

// The sources with the most drops, most first, at most capacity rows. Returns their number.
int prefilter_top(const struct prefilter_maps *maps, struct prefilter_dropper *rows, size_t capacity);

// The same from wherever droppers are known: rows of at most capacity, count of them filled, most first.
struct prefilter_top {
    struct prefilter_dropper *rows;
    size_t capacity;
    size_t count;
};
void prefilter_top_add(struct prefilter_top *top, const struct prefilter_address *address,
                       const struct prefilter_dropped *dropped);

#endif
