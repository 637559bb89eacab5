// SPDX-License-Identifier: BSD-3-Clause
// What a configuration may say but hardly means. Nothing here refuses anything: each row tells what will
// happen, and an operator who wants that leaves it so.
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "hosts.h"
#include "value.h"

static void warn_unused(const struct config *config, struct places *places)
{
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < config->network_count; i++) {
        bool used = false;
        for (size_t k = 0; k < config->listener_count; k++)
            used |= strcmp(config->listeners[k].network, config->networks[i].name) == 0;
        snprintf(path, sizeof(path), "networks.%s", config->networks[i].name);
        if (!used)
            places_warn(places, path, "no listener is on this network: its interface is driven for nothing");
    }
    for (size_t i = 0; config->peer_count > 0 && i < config->listener_count; i++) {
        bool used = false;
        for (size_t k = 0; k < config->peer_count; k++)
            used |= model_speaks_at(&config->peers[k], config->listeners[i].name);
        snprintf(path, sizeof(path), "listeners[%zu]", i);
        if (!used)
            places_warn(places, path, "no peer names listener %s: no request is sent from it",
                        config->listeners[i].name);
    }
}

static bool is_named(const struct config *config, const struct config_peer *peer)
{
    for (size_t i = 0; i < config->route_count; i++) {
        const struct config_route *route = &config->routes[i];
        bool general = route->method == CHOICE_METHOD_ANY && route->to_us == 0;
        if (strcmp(route->from, peer->name) == 0 || strcmp(route->to, peer->name) == 0 ||
            (general && strcmp(route->from, ANY_PEER) == 0))
            return true;
    }
    return false;
}

// What the members of a peer take together, 0: no limit. A host can become up to 16 members, each with the
// host's own.
static uint64_t sum_of_members(const struct config_peer *peer, bool rates)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < peer->member_count; i++) {
        const struct config_member *member = &peer->members[i];
        uint64_t limit = rates ? member->calls_per_second : member->capacity;
        if (limit == 0)
            return 0;
        sum += limit * (check_has_address(member) ? 1 : HOST_ADDRESSES_MAX);
    }
    return sum;
}

// A limit that another one keeps from being reached.
static void warn_limits(const struct config *config, size_t number, struct places *places)
{
    const struct config_peer *peer = &config->peers[number];
    const struct config_peer_limits *own = &peer->limits;
    uint64_t dialogs = config->dialogs.capacity * config->workers.count;
    uint64_t invites =
        peer->prefilter.invite_rate ? peer->prefilter.invite_rate : config->buckets.peer_invite.rate;
    invites = config->prefilter.mode == PREFILTER_OFF ? 0 : invites;
    const struct {
        const char *key;
        uint64_t limit, other; // 0: none
        const char *what;
    } rows[] = {
        {"calls_per_second", own->calls_per_second, config->limits.calls_per_second,
         "limits.calls_per_second, which all peers share, lets through"},
        {"calls_per_second", own->calls_per_second, invites, "prefilter.peer_invite.rate lets through"},
        {"concurrent_calls", own->concurrent_calls, config->limits.concurrent_calls,
         "limits.concurrent_calls, which all peers share, lets through"},
        {"concurrent_calls", own->concurrent_calls, dialogs, "dialogs.capacity of all workers holds"},
        {"out_calls_per_second", own->out_calls_per_second, sum_of_members(peer, true),
         "calls_per_second of its members lets through"},
        {"out_concurrent_calls", own->out_concurrent_calls, sum_of_members(peer, false),
         "capacity of its members holds"},
    };
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(path, sizeof(path), "peers[%zu].limits.%s", number, rows[i].key);
        if (rows[i].other > 0 && rows[i].limit > rows[i].other)
            places_warn(places, path, "%" PRIu64 " is never reached: it is more than the %" PRIu64 " that %s",
                        rows[i].limit, rows[i].other, rows[i].what);
    }
}

// Members that no network of ours leads to, whatever the host's routes are.
static void warn_members(const struct config *config, size_t number, struct places *places)
{
    const struct config_peer *peer = &config->peers[number];
    char path[PLACE_PATH_SIZE];
    for (size_t m = 0; m < peer->member_count; m++) {
        const struct ip_address *address = &peer->members[m].address;
        bool loopback = check_has_address(&peer->members[m]) && value_is_loopback(address);
        snprintf(path, sizeof(path), "peers[%zu].members[%zu].address", number, m);
        for (size_t i = 0; i < config->listener_count; i++) {
            const struct config_listener *listener = &config->listeners[i];
            if (check_same_address(address, &listener->address))
                places_warn(places, path,
                            "is our own address, that of listener %s: nothing that is sent there leaves",
                            listener->name);
            loopback &= !model_speaks_at(peer, listener->name) || !value_is_loopback(&listener->address);
        }
        if (loopback)
            places_warn(places, path, "is on no network of ours: it is loopback, and no listener of %s is",
                        peer->name);
    }
}

// A packet reaches us at an address of its own family. Members are refused for that (check_peer.c), since
// nothing can be sent to them; of sources nothing comes.
static void warn_sources(const struct config *config, size_t number, struct places *places)
{
    const struct config_peer *peer = &config->peers[number];
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < peer->sources.count; i++) {
        const struct ip_address *address = &peer->sources.rows[i].address;
        snprintf(path, sizeof(path), "peers[%zu].sources[%zu]", number, i);
        if (!model_has_family(config, peer, address))
            places_warn(places, path, "is %s, and no listener of %s is: nothing comes from there",
                        ip_is_ipv4(address) ? "IPv4" : "IPv6", peer->name);
    }
}

static void warn_peer(const struct config *config, size_t number, struct places *places)
{
    const struct config_peer *peer = &config->peers[number];
    bool groups = config->dialogs.in_dialog == IN_DIALOG_GROUP;
    const struct {
        const char *key;
        bool odd;
        const char *text;
    } rows[] = {
        {"", config->route_count > 0 && !is_named(config, peer),
         "no route names this peer: its requests are answered 404, and none are sent to it"},
        {".failover.after", peer->failover.after > 0 && peer->failover.attempts == 1,
         "has no effect with attempts: 1"},
        {".failover.after",
         peer->failover.after > 0 && peer->failover.attempts > 1 && peer->member_count == 1 &&
             check_has_address(&peer->members[0]),
         "has no effect with one member"},
        {".probe.interval", peer->probe.interval > 0 && peer->member_count == 0,
         "has no effect without members"},
        {".probe.from", peer->probe.from[0] != '\0' && peer->probe.interval == 0,
         "has no effect without interval"},
        {".group", peer->group[0] != '\0' && !groups, "has no effect unless dialogs.in_dialog is group"},
    };
    char path[PLACE_PATH_SIZE];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(path, sizeof(path), "peers[%zu]%s", number, rows[i].key);
        if (rows[i].odd)
            places_warn(places, path, "%s", rows[i].text);
    }
    warn_limits(config, number, places);
    warn_members(config, number, places);
    warn_sources(config, number, places);
}

// dialgate-dataplane lets deny win where a peer's source or member is the same prefix.
static void warn_denied(const struct config *config, struct places *places)
{
    char path[PLACE_PATH_SIZE];
    for (size_t d = 0; d < config->prefilter.deny.count; d++) {
        const struct key_prefix *deny = &config->prefilter.deny.rows[d];
        snprintf(path, sizeof(path), "prefilter.deny[%zu]", d);
        for (size_t p = 0; p < config->peer_count; p++) {
            const struct config_peer *peer = &config->peers[p];
            bool same = false;
            for (size_t i = 0; i < peer->sources.count; i++)
                same |= deny->length == peer->sources.rows[i].length &&
                        check_same_address(&deny->address, &peer->sources.rows[i].address);
            for (size_t i = 0; i < peer->member_count; i++)
                same |= deny->length == 128 && check_same_address(&deny->address, &peer->members[i].address);
            if (same)
                places_warn(places, path, "is what %s sends from: all of it is dropped", peer->name);
        }
    }
}

static void warn_settings(const struct config *config, struct places *places)
{
    const struct config_buckets *buckets = &config->buckets;
    uint64_t dialogs = config->dialogs.capacity * config->workers.count;
    bool grouped = false;
    for (size_t i = 0; i < config->peer_count; i++)
        grouped |= config->peers[i].group[0] != '\0';
    const struct {
        const char *path;
        bool odd;
        const char *text;
    } rows[] = {
        {"limits.burst", config->limits.burst > 0 && config->limits.calls_per_second == 0,
         "has no effect without calls_per_second"},
        {"limits.concurrent_calls", config->limits.concurrent_calls > dialogs,
         "is never reached: dialogs.capacity of all workers is less"},
        {"dialogs.keepalive", config->dialogs.keepalive >= config->dialogs.lifetime,
         "has no effect: dialogs.lifetime ends a dialog before"},
        {"dialogs.in_dialog", config->dialogs.in_dialog == IN_DIALOG_GROUP && !grouped,
         "no peer has a group: only a dialog's own peers may speak in it"},
        {"prefilter.peer_invite.rate", buckets->peer_invite.rate > buckets->peer.rate,
         "is never reached: prefilter.peer.rate, which counts INVITEs too, is less"},
        {"prefilter.stranger_invite.rate", buckets->stranger_invite.rate > buckets->stranger.rate,
         "is never reached: prefilter.stranger.rate, which counts INVITEs too, is less"},
        {"prefilter.stranger.rate", buckets->stranger.rate > buckets->strangers.rate,
         "is never reached: prefilter.strangers.rate, which counts all of them, is less"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].odd)
            places_warn(places, rows[i].path, "%s", rows[i].text);
}

void warn_config(const struct config *config, struct places *places)
{
    warn_unused(config, places);
    for (size_t i = 0; i < config->peer_count; i++)
        warn_peer(config, i, places);
    warn_applications(config, places);
    warn_routes(config, places);
    warn_denied(config, places);
    warn_settings(config, places);
}
