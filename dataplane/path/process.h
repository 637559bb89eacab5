// SPDX-License-Identifier: BSD-3-Clause
// The messages of a burst, from parsing to what they bring about.
//
// All of a burst are parsed before the first goes further, and then each goes through all stages alone, those
// of one kind after another: BYEs, ACKs, provisional responses, ... and new calls in the end, when what is
// over has made room. Code is the reason. One message runs through some 34 KB of it, which is the whole
// first-level instruction cache, and the next one of another kind begins by fetching its own; in order of
// arrival that were 529 misses a message of mixed traffic, by kind 287 (callgrind, 32 KB, bursts of 32), and
// a tenth of the time.
//
// Order: messages of one call are worked on in the order in which they came. All but the first of a call in a
// burst come behind the others, as do messages of calls that the low bits of their hash cannot tell apart.
// Between calls there is no order to keep: UDP has none either.
//
// With captures each message is a burst of its own, since what it sends stands behind it in a capture.
//
// What was tried: bursts worked on stage by stage (records that a stage has found may be another call's by
// the next stage: each would have to be looked at again); -O2, profile-guided layout: 3 % and less.
#ifndef DIALGATE_PATH_PROCESS_H
#define DIALGATE_PATH_PROCESS_H

#include "worker_core.h"

// n messages that this worker owns, or questions of other workers (affinity.h), any number. Takes the mbufs;
// each message gets its one outcome, is held (name.h), or goes on to another worker.
void process(struct worker *worker, struct rte_mbuf **mbufs, unsigned n);

#endif
