// SPDX-License-Identifier: BSD-3-Clause
#include "read.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "message.h"
#include "uri.h"
#include "value.h"

#define MBUF_OCTETS     2560u // one packet buffer with its headers
#define MBUFS_PER_QUEUE 4096u // an AF_XDP socket's rings hold 2048, and as many travel
#define ANY_PEER        "any-peer"

static bool same_address(const struct ip_address *one, const struct ip_address *other)
{
    return memcmp(one, other, sizeof(*one)) == 0;
}

static int check_listeners(const struct config *config, struct places *places)
{
    char path[PLACE_PATH_SIZE];
    if (config->network_count == 0)
        return places_refuse(places, "networks", "no network is given; give at least one with its interface");
    for (size_t i = 0; i < config->network_count; i++)
        for (size_t other = 0; other < i; other++)
            if (strcmp(config->networks[i].interface, config->networks[other].interface) == 0) {
                snprintf(path, sizeof(path), "networks.%s.interface", config->networks[i].name);
                return places_refuse(places, path, "%s is network %s already; give each interface once",
                                     config->networks[i].interface, config->networks[other].name);
            }
    if (config->listener_count == 0)
        return places_refuse(places, "listeners", "no listener is given; give at least one address of ours");
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        snprintf(path, sizeof(path), "listeners[%zu].network", i);
        if (!model_network(config, listener->network))
            return places_refuse(places, path, "no network is called %s; add it under networks",
                                 listener->network);
        for (size_t other = 0; other < i; other++) {
            const struct config_listener *earlier = &config->listeners[other];
            snprintf(path, sizeof(path), "listeners[%zu].name", i);
            if (strcmp(listener->name, earlier->name) == 0)
                return places_refuse(places, path, "%s is the name of two listeners; rename one",
                                     listener->name);
            snprintf(path, sizeof(path), "listeners[%zu].address", i);
            if (same_address(&listener->address, &earlier->address) && listener->port == earlier->port)
                return places_refuse(
                    places, path, "listener %s has this address and port already; change one", earlier->name);
        }
    }
    return 0;
}

static bool has_address(const struct config_member *member)
{
    static const struct ip_address none;
    return !same_address(&member->address, &none);
}

// Labels of letters, digits and hyphens (RFC 1123 2.1), dots between them.
static bool is_host(const char *text)
{
    size_t length = strlen(text), label = 0;
    for (size_t i = 0; i <= length; i++) {
        bool inner = isalnum((unsigned char)text[i]) || text[i] == '-';
        if (i < length && text[i] != '.' && !inner)
            return false;
        if (inner) {
            label++;
            continue;
        }
        if (label == 0 || label > 63 || text[i - 1] == '-' || text[i - label] == '-')
            return i == length && label == 0 && length > 1; // a dot at the end
        label = 0;
    }
    return length < 254;
}

static int check_members(const struct config *config, size_t number, struct places *places)
{
    const struct config_peer *peer = &config->peers[number];
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < peer->member_count; i++) {
        const struct config_member *member = &peer->members[i];
        snprintf(path, sizeof(path), "peers[%zu].members[%zu]", number, i);
        if ((member->host[0] != '\0') == has_address(member))
            return places_refuse(places, path, "has %s; give one of them",
                                 member->host[0] ? "both address and host" : "neither address nor host");
        snprintf(path, sizeof(path), "peers[%zu].members[%zu].host", number, i);
        if (member->host[0] != '\0' && !is_host(member->host))
            return places_refuse(places, path, "'%s' is not a host name; give one such as sbc.example.net",
                                 member->host);
        struct ip_address literal;
        if (value_parse_address(member->host, &literal) == 0)
            return places_refuse(places, path, "'%s' is an address; give it as address", member->host);
        snprintf(path, sizeof(path), "peers[%zu].members[%zu].%s", number, i,
                 member->host[0] ? "host" : "address");
        for (size_t other = 0; other < i; other++)
            if (same_address(&member->address, &peer->members[other].address) &&
                strcmp(member->host, peer->members[other].host) == 0 &&
                member->port == peer->members[other].port)
                return places_refuse(places, path,
                                     "is a member of %s twice; use weight to give it a larger share",
                                     peer->name);
        for (size_t other = 0; other < config->listener_count; other++)
            if (same_address(&member->address, &config->listeners[other].address) &&
                member->port == config->listeners[other].port)
                return places_refuse(places, path, "is our own listener %s; give the peer's address",
                                     config->listeners[other].name);
    }
    return 0;
}

static bool is_uri(const char *text)
{
    struct uri uri;
    return uri_parse((const uint8_t *)text, (struct span){0, (uint16_t)strlen(text)}, &uri) == 0;
}

static int check_peer_sections(const struct config *config, size_t number, struct places *places)
{
    const struct config_peer *peer = &config->peers[number];
    char path[PLACE_PATH_SIZE];
    snprintf(path, sizeof(path), "peers[%zu].failover.after", number);
    if (peer->failover.after >= config->timers.b)
        return places_refuse(places, path,
                             "is not shorter than timers.b, when the request ends anyway; give less");
    for (size_t i = 0; i < peer->failover.statuses.count; i++) {
        snprintf(path, sizeof(path), "peers[%zu].failover.statuses[%zu]", number, i);
        if (peer->failover.statuses.rows[i] >= 600)
            return places_refuse(places, path,
                                 "%u is a refusal for all members (RFC 3261 16.7); give 300 to 599",
                                 peer->failover.statuses.rows[i]);
    }
    snprintf(path, sizeof(path), "peers[%zu].probe.timeout", number);
    if (peer->probe.interval && peer->probe.timeout > peer->probe.interval)
        return places_refuse(places, path, "is longer than interval; give it or less");
    snprintf(path, sizeof(path), "peers[%zu].probe.from", number);
    if (peer->probe.from[0] && !is_uri(peer->probe.from))
        return places_refuse(places, path, "'%s' is not a SIP URI; give one such as sip:probe@example.net",
                             peer->probe.from);
    snprintf(path, sizeof(path), "peers[%zu].limits.burst", number);
    if (peer->limits.burst && !peer->limits.calls_per_second)
        return places_refuse(places, path, "is given without calls_per_second; give that too");
    snprintf(path, sizeof(path), "peers[%zu].limits.out_burst", number);
    if (peer->limits.out_burst && !peer->limits.out_calls_per_second)
        return places_refuse(places, path, "is given without out_calls_per_second; give that too");
    return 0;
}

static int check_peers(const struct config *config, struct places *places)
{
    char path[PLACE_PATH_SIZE];
    size_t members = 0, sources = 0;
    for (size_t i = 0; i < config->peer_count; i++) {
        const struct config_peer *peer = &config->peers[i];
        snprintf(path, sizeof(path), "peers[%zu].name", i);
        if (strcmp(peer->name, ANY_PEER) == 0)
            return places_refuse(places, path, ANY_PEER " means every peer in routes; choose another name");
        for (size_t other = 0; other < i; other++)
            if (strcmp(peer->name, config->peers[other].name) == 0)
                return places_refuse(places, path, "%s is the name of two peers; rename one", peer->name);
        snprintf(path, sizeof(path), "peers[%zu].listener", i);
        if (!model_listener(config, peer->listener))
            return places_refuse(places, path, "no listener is called %s; add it under listeners",
                                 peer->listener);
        snprintf(path, sizeof(path), "peers[%zu]", i);
        if (peer->member_count == 0 && peer->sources.count == 0)
            return places_refuse(places, path, "%s has neither members nor sources; give one of them",
                                 peer->name);
        members += peer->member_count;
        sources += peer->member_count + peer->sources.count;
        if (members > MEMBERS_MAX || sources > SOURCES_MAX)
            return places_refuse(
                places, path,
                "there are too many addresses up to here; give at most %u members and %u sources "
                "with members",
                MEMBERS_MAX, SOURCES_MAX);
        int result = check_members(config, i, places);
        if (result == 0)
            result = check_peer_sections(config, i, places);
        if (result < 0)
            return result;
    }
    return 0;
}

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
    char path[PLACE_PATH_SIZE], address[INET6_ADDRSTRLEN];
    value_address(&first->address, address, sizeof(address));
    if (!second->member) {
        snprintf(path, sizeof(path), "peers[%u].sources[%u]", second->peer, second->index);
        return places_refuse(places, path, "%s/%u is a source of %s already; a prefix has one peer", address,
                             second->length - 96u, one->name);
    }
    if (first->peer == second->peer)
        return 0;
    snprintf(path, sizeof(path), "peers[%u].members[%u].address", second->peer, second->index);
    if (first->member && strcmp(one->listener, two->listener) != 0)
        return places_refuse(
            places, path,
            "%s is a member of %s behind listener %s and of %s behind listener %s; an address can be "
            "behind one listener only",
            address, one->name, one->listener, two->name, two->listener);
    if (first->member && !explicit_owner)
        return places_refuse(
            places, path,
            "%s is a member of %s too, so requests from it could be from either; add it to the "
            "sources of one of them",
            address, one->name);
    return 0;
}

// One prefix belongs to one peer. An explicit source settles whose an address is that several peers have as a
// member.
static int check_sources(const struct config *config, struct places *places)
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
            if (has_address(&peer->members[m]))
                origins[count++] =
                    (struct origin){peer->members[m].address, 128, (uint16_t)i, (uint32_t)m, true};
    }
    qsort(origins, count, sizeof(*origins), compare_origins);
    int result = 0;
    size_t first = 0;
    for (size_t i = 1; i < count && result == 0; i++) {
        if (!same_address(&origins[i].address, &origins[first].address) ||
            origins[i].length != origins[first].length) {
            first = i;
            continue;
        }
        bool explicit_owner = !origins[first].member;
        result = check_pair(config, &origins[i - 1], &origins[i], explicit_owner, places);
    }
    free(origins);
    return result;
}

// host, or host:port.
static bool is_host_port(const char *text)
{
    char host[KEY_TEXT_SIZE];
    size_t length = strcspn(text, ":");
    memcpy(host, text, length);
    host[length] = '\0';
    return is_host(host) &&
           (!text[length] || (atoi(text + length + 1) > 0 && atoi(text + length + 1) <= 65535 &&
                              strspn(text + length + 1, "0123456789") == strlen(text + length + 1)));
}

static int check_route_texts(const struct config *config, size_t number, struct places *places)
{
    const struct config_route *route = &config->routes[number];
    char path[PLACE_PATH_SIZE];
    const struct {
        const char *key;
        bool wrong;
        const char *why;
    } rows[] = {
        {"listener", route->listener[0] && !model_listener(config, route->listener),
         "is no listener's name; add it under listeners"},
        {"strip", route->strip && !route->to[0], "is given without to; give that too"},
        {"prepend", route->prepend[0] && !route->to[0], "is given without to; give that too"},
        {"prepend", strcspn(route->prepend, "@:;?<> \"") != strlen(route->prepend),
         "holds what no user part may hold; give digits or letters"},
        {"set_host", route->set_host[0] && !route->to[0], "is given without to; give that too"},
        {"set_host", route->set_host[0] && !is_host_port(route->set_host), "is not host or host:port"},
        {"retry_after", route->retry_after && !route->answer, "is given without answer; give that too"},
        {"header_value", route->header_value[0] && !route->header[0],
         "is given without header; give that too"},
        {"header", strcspn(route->header, ":;, \"<>@") != strlen(route->header),
         "is not the name of a header"},
        {"redirect", route->redirect[0] && !is_uri(route->redirect),
         "is not a URI; give one such as sip:support@example.net"},
        {"redirect",
         route->redirect[0] && route->method != METHOD_INVITE && route->method != CHOICE_METHOD_ANY,
         "is for INVITE; give method: INVITE or none"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(path, sizeof(path), "routes[%zu].%s", number, rows[i].key);
        if (rows[i].wrong)
            return places_refuse(places, path, "%s", rows[i].why);
    }
    return 0;
}

static int check_route(const struct config *config, size_t number, struct places *places)
{
    const struct config_route *route = &config->routes[number];
    char path[PLACE_PATH_SIZE];
    snprintf(path, sizeof(path), "routes[%zu].from", number);
    if (strcmp(route->from, ANY_PEER) != 0 && !model_peer(config, route->from))
        return places_refuse(places, path, "no peer is called %s; give a peer's name or " ANY_PEER,
                             route->from);
    snprintf(path, sizeof(path), "routes[%zu]", number);
    unsigned actions = (route->to[0] != '\0') + (route->answer != 0) + (route->redirect[0] != '\0');
    if (actions != 1)
        return places_refuse(places, path, "gives %s; give one of them",
                             actions ? "more than one of to, answer and redirect"
                                     : "neither to nor answer nor redirect");
    snprintf(path, sizeof(path), "routes[%zu].method", number);
    // ACK and CANCEL follow the INVITE that they belong to (RFC 3261 16.10, 17.1.1.3).
    if (route->method == METHOD_ACK || route->method == METHOD_CANCEL)
        return places_refuse(places, path, "ACK and CANCEL go where their INVITE went; remove the route");
    if (route->answer >= 200 && route->answer < 300 &&
        (route->method == METHOD_INVITE || route->method == CHOICE_METHOD_ANY))
        return places_refuse(
            places, path,
            "an INVITE cannot be answered with %" PRIu64
            " without anybody to talk to; give another method such as OPTIONS, or a status from 300",
            route->answer);
    int result = check_route_texts(config, number, places);
    if (result < 0 || route->to[0] == '\0')
        return result;
    snprintf(path, sizeof(path), "routes[%zu].to", number);
    const struct config_peer *to = model_peer(config, route->to);
    if (!to)
        return places_refuse(places, path, "no peer is called %s; add it under peers", route->to);
    if (to->member_count == 0)
        return places_refuse(places, path, "%s has no members to send to; add members to it", route->to);
    return 0;
}

static int check_settings(const struct config *config, struct places *places)
{
    uint64_t queues = 0, mbufs = config->memory.mbufs;
    for (size_t i = 0; i < config->network_count; i++)
        queues += config->networks[i].queues;
    if (mbufs < queues * MBUFS_PER_QUEUE)
        return places_refuse(places, "memory.mbufs",
                             "%" PRIu64 " is too few for %" PRIu64 " queues; give at least %" PRIu64, mbufs,
                             queues, queues * MBUFS_PER_QUEUE);
    uint64_t needed_mb = (mbufs * MBUF_OCTETS * 4 / 3) >> 20;
    if (config->memory.mb < needed_mb)
        return places_refuse(places, "memory.mb",
                             "%" PRIu64 " is too little for %" PRIu64 " mbufs; give at least %" PRIu64,
                             config->memory.mb, mbufs, needed_mb);
    if (config->timers.t2 < config->timers.t1)
        return places_refuse(places, "timers.t2", "is shorter than t1; give t1 or more");
    if (config->dialogs.early_lifetime <= config->timers.c)
        return places_refuse(
            places, "dialogs.early_lifetime",
            "is not longer than timers.c, which ends calls that only ring; give more than it");
    if (config->dialogs.lifetime < config->dialogs.early_lifetime)
        return places_refuse(places, "dialogs.lifetime", "is shorter than early_lifetime; give it or more");
    return 0;
}

static int check_deny(const struct config *config, struct places *places)
{
    const struct prefix_list *deny = &config->prefilter.deny;
    char path[PLACE_PATH_SIZE];
    for (size_t i = 1; i < deny->count; i++)
        for (size_t other = 0; other < i; other++)
            if (same_address(&deny->rows[i].address, &deny->rows[other].address) &&
                deny->rows[i].length == deny->rows[other].length) {
                snprintf(path, sizeof(path), "prefilter.deny[%zu]", i);
                return places_refuse(places, path, "is given twice; remove one");
            }
    return 0;
}

int check_config(const struct config *config, struct places *places)
{
    int result = check_listeners(config, places);
    if (result == 0)
        result = check_peers(config, places);
    if (result == 0)
        result = check_sources(config, places);
    for (size_t i = 0; result == 0 && i < config->route_count; i++)
        result = check_route(config, i, places);
    if (result == 0)
        result = check_settings(config, places);
    if (result == 0)
        result = check_deny(config, places);
    return result;
}
