// SPDX-License-Identifier: BSD-3-Clause
#include "check.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "value.h"

#define PREFIX_LENGTHS 129u // 0 to 128: so many can lie within each other

// A prefix or a member's address, with where it stands.
struct origin {
    struct ip_address address;
    uint16_t length;
    uint16_t peer;
    uint32_t index; // among the peer's sources or members
    bool member;
};

// By prefix; of the same prefix explicit sources first, then in the order of the file.
static int compare_origins(const void *left, const void *right)
{
    const struct origin *a = left, *b = right;
    int order = memcmp(&a->address, &b->address, sizeof(a->address));
    if (order == 0)
        order = (int)a->length - (int)b->length;
    if (order == 0)
        order = (int)a->member - (int)b->member;
    if (order == 0)
        order = (int)a->peer - (int)b->peer;
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

// Both have the same prefix, and first comes before second in the order above.
static int check_pair(const struct config *config, const struct origin *first, const struct origin *second,
                      bool explicit_owner, struct places *places)
{
    const struct config_peer *one = &config->peers[first->peer], *two = &config->peers[second->peer];
    char path[PLACE_PATH_SIZE], address[INET6_ADDRSTRLEN], prefix[VALUE_PREFIX_SIZE];
    value_address(&first->address, address, sizeof(address));
    if (!second->member) {
        snprintf(path, sizeof(path), "peers[%u].sources[%u]", second->peer, second->index);
        return places_refuse(places, path, "%s is a source of %s already; a prefix has one peer",
                             value_prefix(&second->address, second->length, prefix, sizeof(prefix)),
                             one->name);
    }
    if (first->peer == second->peer)
        return 0;
    snprintf(path, sizeof(path), "peers[%u].members[%u].address", second->peer, second->index);
    if (first->member && memcmp(&one->listener, &two->listener, sizeof(one->listener)) != 0)
        return places_refuse(
            places, path,
            "%s is a member of %s and of %s, which have different listeners; give both peers "
            "the same ones",
            address, one->name, two->name);
    if (first->member && !explicit_owner)
        return places_refuse(
            places, path,
            "%s is a member of %s too, so requests from it could be from either; add it to the "
            "sources of one of them",
            address, one->name);
    return 0;
}

static bool contains(const struct origin *outer, const struct origin *inner)
{
    const struct ip_address prefix = ip_prefix(&inner->address, outer->length);
    return outer->length <= inner->length && ip_equal(&prefix, &outer->address) &&
           (outer->length >= IP_MAPPED_BITS || !ip_is_ipv4(&inner->address)); // ::/0 is of IPv6 alone
}

// Prefixes within each other are in order as long as one peer has both; of two peers the longer one counts,
// which is worth a word. origins are sorted, so that what encloses comes before.
static void warn_overlaps(const struct config *config, const struct origin *origins, size_t count,
                          struct places *places)
{
    const struct origin *open[PREFIX_LENGTHS];
    char path[PLACE_PATH_SIZE], outer[VALUE_PREFIX_SIZE];
    size_t depth = 0;
    for (size_t i = 0; i < count; i++) {
        const struct origin *origin = &origins[i];
        while (depth && !contains(open[depth - 1], origin))
            depth--;
        const struct origin *above = depth ? open[depth - 1] : NULL;
        if (above && above->length == origin->length)
            continue; // check_pair() has judged it
        if (above && above->peer != origin->peer) {
            snprintf(path, sizeof(path),
                     origin->member ? "peers[%u].members[%u].address" : "peers[%u].sources[%u]", origin->peer,
                     origin->index);
            places_warn(places, path, "lies within %s of %s; what it sends counts as from %s",
                        value_prefix(&above->address, above->length, outer, sizeof(outer)),
                        config->peers[above->peer].name, config->peers[origin->peer].name);
        }
        open[depth++] = origin;
    }
}

// One prefix belongs to one peer. An explicit source settles whose an address is that several peers have as a
// member.
int check_sources(const struct config *config, struct places *places)
{
    size_t count = 0;
    struct origin *origins = calloc(SOURCES_MAX, sizeof(*origins));
    if (!origins) {
        places_refuse(places, "", "no memory");
        return -ENOMEM;
    }
    for (size_t i = 0; i < config->peer_count; i++) {
        const struct config_peer *peer = &config->peers[i];
        for (size_t s = 0; s < peer->sources.count; s++)
            origins[count++] = (struct origin){peer->sources.rows[s].address, peer->sources.rows[s].length,
                                               (uint16_t)i, (uint32_t)s, false};
        for (size_t m = 0; m < peer->member_count; m++)
            if (check_has_address(&peer->members[m]))
                origins[count++] =
                    (struct origin){peer->members[m].address, 128, (uint16_t)i, (uint32_t)m, true};
    }
    qsort(origins, count, sizeof(*origins), compare_origins);
    int result = 0;
    size_t first = 0;
    for (size_t i = 1; i < count && result == 0; i++) {
        if (!check_same_address(&origins[i].address, &origins[first].address) ||
            origins[i].length != origins[first].length) {
            first = i;
            continue;
        }
        bool explicit_owner = !origins[first].member;
        result = check_pair(config, &origins[i - 1], &origins[i], explicit_owner, places);
    }
    if (result == 0)
        warn_overlaps(config, origins, count, places);
    free(origins);
    return result;
}
