// SPDX-License-Identifier: BSD-3-Clause
// How sources are indexed: one hash probe for each prefix length in use. Carriers use a handful of lengths,
// and a trie would cost as many dependent loads. For rules.c, which looks up, and the agent, which fills.
#ifndef DIALGATE_PATH_RULES_SOURCE_H
#define DIALGATE_PATH_RULES_SOURCE_H

#include "rules.h"

#define IPV4_MAPPED_BITS 96u

static inline uint32_t source_hash(uint32_t prefix, uint32_t length)
{
    // Operators choose prefixes, not attackers: a multiplicative hash serves.
    return (uint32_t)(((uint64_t)prefix << 8 | length) * 0x9e3779b97f4a7c15ULL >> 32);
}

static inline uint32_t prefix_of(uint32_t address, uint32_t length)
{
    return length == 0 ? 0 : address & (UINT32_MAX << (32 - length));
}

// The source with this prefix, or the free slot where it belongs.
static inline uint32_t *source_slot(const struct rules *rules, uint32_t prefix, uint32_t length)
{
    uint32_t slot = source_hash(prefix, length) & rules->source_mask;
    for (; rules->source_slots[slot] != 0; slot = (slot + 1) & rules->source_mask) { // half empty: ends soon
        const struct snapshot_source *source = &rules->sources[rules->source_slots[slot] - 1];
        if (source->length == length + IPV4_MAPPED_BITS && ip_address_ipv4(&source->address) == prefix)
            break;
    }
    return &rules->source_slots[slot];
}

#endif
