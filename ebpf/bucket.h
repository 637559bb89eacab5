// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// A token bucket in one 64-bit word: the generic cell rate algorithm. The word is the theoretical arrival
// time of the next packet, in ns of the monotonic clock. A packet conforms while that time runs at most
// tolerance ahead of now; a packet that conforms moves it on by one interval. 0 is a full bucket, so that
// fresh memory needs no set-up, and one word needs no lock: BPF_MAP_TYPE_LRU_HASH refuses bpf_spin_lock, and
// two words (tokens, time of refill) would need one.
//
// Intervals are whole ns: the rate that is enforced is the first one at or above the configured one whose
// interval is whole, which is within 0.1 % up to 1 M packets a second.
//
// Compiles for the bpf target, for workers (one writer: bucket_next alone) and for tests. No division on the
// packet's path.
#ifndef DIALGATE_BUCKET_H
#define DIALGATE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>
#include "dialgate/prefilter.h"

#define BUCKET_NS_PER_S 1000000000ull
#define BUCKET_SLACK_NS 1000000000ull
#define BUCKET_TRIES    4 // compare-and-swap attempts of bucket_take

enum bucket_result { BUCKET_TAKEN, BUCKET_EMPTY, BUCKET_CONTENDED };

// rate in packets a second, burst in packets that may come at once; either 0: nothing passes.
static inline struct bucket_rule bucket_rule(uint32_t rate, uint32_t burst)
{
    struct bucket_rule rule = {0, 0};

    if (rate == 0 || burst == 0)
        return rule;
    rule.interval_ns = rate < BUCKET_NS_PER_S ? BUCKET_NS_PER_S / rate : 1;
    rule.tolerance_ns = (burst - 1) * rule.interval_ns;
    return rule;
}

// Whether a packet at now_ns conforms; *next is then the word to store. A word further ahead than this rule
// puts it comes from an older, slower rule. It lets one packet through and becomes a bucket just emptied:
// otherwise a source that was throttled before a reload would have to pay the old rule's arrears. The slack
// is for CPUs that read the clock before us and wrote after us, or the other way round.
static inline bool bucket_next(uint64_t word, uint64_t now_ns, const struct bucket_rule *rule, uint64_t *next)
{
    uint64_t ahead_ns = word > now_ns ? word - now_ns : 0;

    if (rule->interval_ns == 0)
        return false;
    if (ahead_ns > rule->tolerance_ns + rule->interval_ns + BUCKET_SLACK_NS)
        ahead_ns = rule->tolerance_ns;
    if (ahead_ns > rule->tolerance_ns)
        return false;
    *next = now_ns + ahead_ns + rule->interval_ns;
    return true;
}

// One attempt: BUCKET_CONTENDED means that another CPU changed the word meanwhile. What is returned is an
// enum bucket_result; without CAP_PERFMON the verifier refuses half a word where a pointer was spilled.
static inline __attribute__((always_inline)) uint64_t bucket_try(uint64_t *word, uint64_t now_ns,
                                                                 const struct bucket_rule *rule)
{
    uint64_t seen = *(volatile uint64_t *)word, next;

    if (!bucket_next(seen, now_ns, rule, &next))
        return BUCKET_EMPTY;
    return __sync_val_compare_and_swap(word, seen, next) == seen ? BUCKET_TAKEN : BUCKET_CONTENDED;
}

// Out of line: the usual packet does not come here, and pays for none of its registers.
static __attribute__((noinline)) int bucket_again(uint64_t *word, uint64_t now_ns,
                                                  const struct bucket_rule *rule)
{
    uint64_t result = BUCKET_CONTENDED;

#pragma GCC unroll 4
    for (int i = 1; i < BUCKET_TRIES && result == BUCKET_CONTENDED; i++)
        result = bucket_try(word, now_ns, rule);
    return (int)result;
}

// Takes one packet from a bucket that other CPUs take from too. An empty bucket is never written, so CPUs
// contend only while packets are granted: BUCKET_CONTENDED means that BUCKET_TRIES packets were granted
// meanwhile.
static inline __attribute__((always_inline)) uint64_t bucket_take(uint64_t *word, uint64_t now_ns,
                                                                  const struct bucket_rule *rule)
{
    uint64_t result = bucket_try(word, now_ns, rule);

    return result == BUCKET_CONTENDED ? (uint64_t)bucket_again(word, now_ns, rule) : result;
}

#endif
