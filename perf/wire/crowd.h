// SPDX-License-Identifier: BSD-3-Clause
// Callers and callees: so many calls are held, each new one ends another, and each message that comes out of
// the worker is looked at. A far end that sends writes down what has to come of it at which side (a credit);
// whatever comes without one is wrong, and a credit that is never paid is a message that was lost.
//
// Far ends answer in the next round, ring for a while of the worker's time, and repeat one message in a
// hundred at once (RFC 3261 17), which has effects of its own.
#ifndef DIALGATE_PERF_CROWD_H
#define DIALGATE_PERF_CROWD_H

#include "datagram.h"

struct crowd;

struct crowd_mix { // per cent of calls, but repeats: of messages
    double again;  // re-INVITEs
    double cancelled;
    double refused;
    double inside;  // INFO, UPDATE, OPTIONS in a dialog
    double options; // to us
    double repeats;
};
extern const struct crowd_mix crowd_mix_usual;

struct crowd_options {
    const struct world *world;
    struct rte_mempool *pool;
    struct crowd_mix mix;
    uint32_t dialogs; // held in the end
    uint32_t ringing; // calls that ring all the time, beside
    uint32_t whole;   // of one call in so many each octet is compared; 0: of none
    uint32_t ring_us;
    uint32_t window; // nothing begins while so many credits are open, so that no queue overflows; 0: always
    uint32_t batch;  // that crowd_send() is asked for: how much may wait follows from it
    bool sorted;     // each crowd_send() sends messages of one kind
    uint64_t seed;
    bool clock_runs; // the worker's: it may repeat what far ends are late to answer, since a thread was taken
                     // from its core
    // Calls are those that this worker owns.
    unsigned worker, workers;
    struct siphash_key key;
};

struct crowd_count {
    uint64_t sent, sent_octets, received, received_octets;
    uint64_t begun, completed, cancelled, refused, again, inside, options, repeated;
    uint64_t compared; // messages, each octet
    uint64_t late;     // messages that the worker repeated by a timer, or out of turn, by a clock that runs
    uint64_t shed;     // calls that the worker refused since it was behind, by a clock that runs
    uint64_t wrong;    // messages: unexpected, at the wrong place, of another text
    uint64_t no_room;  // packets that the rings, or the pool, did not take
};

enum crowd_phase {
    CROWD_GROWS,  // calls come and stay
    CROWD_STEADY, // for each that comes one ends
    CROWD_RESTS   // nothing begins; what is under way ends
};

struct crowd *crowd_create(const struct crowd_options *options);
void crowd_destroy(struct crowd *crowd);
// Who sends where: [side] of the rings of the network.
typedef bool crowd_sender(void *context, enum world_side side, uint32_t party, struct rte_mbuf *mbuf);
// Sends at least n packets when there are so many, by send, which takes the mbuf or returns false. Returns
// how many. Sorted, they are of the kind whose oldest has waited longest, and may be fewer.
unsigned crowd_send(struct crowd *crowd, uint64_t now_us, unsigned n, crowd_sender *send, void *context);
// What left by the network of a side. Takes the mbuf.
void crowd_take(struct crowd *crowd, enum world_side side, struct rte_mbuf *mbuf);
enum kind crowd_kind(const struct crowd *crowd); // of what was sent last, where it is sorted
void crowd_set(struct crowd *crowd, enum crowd_phase phase);
uint32_t crowd_held(const struct crowd *crowd);
uint64_t crowd_open(const struct crowd *crowd); // credits, and what is about to be sent
// Ends the calls that ring all the time.
void crowd_stop_ringing(struct crowd *crowd);
const struct crowd_count *crowd_count(const struct crowd *crowd);
// The first thing that was wrong, or what is awaited still; "" for nothing.
const char *crowd_fault(struct crowd *crowd);

#endif
