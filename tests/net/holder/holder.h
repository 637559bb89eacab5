// SPDX-License-Identifier: BSD-3-Clause
// A run of the tool: one caller, some callees, Dialgate between them.
#ifndef HOLDER_HOLDER_H
#define HOLDER_HOLDER_H

#include "calls.h"
#include "tally.h"
#include "wire.h"

#define CALLEES_MAX  8u
#define ADDRESS_TEXT 22u // "255.255.255.255:65535"

struct holder {
    struct calls calls;
    struct tally tally;
    struct wire *wires[1 + CALLEES_MAX]; // the caller's, then one a callee
    char here[1 + CALLEES_MAX][ADDRESS_TEXT];
    char dialgate[SIDES][ADDRESS_TEXT]; // its listener towards this side
    unsigned wire_count;
    uint64_t seed;
    uint64_t t1_us;  // RFC 3261 17.1.1.1
    uint64_t now_us; // of this turn
    bool let_end;    // Dialgate may end calls
};

// T2 of RFC 3261 17.1.2.1 is eight times T1 by default; timers B, F and the wait for an ACK (13.3.1.4) are 64
// * T1.
#define T2_OF(holder)       (8 * (holder)->t1_us)
#define PATIENCE_OF(holder) (64 * (holder)->t1_us)

static inline unsigned wire_of(const struct call *call, enum side side)
{
    return side == CALLER ? 0 : 1u + call->member;
}

static inline enum side far_side(enum side side)
{
    return side == CALLER ? CALLEE : CALLER;
}

#endif
