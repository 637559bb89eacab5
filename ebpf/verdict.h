// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// What the buckets say to a packet that is for a listener, neither denied nor banned, and SIP. The program
// finds rules and buckets in maps, a worker in memory of its own; both take from them by these functions. The
// order of the whole verdict, which both keep:
//
//   1. denied prefix                  DENIED
//   2. ban                            BANNED
//   3. first octets                   NOT_SIP; a fragment without ports has none
//   4. a fragment                     verdict_fragment() of its class; one without ports is through then
//   5. a peer's packet                verdict_peer()
//      a stranger that has buckets    verdict_stranger(), then verdict_strangers()
//      one that has none              verdict_strangers(), then buckets are made, then verdict_stranger()
//
// So one loud stranger cannot spend what all share, and none gets memory before the shared bucket grants it.
// INVITE comes before "all": that bucket empties first, and what belongs to accepted calls still passes.
#ifndef DIALGATE_VERDICT_H
#define DIALGATE_VERDICT_H

#include "bucket.h"
#include "payload.h"

// What a packet takes from buckets.
struct verdict_metering {
    uint64_t now_ns;
    bool invite;
};

// REDIRECTED, CONTENDED, or `empty`. A contended bucket lets pass: it only changes while it grants, so what
// slips through is bounded by the rate, and a peer's packet is worth more than exactness. A worker is the one
// writer of its buckets and needs no locked instruction.
PAYLOAD_INLINE uint64_t verdict_take(uint64_t *word, uint64_t now_ns, const struct bucket_rule *rule,
                                     uint64_t empty)
{
#ifdef __bpf__
    uint64_t result = bucket_take(word, now_ns, rule);

    if (result == BUCKET_EMPTY)
        return empty;
    return result == BUCKET_TAKEN ? PREFILTER_REASON_REDIRECTED : PREFILTER_REASON_CONTENDED;
#else
    return bucket_next(*word, now_ns, rule, word) ? PREFILTER_REASON_REDIRECTED : empty;
#endif
}

PAYLOAD_INLINE bool verdict_is_drop(uint64_t reason)
{
    return reason >= PREFILTER_FIRST_DROP;
}

// A fragment of UDP to the address of a listener: `class` is a peer's number or PREFILTER_STRANGERS.
PAYLOAD_INLINE uint64_t verdict_fragment(uint32_t class, struct prefilter_buckets *buckets,
                                         const struct prefilter_rules *rules, uint64_t now_ns)
{
    return verdict_take(&buckets->fragment, now_ns, &rules->fragment,
                        class == PREFILTER_STRANGERS ? PREFILTER_REASON_STRANGERS_FRAGMENT_RATE
                                                     : PREFILTER_REASON_PEER_FRAGMENT_RATE);
}

PAYLOAD_INLINE uint64_t verdict_peer(struct prefilter_buckets *buckets, const struct prefilter_rules *rules,
                                     const struct verdict_metering *metering)
{
    if (metering->invite) {
        uint64_t reason = verdict_take(&buckets->invite, metering->now_ns, &rules->invite,
                                       PREFILTER_REASON_PEER_INVITE_RATE);

        if (verdict_is_drop(reason))
            return reason;
    }
    return verdict_take(&buckets->all, metering->now_ns, &rules->all, PREFILTER_REASON_PEER_RATE);
}

PAYLOAD_INLINE uint64_t verdict_stranger(struct prefilter_stranger *own,
                                         const struct prefilter_settings *settings,
                                         const struct verdict_metering *metering)
{
    if (metering->invite) {
        uint64_t reason = verdict_take(&own->invite, metering->now_ns, &settings->stranger_invite,
                                       PREFILTER_REASON_STRANGER_INVITE_RATE);

        if (verdict_is_drop(reason))
            return reason;
    }
    return verdict_take(&own->all, metering->now_ns, &settings->stranger, PREFILTER_REASON_STRANGER_RATE);
}

// All strangers together: buckets and rules of PREFILTER_STRANGERS.
PAYLOAD_INLINE uint64_t verdict_strangers(struct prefilter_buckets *buckets,
                                          const struct prefilter_rules *rules,
                                          const struct verdict_metering *metering)
{
    return verdict_take(&buckets->all, metering->now_ns, &rules->all, PREFILTER_REASON_STRANGERS_RATE);
}

// Under which row of its class a packet is counted that a worker got or that was dropped.
PAYLOAD_INLINE enum prefilter_tally verdict_tally(uint64_t reason)
{
    if (reason < PREFILTER_FIRST_DROP)
        return PREFILTER_TALLY_PASSED;
    if (reason >= PREFILTER_FIRST_DRY_RUN)
        return PREFILTER_TALLY_DRY_RUN;
    if (reason <= PREFILTER_REASON_NOT_SIP)
        return (enum prefilter_tally)(PREFILTER_TALLY_DENIED + (reason - PREFILTER_REASON_DENIED));
    if (reason == PREFILTER_REASON_PEER_INVITE_RATE || reason == PREFILTER_REASON_STRANGER_INVITE_RATE)
        return PREFILTER_TALLY_INVITE_RATE;
    if (reason == PREFILTER_REASON_PEER_FRAGMENT_RATE || reason == PREFILTER_REASON_STRANGERS_FRAGMENT_RATE)
        return PREFILTER_TALLY_FRAGMENT_RATE;
    return PREFILTER_TALLY_RATE;
}

// Whether one more note is granted; word: a bucket of notes. The one writer of its notes is a worker, of the
// program's there are many.
PAYLOAD_INLINE bool verdict_note(uint64_t *word, uint64_t now_ns, uint32_t rate, uint32_t burst)
{
    const struct bucket_rule rule = {BUCKET_NS_PER_S / rate, (burst - 1) * (BUCKET_NS_PER_S / rate)};

    return verdict_take(word, now_ns, &rule, PREFILTER_REASON_STRANGERS_RATE) == PREFILTER_REASON_REDIRECTED;
}

// What one IPv6 address is cut to; IPv4 is one source as it is. The caller knows the family from the packet.
PAYLOAD_INLINE void verdict_source(struct prefilter_address *source, const struct prefilter_address *mask)
{
    for (uint32_t i = 0; i < 4; i++)
        source->words[i] &= mask->words[i];
}

#endif
