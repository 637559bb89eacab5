// SPDX-License-Identifier: BSD-3-Clause
// How sources are indexed: one hash probe for each prefix length in use. Carriers use a handful of lengths,
// and a trie would cost as many dependent loads. For rules.c, which looks up, and the agent, which fills.
#ifndef DIALGATE_PATH_RULES_SOURCE_H
#define DIALGATE_PATH_RULES_SOURCE_H

#include "rules.h"

// The source with this prefix, or the free slot where it belongs.
static inline uint32_t *source_slot(const struct rules *rules, const struct ip_address *prefix,
                                    uint32_t length)
{
    uint32_t slot = ip_hash(prefix, length) & rules->source_mask;
    for (; rules->source_slots[slot] != 0; slot = (slot + 1) & rules->source_mask) { // half empty: ends soon
        const struct snapshot_source *source = &rules->sources[rules->source_slots[slot] - 1];
        if (source->length == length && ip_equal(&source->address, prefix))
            break;
    }
    return &rules->source_slots[slot];
}

#endif
