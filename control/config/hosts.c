// SPDX-License-Identifier: BSD-3-Clause
// All addresses of all hosts become candidates in one array. Each is judged by itself (owner of the address
// by longest prefix), then, sorted by address, against each other; what is left goes back, in the order of
// the file, behind the hosts that it came from.
#include "hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "value.h"

#define PRIORITY_MAX  16u
#define CANDIDATE_MAX (4u * MEMBERS_MAX)

static_assert(HOST_NAME_SIZE == KEY_TEXT_SIZE, "any host of the configuration fits");

struct candidate {
    struct host_address row; // with its port never 0
    uint32_t peer;
    uint32_t member; // of the peer, in the order of the file
    uint32_t place;  // in the host's answer
    bool dropped;
};

struct prefix_owner {
    struct key_prefix prefix;
    uint16_t peer;
    bool member; // while sorting: of the same prefix what stands under sources wins
};

struct expansion {
    const struct config *config;
    struct candidate *candidates;
    size_t count;
    struct prefix_owner *owners; // sorted by length and address
    size_t owner_count;
    size_t members, sources; // rows that the image will have
    host_dropped *dropped;
    void *context;
};

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const struct host *)left)->name, ((const struct host *)right)->name);
}

static int compare_name(const void *name, const void *row)
{
    return strcmp(name, ((const struct host *)row)->name);
}

const struct host *hosts_find(const struct hosts *hosts, const char *name)
{
    if (!hosts || hosts->count == 0)
        return NULL;
    return bsearch(name, hosts->rows, hosts->count, sizeof(*hosts->rows), compare_name);
}

int hosts_of_config(const struct config *config, struct hosts *hosts)
{
    size_t members = 0, kept = 0;
    for (size_t i = 0; i < config->peer_count; i++)
        members += config->peers[i].member_count;
    *hosts = (struct hosts){calloc(members + 1, sizeof(*hosts->rows)), 0};
    if (!hosts->rows)
        return -ENOMEM;
    for (size_t i = 0; i < config->peer_count; i++)
        for (size_t m = 0; m < config->peers[i].member_count; m++)
            if (config->peers[i].members[m].host[0])
                memcpy(hosts->rows[hosts->count++].name, config->peers[i].members[m].host, HOST_NAME_SIZE);
    qsort(hosts->rows, hosts->count, sizeof(*hosts->rows), compare_names);
    for (size_t i = 0; i < hosts->count; i++)
        if (kept == 0 || strcmp(hosts->rows[kept - 1].name, hosts->rows[i].name) != 0)
            hosts->rows[kept++] = hosts->rows[i];
    hosts->count = kept;
    return 0;
}

static bool same_address(const struct ip_address *one, const struct ip_address *other)
{
    return memcmp(one, other, sizeof(*one)) == 0;
}

static int compare_owners(const void *left, const void *right)
{
    const struct prefix_owner *a = left, *b = right;
    int order = (int)a->prefix.length - (int)b->prefix.length;
    if (order == 0)
        order = memcmp(&a->prefix.address, &b->prefix.address, sizeof(a->prefix.address));
    return order ? order : (int)a->member - (int)b->member;
}

static int collect_owners(struct expansion *expansion)
{
    const struct config *config = expansion->config;
    size_t room = 1;
    for (size_t i = 0; i < config->peer_count; i++)
        room += config->peers[i].sources.count + config->peers[i].member_count;
    expansion->owners = calloc(room, sizeof(*expansion->owners));
    if (!expansion->owners)
        return -ENOMEM;
    struct prefix_owner *owners = expansion->owners;
    size_t count = 0;
    for (uint16_t i = 0; i < config->peer_count; i++) {
        const struct config_peer *peer = &config->peers[i];
        for (size_t s = 0; s < peer->sources.count; s++)
            owners[count++] = (struct prefix_owner){peer->sources.rows[s], i, false};
        expansion->sources += peer->sources.count;
        for (size_t m = 0; m < peer->member_count; m++) {
            if (peer->members[m].host[0])
                continue;
            owners[count++] = (struct prefix_owner){{peer->members[m].address, 128}, i, true};
            expansion->members++;
            expansion->sources++;
        }
    }
    qsort(owners, count, sizeof(*owners), compare_owners);
    for (size_t i = 0; i < count; i++) {
        owners[i].member = false;
        if (i == 0 || compare_owners(&owners[expansion->owner_count - 1], &owners[i]) != 0)
            owners[expansion->owner_count++] = owners[i];
    }
    return 0;
}

// The peer that packets from this address belong to, UINT32_MAX for nobody's.
static uint32_t owner_of(const struct expansion *expansion, const struct ip_address *address)
{
    struct prefix_owner wanted = {{*address, 128}, 0, false};
    uint32_t least = ip_is_ipv4(address) ? IP_MAPPED_BITS : 0; // ::/0 is of IPv6 alone
    for (; expansion->owner_count > 0; wanted.prefix.length--) {
        const struct prefix_owner *found =
            bsearch(&wanted, expansion->owners, expansion->owner_count, sizeof(wanted), compare_owners);
        if (found)
            return found->peer;
        if (wanted.prefix.length == least)
            break;
        uint32_t bit = wanted.prefix.length - 1u;
        wanted.prefix.address.octets[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    }
    return UINT32_MAX;
}

static void drop(const struct expansion *expansion, struct candidate *candidate, const char *reason)
{
    const struct config_peer *peer = &expansion->config->peers[candidate->peer];
    struct host_drop drop = {peer->name, peer->members[candidate->member].host, candidate->row.address,
                             reason};
    candidate->dropped = true;
    if (expansion->dropped)
        expansion->dropped(expansion->context, &drop);
}

static bool is_listener(const struct config *config, const struct host_address *row)
{
    for (size_t i = 0; i < config->listener_count; i++)
        if (model_is_listener(&config->listeners[i], &row->address, row->port))
            return true;
    return false;
}

// What a configured address may not be either, and loopback: nothing leaves a network to there.
static bool is_reachable(const struct ip_address *address)
{
    return value_is_unicast(address) && !value_is_loopback(address);
}

static void judge(const struct expansion *expansion, struct candidate *candidate)
{
    const struct config_peer *peer = &expansion->config->peers[candidate->peer];
    if (!is_reachable(&candidate->row.address)) {
        drop(expansion, candidate, "is no host's address");
        return;
    }
    if (!model_has_family(expansion->config, peer, &candidate->row.address)) {
        drop(expansion, candidate, "is of a family that no listener of the peer has");
        return;
    }
    if (is_listener(expansion->config, &candidate->row)) {
        drop(expansion, candidate, "is our own listener");
        return;
    }
    uint32_t owner = owner_of(expansion, &candidate->row.address);
    if (owner != UINT32_MAX && owner != candidate->peer) {
        drop(expansion, candidate, "is a source or a member of another peer");
        return;
    }
    for (size_t m = 0; m < peer->member_count; m++) // given by its address too: that row serves
        if (!peer->members[m].host[0] && peer->members[m].port == candidate->row.port &&
            same_address(&peer->members[m].address, &candidate->row.address))
            candidate->dropped = true;
}

static int collect_candidates(struct expansion *expansion, const struct hosts *hosts)
{
    const struct config *config = expansion->config;
    expansion->candidates = calloc(CANDIDATE_MAX, sizeof(*expansion->candidates));
    if (!expansion->candidates)
        return -ENOMEM;
    for (uint32_t i = 0; i < config->peer_count; i++)
        for (uint32_t m = 0; m < config->peers[i].member_count; m++) {
            const struct config_member *member = &config->peers[i].members[m];
            const struct host *host = member->host[0] ? hosts_find(hosts, member->host) : NULL;
            for (uint32_t a = 0; host && a < host->count && expansion->count < CANDIDATE_MAX; a++) {
                struct candidate *candidate = &expansion->candidates[expansion->count++];
                *candidate =
                    (struct candidate){.row = host->addresses[a], .peer = i, .member = m, .place = a};
                if (candidate->row.port == 0)
                    candidate->row.port = (uint16_t)member->port;
                judge(expansion, candidate);
            }
        }
    return 0;
}

// By address, then in the order of the file.
static int compare_addresses(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    int order = memcmp(&a->row.address, &b->row.address, sizeof(a->row.address));
    if (order == 0)
        order = (a->peer > b->peer) - (a->peer < b->peer);
    if (order == 0)
        order = (int)a->row.port - (int)b->row.port;
    return order ? order : (a->member > b->member) - (a->member < b->member);
}

static int compare_places(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->peer != b->peer)
        return a->peer < b->peer ? -1 : 1;
    if (a->member != b->member)
        return a->member < b->member ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

static void settle(struct expansion *expansion)
{
    const struct candidate *first = NULL, *last = NULL; // of this address; the last that was kept
    qsort(expansion->candidates, expansion->count, sizeof(*expansion->candidates), compare_addresses);
    for (size_t i = 0; i < expansion->count; i++) {
        struct candidate *candidate = &expansion->candidates[i];
        if (candidate->dropped)
            continue;
        if (!first || !same_address(&first->row.address, &candidate->row.address)) {
            first = candidate;
        } else if (first->peer != candidate->peer) {
            drop(expansion, candidate, "is a host of an earlier peer");
            continue;
        } else if (last->row.port == candidate->row.port) {
            candidate->dropped = true; // two names of one member
            continue;
        }
        last = candidate;
    }
    qsort(expansion->candidates, expansion->count, sizeof(*expansion->candidates), compare_places);
    for (size_t i = 0; i < expansion->count; i++) {
        if (expansion->candidates[i].dropped)
            continue;
        if (expansion->members == MEMBERS_MAX || expansion->sources == SOURCES_MAX) {
            drop(expansion, &expansion->candidates[i], "finds no room among the members");
            continue;
        }
        expansion->members++;
        expansion->sources++;
    }
}

// Numbers the pairs of the member's priority and the SRV rank, from 1. `ranks` stand beside the members.
static void renumber(struct config_peer *peer, const uint16_t *ranks)
{
    uint64_t numbers[PRIORITY_MAX + 1][HOST_ADDRESSES_MAX] = {0};
    uint64_t next = 1;
    for (size_t m = 0; m < peer->member_count; m++)
        numbers[peer->members[m].priority][ranks[m]] = 1;
    for (size_t priority = 1; priority <= PRIORITY_MAX; priority++)
        for (size_t rank = 0; rank < HOST_ADDRESSES_MAX; rank++)
            if (numbers[priority][rank]) {
                numbers[priority][rank] = next;
                next += next < PRIORITY_MAX;
            }
    for (size_t m = 0; m < peer->member_count; m++)
        peer->members[m].priority = numbers[peer->members[m].priority][ranks[m]];
}

// peer is a copy of the configured one; *next the first candidate that is not an earlier peer's.
static int expand_peer(const struct expansion *expansion, uint32_t number, struct config_peer *peer,
                       size_t *next)
{
    const struct config_peer *from = &expansion->config->peers[number];
    size_t end = *next, taken = *next;
    bool ranked = false;
    while (end < expansion->count && expansion->candidates[end].peer == number)
        end++;
    size_t room = from->member_count + (end - *next) + 1;
    peer->members = calloc(room, sizeof(*peer->members));
    uint16_t *ranks = calloc(room, sizeof(*ranks));
    peer->member_count = 0;
    for (uint32_t m = 0; peer->members && ranks && m < from->member_count; m++) {
        if (!from->members[m].host[0])
            peer->members[peer->member_count++] = from->members[m];
        for (; taken < end && expansion->candidates[taken].member == m; taken++) {
            const struct candidate *candidate = &expansion->candidates[taken];
            if (candidate->dropped)
                continue;
            struct config_member *member = &peer->members[peer->member_count];
            *member = from->members[m];
            member->address = candidate->row.address;
            member->port = candidate->row.port;
            member->weight = member->weight * candidate->row.share / 100;
            member->weight = member->weight > 0 ? member->weight : 1;
            ranks[peer->member_count++] = candidate->row.rank;
            ranked = ranked || candidate->row.rank > 0;
        }
    }
    if (peer->members && ranks && ranked)
        renumber(peer, ranks);
    free(ranks);
    *next = end;
    return peer->members && ranks ? 0 : -ENOMEM;
}

struct config *hosts_expand(const struct config *config, const struct hosts *hosts, host_dropped *dropped,
                            void *context)
{
    struct expansion expansion = {.config = config, .dropped = dropped, .context = context};
    struct config *expanded = malloc(sizeof(*expanded));
    size_t next = 0;
    int result = expanded ? collect_owners(&expansion) : -ENOMEM;
    if (result == 0)
        result = collect_candidates(&expansion, hosts);
    if (expanded) {
        *expanded = *config;
        expanded->peers = calloc(config->peer_count + 1, sizeof(*expanded->peers));
        expanded->peer_count = 0;
        result = expanded->peers ? result : -ENOMEM;
    }
    if (result == 0)
        settle(&expansion);
    for (uint32_t i = 0; result == 0 && i < config->peer_count; i++) {
        expanded->peers[i] = config->peers[i];
        expanded->peer_count++;
        result = expand_peer(&expansion, i, &expanded->peers[i], &next);
    }
    free(expansion.candidates);
    free(expansion.owners);
    if (result == 0)
        return expanded;
    hosts_free_expanded(expanded);
    return NULL;
}

void hosts_free_expanded(struct config *expanded)
{
    if (!expanded)
        return;
    for (size_t i = 0; i < expanded->peer_count; i++)
        free(expanded->peers[i].members);
    free(expanded->peers);
    free(expanded);
}

const struct host *hosts_of_member(const struct config *config, const struct hosts *hosts, const char *peer,
                                   const struct snapshot_member *member)
{
    const struct config_peer *found = model_peer(config, peer);
    for (size_t m = 0; found && m < found->member_count; m++) {
        const struct config_member *row = &found->members[m];
        if (!row->host[0] && row->port == member->port && same_address(&row->address, &member->address))
            return NULL;
    }
    for (size_t m = 0; found && m < found->member_count; m++) {
        const struct config_member *row = &found->members[m];
        const struct host *host = row->host[0] ? hosts_find(hosts, row->host) : NULL;
        for (uint32_t a = 0; host && a < host->count; a++) {
            uint16_t port = host->addresses[a].port ? host->addresses[a].port : (uint16_t)row->port;
            if (port == member->port && same_address(&host->addresses[a].address, &member->address))
                return host;
        }
    }
    return NULL;
}

const char *hosts_of_peer(const struct config *config, const char *peer, size_t index)
{
    const struct config_peer *found = model_peer(config, peer);
    for (size_t m = 0; found && m < found->member_count; m++)
        if (found->members[m].host[0] && index-- == 0)
            return found->members[m].host;
    return NULL;
}
