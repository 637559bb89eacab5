// SPDX-License-Identifier: BSD-3-Clause
// How far a worker is behind, and the share of new calls that it refuses for that. A function of what its
// turns saw; shed.c looks, and refuses.
#ifndef DIALGATE_PATH_OVERLOAD_H
#define DIALGATE_PATH_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

#define OVERLOAD_ALL 65536u // a share: everything

enum overload_reason {
    OVERLOAD_TRANSACTIONS, // levels
    OVERLOAD_MBUFS,
    OVERLOAD_LEVELS,
    OVERLOAD_TURN = OVERLOAD_LEVELS,
    OVERLOAD_QUEUE,
    OVERLOAD_REASONS
};

// What a turn saw.
struct overload_turn {
    uint64_t now_us;    // at its end
    uint32_t lasted_us; // 0: there was nothing to do
    bool full; // a queue gave a whole burst, or an inbox is over half full: there was more than was taken
};

// Zeros: not behind. Shares are of new calls, 0 to OVERLOAD_ALL.
struct overload {
    uint32_t loss;    // what clients that listen (RFC 7339) hold back, and is refused of the others' calls
    uint32_t now;     // refused of what is left
    uint32_t reasons; // bits, 1 << enum overload_reason
    uint32_t level_loss[OVERLOAD_LEVELS];
    uint32_t flow_loss;
    uint32_t smooth_us;       // what turns last, summed over the last few
    uint32_t backlog_us;      // for how long there was more
    uint64_t step_us;         // the last step
    uint64_t long_us;         // of the time since then: with turns too long
    uint64_t late_us;         // with queues that do not drain
    uint32_t asked, hindered; // new calls since then that `loss` let through; of those, refused by `now`
    uint32_t calm;            // steps in a row without a reason
};

// A level: how much of something is in use, and how much is too much. Counts from the next overload_turn()
// on.
void overload_level(struct overload *overload, enum overload_reason level, uint32_t used, uint32_t mark);

// After each turn. mark_us: a turn that lasts longer is too long.
void overload_turn(struct overload *overload, const struct overload_turn *turn, uint32_t mark_us);

// New calls count then, also those that come while nothing is refused.
static inline bool overload_is_behind(const struct overload *overload)
{
    return overload->reasons != 0;
}

// Whether a new call would be refused now. Counts nothing.
static inline bool overload_would_refuse(const struct overload *overload, uint64_t call_hash, bool listens)
{
    return (!listens && (uint32_t)(call_hash >> 16 & (OVERLOAD_ALL - 1)) < overload->loss) ||
           (uint32_t)(call_hash & (OVERLOAD_ALL - 1)) < overload->now;
}

// Whether a new call is refused: by the keyed hash of its Call-ID, so that its repeats fare alike, and a call
// that was let in may come again with credentials. listens: its client holds back the loss by itself.
bool overload_refuses(struct overload *overload, uint64_t call_hash, bool listens);

#endif
