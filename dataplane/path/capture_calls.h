// SPDX-License-Identifier: BSD-3-Clause
// The calls that captures follow, in one worker: Call-IDs of which a message matched, by their keyed hash.
// What finds no room takes the place of the call that was silent for longest.
#ifndef DIALGATE_PATH_CAPTURE_CALLS_H
#define DIALGATE_PATH_CAPTURE_CALLS_H

#include <stdint.h>

#define CAPTURE_CALLS 4096u // a power of two

// Rows are numbered from 1; 0: none.
struct capture_call {
    uint64_t hash;
    uint16_t next;         // with the same head
    uint16_t newer, older; // by their last message
    uint8_t captures;      // a bit for each slot; 0: nobody follows it any more
    uint8_t reserved;
};

struct capture_calls { // zeroed memory is an empty set
    uint16_t used;
    uint16_t newest, oldest;
    uint16_t heads[CAPTURE_CALLS];
    struct capture_call rows[CAPTURE_CALLS];
};

// The captures that follow this call, which is the newest one then. 0: none.
uint8_t capture_calls_find(struct capture_calls *calls, uint64_t hash);
// These follow it too. Returns those that followed a call which had to make room.
uint8_t capture_calls_add(struct capture_calls *calls, uint64_t hash, uint8_t captures);
// These follow nothing any more.
void capture_calls_clear(struct capture_calls *calls, uint8_t captures);

#endif
