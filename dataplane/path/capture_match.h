// SPDX-License-Identifier: BSD-3-Clause
// Which captures a message belongs to.
#ifndef DIALGATE_PATH_CAPTURE_MATCH_H
#define DIALGATE_PATH_CAPTURE_MATCH_H

#include "capture.h"

// A message that came or leaves.
struct capture_sight {
    const uint8_t *octets;
    uint32_t length;
    bool has_call;      // a Call-ID
    bool is_parsed;     // capturing.message is this one
    uint16_t peer;      // that it came from or goes to; NUMBER_NONE
    uint64_t call_hash; // keyed, when it has one
};

// The captures that want it, whatever becomes of it. Follows its call from now on where that is wanted.
uint8_t capture_match(struct worker *worker, struct capture_sight *sight);

#endif
