// SPDX-License-Identifier: BSD-3-Clause
// Routes that no request reaches. The first one that fits is taken, so one whose every request fits an
// earlier one is dead; seen is what follows from the texts alone: an earlier condition is the same or wider.
// And what peers send comes to their own listeners only.
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COVER_LOOKS_MAX                                                                                      \
    (1u << 20) // peers times routes: what a reload has time for, for each route of any-peer

// Is the beginning that the earlier one asks for a beginning of the later one's?
static bool covers_beginning(const char *earlier, const char *later)
{
    return strncmp(earlier, later, strlen(earlier)) == 0;
}

// Hosts and names of headers are compared without case (RFC 3261 7.3.1, 19.1.4); "" asks for nothing.
static bool covers_text(const char *earlier, const char *later)
{
    return !earlier[0] || strcasecmp(earlier, later) == 0;
}

// Does every request that is from this peer and fits later fit earlier, too?
static bool covers(const struct config_peer *from, const struct config_route *earlier,
                   const struct config_route *later)
{
    bool same_place = strcmp(earlier->listener, later->listener) == 0 ||
                      (from && from->listener.count == 1 && model_speaks_at(from, earlier->listener));
    const char *peer = from ? from->name : later->from;
    // any-peer is no application: without a peer, only the same name is as wide.
    return ((from && strcmp(earlier->from, ANY_PEER) == 0) || strcmp(earlier->from, peer) == 0) &&
           (earlier->method == CHOICE_METHOD_ANY || earlier->method == later->method) &&
           (earlier->to_us == 0 || later->to_us != 0) && (!earlier->listener[0] || same_place) &&
           covers_beginning(earlier->uri_user, later->uri_user) &&
           covers_text(earlier->uri_host, later->uri_host) &&
           covers_beginning(earlier->to_user, later->to_user) &&
           covers_text(earlier->to_host, later->to_host) && covers_text(earlier->header, later->header) &&
           covers_text(earlier->header_value, later->header_value);
}

// The first route that takes all that the one at `number` would take from a peer (NULL: from anybody);
// `number` when there is none.
static size_t taker(const struct config *config, const struct config_peer *from, size_t number)
{
    size_t earlier = 0;
    while (earlier < number && !covers(from, &config->routes[earlier], &config->routes[number]))
        earlier++;
    return earlier;
}

// Is there, for each peer that could use a route of any-peer, an earlier route of its own that takes all?
static bool all_taken(const struct config *config, size_t number)
{
    const struct config_route *route = &config->routes[number];
    bool used = false;
    if (strcmp(route->from, ANY_PEER) != 0 || config->peer_count * number > COVER_LOOKS_MAX)
        return false;
    for (size_t i = 0; i < config->peer_count; i++) {
        const struct config_peer *peer = &config->peers[i];
        if (route->listener[0] && !model_speaks_at(peer, route->listener))
            continue;
        if (taker(config, peer, number) == number)
            return false;
        used = true;
    }
    return used;
}

// A listener that nobody speaks at who the route is for.
static bool is_elsewhere(const struct config *config, const struct config_route *route)
{
    for (size_t i = 0; i < config->peer_count; i++) {
        const struct config_peer *peer = &config->peers[i];
        bool from = strcmp(route->from, ANY_PEER) == 0 || strcmp(route->from, peer->name) == 0;
        if (from && model_speaks_at(peer, route->listener))
            return false;
    }
    return route->listener[0] != '\0';
}

static void warn_route(const struct config *config, size_t number, struct places *places)
{
    const struct config_route *route = &config->routes[number];
    char path[PLACE_PATH_SIZE], other[PLACE_PATH_SIZE];
    snprintf(path, sizeof(path), "routes[%zu].listener", number);
    if (is_elsewhere(config, route)) {
        bool any = strcmp(route->from, ANY_PEER) == 0;
        places_warn(places, path, "is never reached: %s%s speaks at %s", any ? "no peer" : route->from,
                    any ? "" : " never", route->listener);
        return;
    }
    snprintf(path, sizeof(path), "routes[%zu].uri_user", number);
    if (route->to_us && route->uri_user[0]) {
        places_warn(places, path, "is never reached: to_us takes only a request-URI without a user part");
        return;
    }
    const struct config_peer *from = model_peer(config, route->from);
    size_t earlier = taker(config, from, number);
    snprintf(path, sizeof(path), "routes[%zu]", number);
    snprintf(other, sizeof(other), "routes[%zu]", earlier);
    if (earlier < number) {
        const struct place *place = places_find(places, other);
        bool here = place->file == places_find(places, path)->file;
        places_warn(places, path, "is never reached: the route of %s%sline %u takes all that it would",
                    here ? "" : places_file(places, place->file), here ? "" : ", ", place->line);
    } else if (all_taken(config, number)) {
        places_warn(places, path,
                    "is never reached: each peer has an earlier route that takes all that it would");
    }
}

void warn_routes(const struct config *config, struct places *places)
{
    for (size_t i = 0; i < config->route_count; i++)
        warn_route(config, i, places);
}
