// SPDX-License-Identifier: BSD-3-Clause
// The prefilter's policy where no XDP program runs: the same order, arithmetic and counters (ebpf/verdict.h),
// behind screen; fragments, before they are put together, and then not again what they make. What differs is
// where buckets lie: each worker that receives has a set of its own, with the whole rate, since a trunk with
// one 5-tuple comes by one queue and must have what is configured. Of N workers that receive from a network
// all together let N times the rates through at most.
//
// The agent makes the policy and the table of bans and publishes both by RCU. Strangers have buckets in a
// table of fixed size; the one seen longest ago in its set makes room, and none gets there before the bucket
// that all strangers share grants its packet.
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

#define FILTER_SETS 2048u // a power of two
#define FILTER_WAYS 4u

struct filter_policy {
    struct prefilter_settings settings; // of no network: tags and listeners are screen's business
    struct prefilter_rules rules[PREFILTER_CLASSES];
    uint32_t step_count;        // at least 1: the first is address 0
    struct prefix_step steps[]; // the longest prefix by one search
};

struct filter_ban {
    struct ban_source source; // length 0: an empty slot
    uint32_t row;             // of hits
    uint64_t until_ns;        // 0: for ever
};
static_assert(sizeof(struct filter_ban) == 32, "two a line");

// Open addressing, at most half full. Workers write hits, each its own.
struct filter_bans {
    struct siphash_key key;
    uint32_t mask, count, room, workers;
    struct ban_lengths lengths;
    uint64_t *hits; // [worker * room + row]
    struct filter_ban slots[];
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
// The slot of a banned source, NULL: none. What is over is for the caller to see.
const struct filter_ban *filter_ban_find(const struct filter_bans *bans, const struct ban_source *source);

// Of the agent. NULL without memory. The image was checked.
struct filter_policy *filter_policy_create(const struct snapshot_header *image);
void filter_policy_destroy(struct filter_policy *policy);
// Room for so many bans; filter_bans_add() them and set their lengths, then publish.
struct filter_bans *filter_bans_create(uint32_t count, uint32_t workers, const struct siphash_key *key);
void filter_bans_add(struct filter_bans *bans, const struct ban_source *source, uint64_t until_ns,
                     uint64_t hits);
uint64_t filter_bans_hits(const struct filter_bans *bans, const struct ban_source *source); // NULL: 0
void filter_bans_destroy(struct filter_bans *bans);

#endif
