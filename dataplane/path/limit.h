// SPDX-License-Identifier: BSD-3-Clause
// Limits on calls: new ones in a sliding second, those that live now. A limit holds over all workers without
// a lock: each worker has words of its own that it alone writes and all read. Who wants a call first writes
// it into its words, then, behind a fence, adds up those of all; when that is too much it takes its own back.
// Of two workers at the same instant at least one sees both, so that a limit is never exceeded, by no call;
// what may happen is that as many as there are other workers are refused although the last place was free.
//
// The second is made of eleven slots of 100 ms: the oldest counts by the part of it that is still within the
// second. A burst is what may come in one slot.
#ifndef DIALGATE_PATH_LIMIT_H
#define DIALGATE_PATH_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/counters.h"
#include "dialgate/snapshot.h"

#define LIMIT_SLOTS   11u
#define LIMIT_SLOT_US 100000u

// What is limited: rows of each worker's words.
#define LIMIT_ALL            0u
#define LIMIT_PEER_IN(peer)  (1u + (peer))
#define LIMIT_PEER_OUT(peer) (1u + PEERS_MAX + (peer))
#define LIMIT_MEMBER(member) (1u + 2u * PEERS_MAX + (member))
#define LIMIT_ROWS           (1u + 2u * PEERS_MAX + MEMBERS_MAX)

struct limit_words {
    uint64_t slots[LIMIT_SLOTS]; // number of the 100 ms << 32 | new calls in it
    uint64_t held;               // calls now
};
static_assert(sizeof(struct limit_words) == 96, "0.6 MB a worker");

// One worker's view. words[i]: LIMIT_ROWS of worker i, zeroed at the start; [own] is written.
struct limits {
    struct limit_words *words[WORKERS_MAX];
    unsigned own;
    unsigned workers;
};

// One more call. False when that is more than limit allows, and nothing has changed. A limit of 0 is none; it
// is counted all the same, so that one that comes with a reload knows what there is.
bool limit_take(struct limits *limits, uint32_t row, const struct call_limit *limit, uint64_t now_us);
// A call that limit_take() took did not come about: as if it had not been taken.
void limit_untake(struct limits *limits, uint32_t row, uint64_t now_us);
// A call has ended; or (hold) one is there that was not taken here: taken over from an earlier process.
void limit_release(struct limits *limits, uint32_t row);
void limit_hold(struct limits *limits, uint32_t row);
// Over all workers: calls now, new calls in the last second.
uint64_t limit_held(const struct limits *limits, uint32_t row);
uint64_t limit_rate(const struct limits *limits, uint32_t row, uint64_t now_us);

#endif
