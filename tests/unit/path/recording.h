// SPDX-License-Identifier: BSD-3-Clause
// Records of calls on the wire: a ring of its own for the first worker, and what comes into it.
#ifndef DIALGATE_TEST_PATH_RECORDING_H
#define DIALGATE_TEST_PATH_RECORDING_H

#include "call_ring.h"
#include "wire.h"

extern struct call_ring *recording_ring;

struct recorded {
    struct channel_record record;
    char texts[CHANNEL_RECORD_TEXTS][CHANNEL_RECORD_TEXT_MAX + 1];
};

// Records are on from here; at the end each of them has been looked at.
void recording_begin(struct wire *wire);
void recording_end(void);
struct recorded recording_next(void);
void recording_expect(const struct recorded *seen, uint16_t status, enum channel_ender ender,
                      enum channel_reason reason);
void recording_times(const struct recorded *seen, uint32_t ring_ms, uint32_t answer_ms, uint32_t end_ms);

#endif
