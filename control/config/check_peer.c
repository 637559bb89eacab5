// SPDX-License-Identifier: BSD-3-Clause
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "value.h"

static int check_members(const struct config *config, size_t number, struct places *places)
{
    const struct config_peer *peer = &config->peers[number];
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < peer->member_count; i++) {
        const struct config_member *member = &peer->members[i];
        snprintf(path, sizeof(path), "peers[%zu].members[%zu]", number, i);
        if ((member->host[0] != '\0') == check_has_address(member))
            return places_refuse(places, path, "has %s; give one of them",
                                 member->host[0] ? "both address and host" : "neither address nor host");
        snprintf(path, sizeof(path), "peers[%zu].members[%zu].host", number, i);
        if (member->host[0] != '\0' && !check_is_host(member->host))
            return places_refuse(places, path, "'%s' is not a host name; give one such as sbc.example.net",
                                 member->host);
        struct ip_address literal;
        if (value_parse_address(member->host, &literal) == 0)
            return places_refuse(places, path, "'%s' is an address; give it as address", member->host);
        snprintf(path, sizeof(path), "peers[%zu].members[%zu].%s", number, i,
                 member->host[0] ? "host" : "address");
        for (size_t other = 0; other < i; other++)
            if (check_same_address(&member->address, &peer->members[other].address) &&
                strcmp(member->host, peer->members[other].host) == 0 &&
                member->port == peer->members[other].port)
                return places_refuse(places, path,
                                     "is a member of %s twice; use weight to give it a larger share",
                                     peer->name);
        if (check_has_address(member) && !model_has_family(config, peer, &member->address))
            return places_refuse(places, path, "is %s, and no listener of %s is; add one to its listener",
                                 ip_is_ipv4(&member->address) ? "IPv4" : "IPv6", peer->name);
        for (size_t other = 0; other < config->listener_count; other++)
            if (model_is_listener(&config->listeners[other], &member->address, member->port))
                return places_refuse(places, path, "is our own listener %s; give the peer's address",
                                     config->listeners[other].name);
    }
    return 0;
}

static int check_names(const struct config *config, size_t number, struct places *places)
{
    const struct name_list *names = &config->peers[number].listener;
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < names->count; i++) {
        snprintf(path, sizeof(path), "peers[%zu].listener[%zu]", number, i); // one alone: that of the key
        if (!model_listener(config, names->rows[i]))
            return places_refuse(places, places_find(places, path)->path,
                                 "no listener is called %s; add it under listeners", names->rows[i]);
        for (size_t other = 0; other < i; other++)
            if (strcmp(names->rows[i], names->rows[other]) == 0)
                return places_refuse(places, path, "%s is given twice; remove one", names->rows[i]);
    }
    return 0;
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
    if (peer->probe.from[0] && !check_is_uri(peer->probe.from))
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

int check_peers(const struct config *config, struct places *places)
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
        if (check_names(config, i, places) < 0)
            return -EINVAL;
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
