// SPDX-License-Identifier: BSD-3-Clause
// The prefixes of a configuration as steps: where the class of addresses changes, in order, so that a search
// by halves tells the longest prefix. The software filter searches them as they are, the agent makes the
// tables of the XDP program from them.
#ifndef DIALGATE_PATH_PREFIX_STEPS_H
#define DIALGATE_PATH_PREFIX_STEPS_H

#include <assert.h>
#include <stdint.h>

struct snapshot_header;

// Sources from this address up to that of the next row.
struct prefix_step {
    uint64_t high, low; // of the address, host order; IPv4 is ::ffff:a.b.c.d
    uint32_t class;     // peer's number, PREFILTER_STRANGERS or PREFILTER_DENIED
    uint32_t reserved;
};
static_assert(sizeof(struct prefix_step) == 24, "layout");

// How many rows the steps of an image have at most. The image was checked.
uint32_t prefix_steps_room(const struct snapshot_header *image);
// Writes them; the first is address 0, one is the first IPv4 address, one the first behind those. Returns how
// many, 0 without memory.
uint32_t prefix_steps_make(const struct snapshot_header *image, struct prefix_step *steps);

#endif
