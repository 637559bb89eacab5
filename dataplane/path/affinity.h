// SPDX-License-Identifier: BSD-3-Clause
// The member that holds the call a request is about, whatever the balance says. Two sources:
//
//   challenges  A request outside a dialog that was answered 401, 407 (RFC 3261 22) or 422 (RFC 4028 7.4)
//               comes again with the same Call-ID, so to this worker, and is for the member that answered. A
//               small table remembers that for 64*T1; each note serves once.
//   dialogs     Replaces (RFC 3891), Join (RFC 3911) and Target-Dialog (RFC 4538) name a dialog by Call-ID
//               and tags. Its record lies with the worker that owns that Call-ID: when that is another one,
//               the packet goes to its inbox with the question, and comes back with the member's number.
//
// On its way a packet has no outcome; it is asked about once (enum ask), and a full ring drops it like any
// other packet that is steered: its sender repeats it. A repetition takes the same two rings and so comes
// back behind the first; CANCEL cannot overtake, since it waits for a response (RFC 3261 9.1), and a
// response comes from us after the answer.
#ifndef DIALGATE_PATH_AFFINITY_H
#define DIALGATE_PATH_AFFINITY_H

#include "packet.h"
#include "wheel.h"

#define AFFINITY_SETS 1024u
#define AFFINITY_WAYS 4u

struct affinity_note {
    uint64_t call_hash;
    tick_t until;
    uint16_t peer; // number + 1; 0: the row is empty
    uint16_t member;
};
static_assert(sizeof(struct affinity_note) == 16, "a set is one cache line");

struct affinity {
    struct affinity_note rows[AFFINITY_SETS][AFFINITY_WAYS];
};

// A set that is full of notes still wanted loses the one that ends first: false then.
bool affinity_put(struct affinity *affinity, const struct affinity_note *note, tick_t now);
// The member noted for this Call-ID and peer, which is forgotten with that. NUMBER_NONE: none.
uint16_t affinity_take(struct affinity *affinity, uint64_t call_hash, uint16_t peer, tick_t now);

struct worker;
struct work;
// A response with this status to a request outside a dialog goes upstream from this member of this peer.
void affinity_challenged(struct worker *worker, const struct work *work, uint16_t peer, uint16_t member);
// Which member of peer the request is for: *member, NUMBER_NONE for no matter which. False: another worker
// is to be asked (work is settled with WORK_ASKS, see affinity_ask()).
bool affinity_find(struct worker *worker, struct work *work, uint16_t peer, uint16_t *member);
// worker.c, for a packet whose work ended with WORK_ASKS: hands it over. Takes the mbuf.
void affinity_ask(struct worker *worker, struct rte_mbuf *mbuf);
// worker.c, for a packet that another worker asks about: answers and hands it back. Takes the mbuf.
void affinity_answer(struct worker *worker, struct rte_mbuf *mbuf);

#endif
