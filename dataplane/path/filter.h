// SPDX-License-Identifier: BSD-3-Clause
// The prefilter's policy where no XDP program runs: the same order, arithmetic and counters (ebpf/verdict.h),
// behind screen; fragments, before they are put together, and then not again what they make. What differs is
// where buckets lie: each worker that receives has a set of its own, with the whole rate, since a trunk with
// one 5-tuple comes by one queue and must have what is configured. Of N workers that receive from a network
// all together let N times the rates through at most.
//
// The agent makes the policy and publishes it by RCU. In the table of bans it changes one ban at a time by
// RCU: a worker sees each whole or not at all, and what begins or ends costs the same however many there are.
// Strangers have buckets in a table of fixed size; the one seen longest ago in its set makes room, and none
// gets there before the bucket that all strangers share grants its packet.
#ifndef DIALGATE_PATH_FILTER_H
#define DIALGATE_PATH_FILTER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include "ban_source.h"
#include "dialgate/address.h"
#include "dialgate/counters.h"
#include "dialgate/prefilter.h"
#include "endpoint.h"
#include "prefix_steps.h"
#include "siphash.h"

struct frame;
struct packet;
struct rte_mbuf;
struct snapshot_header;
struct worker;

#define FILTER_SETS       2048u // a power of two
#define FILTER_WAYS       4u
#define FILTER_BAN_CHAINS PREFILTER_BANS_MAX // a power of two; one ban each when the table is full

struct filter_policy {
    struct prefilter_settings settings; // of no network: tags and listeners are screen's business
    struct prefilter_rules rules[PREFILTER_CLASSES];
    uint32_t step_count;        // at least 1: the first is address 0
    struct prefix_step steps[]; // the longest prefix by one search
};

// Workers read next by RCU; the rest stays as it is.
struct filter_ban {
    struct filter_ban *next; // of its chain
    struct ban_source source;
    uint32_t row;      // of hits
    uint64_t until_ns; // 0: for ever
};
static_assert(sizeof(struct filter_ban) == 40, "within a line");

// The agent writes all but the hits, which workers write, each its own.
struct filter_bans {
    struct siphash_key key;
    uint32_t workers;
    struct ban_lengths *lengths; // by RCU; NULL: nobody is banned
    uint64_t *hits;              // [worker * PREFILTER_BANS_MAX + row]
    uint32_t used, free_count;   // rows from used on were never used
    uint32_t free_rows[PREFILTER_BANS_MAX];
    struct filter_ban *chains[FILTER_BAN_CHAINS]; // by RCU
};

struct filter_stranger {
    struct ip_address source; // cut to what is one source; all zero: empty
    struct prefilter_stranger buckets;
    tick_t seen;
    uint32_t reserved[3];
};
static_assert(sizeof(struct filter_stranger) == 48, "layout");

// Of one worker; zeroed memory is full buckets and no strangers.
struct filter {
    uint32_t networks; // a bit each: those without an XDP program
    struct prefilter_buckets buckets[PREFILTER_CLASSES];
    struct filter_stranger strangers[FILTER_SETS][FILTER_WAYS];
};

// What is left of a burst that was screened; the others are counted and freed.
unsigned filter_burst(struct worker *worker, struct rte_mbuf **mbufs, unsigned n);
// Counts a packet that is for a listener. True: it goes on.
bool filter_passes(struct worker *worker, const struct filter_policy *policy, const struct packet *packet);
// The same for a fragment to the address of a listener, whose network is set; where nothing is filtered, it
// goes on uncounted. As the program, it takes one without ports, or to another port, for a fragment alone,
// and one with them for the datagram that it begins, too.
bool filter_fragment(struct worker *worker, struct packet *packet, const struct frame *frame);
uint32_t filter_class(const struct filter_policy *policy, const struct ip_address *source);
static inline uint32_t filter_ban_chain(const struct filter_bans *bans, const struct ban_source *source)
{
    return (uint32_t)siphash13(&bans->key, source, sizeof(*source)) & (FILTER_BAN_CHAINS - 1);
}
// The ban of a source, until the caller's next quiescent state. NULL: none. What is over is for the caller to
// see.
const struct filter_ban *filter_ban_find(const struct filter_bans *bans, const struct ban_source *source);

// Of the agent. NULL without memory. The image was checked.
struct filter_policy *filter_policy_create(const struct snapshot_header *image);
void filter_policy_destroy(struct filter_policy *policy);

// filter_bans.c, of the agent: a thread that is registered with QSBR, and offline. NULL without memory.
struct filter_bans *filter_bans_create(uint32_t workers, const struct siphash_key *key);
// Workers have stopped, or have never seen it. NULL: nothing.
void filter_bans_destroy(struct filter_bans *bans);
// Of CLOCK_MONOTONIC, 0: for ever. One that is there gets another end, and its hits go on. Returns 0, -ENOMEM
// or, with PREFILTER_BANS_MAX others, -ENOSPC.
int filter_bans_put(struct filter_bans *bans, const struct ban_source *source, uint64_t until_ns);
void filter_bans_remove(struct filter_bans *bans, const struct ban_source *source);
// Under which lengths bans are looked for: before the first one of a length is put, after the last one is
// removed. Returns 0 or -ENOMEM.
int filter_bans_look(struct filter_bans *bans, const struct ban_lengths *lengths);
// Packets that it has stopped. NULL, or no such ban: 0.
uint64_t filter_bans_hits(const struct filter_bans *bans, const struct ban_source *source);

#endif
