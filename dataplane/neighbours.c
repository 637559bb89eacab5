// SPDX-License-Identifier: BSD-3-Clause
#include "neighbours.h"

// On every network of its peer: when one of them fails, the way through the next one is known already.
static void ask_member(const struct dataplane *plane, const struct snapshot_member *member, bool all,
                       uint64_t now_ms)
{
    const struct rules *rules = plane->workers.published.rules;
    const uint16_t *listeners = rules->peers[member->peer].listeners;

    for (unsigned i = 0; i < PEER_LISTENERS_MAX && listeners[i] != NUMBER_NONE; i++) {
        uint8_t network = (uint8_t)rules->listeners[listeners[i]].network;
        struct nexthop hop;
        enum nexthop_result result =
            nexthop_find(plane->workers.published.nexthops, network, &member->address, &hop);

        if (result == NEXTHOP_UNRESOLVED || (result == NEXTHOP_FOUND && all))
            hostnet_ask(plane->hostnet, network, &hop.address, now_ms);
    }
}

void neighbours_ask(const struct dataplane *plane, bool all, uint64_t now_ms)
{
    const struct rules *rules = plane->workers.published.rules;

    for (unsigned i = 0; i < rules->member_count; i++) {
        if (rules->members[i].flags & SNAPSHOT_PRESENT)
            ask_member(plane, &rules->members[i], all, now_ms);
    }
}
