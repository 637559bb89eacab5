// SPDX-License-Identifier: BSD-3-Clause
#include "listener.h"

bool listener_is_of(const struct rules *rules, uint16_t peer, uint16_t listener)
{
    const uint16_t *listeners = rules->peers[peer].listeners;
    for (unsigned i = 0; i < PEER_LISTENERS_MAX && listeners[i] != NUMBER_NONE; i++) {
        if (listeners[i] == listener)
            return true;
    }
    return false;
}

static bool is_of_family(const struct rules *rules, uint16_t listener, const struct ip_address *address)
{
    return ip_is_ipv4(&rules->listeners[listener].address) == ip_is_ipv4(address);
}

bool listener_reaches(const struct rules *rules, uint16_t peer, const struct ip_address *address)
{
    const uint16_t *listeners = rules->peers[peer].listeners;
    for (unsigned i = 0; i < PEER_LISTENERS_MAX && listeners[i] != NUMBER_NONE; i++) {
        if (is_of_family(rules, listeners[i], address))
            return true;
    }
    return false;
}

void listener_write(const struct rules *rules, struct writer *writer, uint16_t listener)
{
    const struct listener_text *text = &rules->listener_texts[listener];
    write_octets(writer, text->octets, text->length);
}

uint16_t listener_of_text(const struct rules *rules, const uint8_t *octets, uint32_t length)
{
    for (uint32_t i = 0; i < rules->listener_count; i++) { // at most LISTENERS_MAX, usually two
        const struct listener_text *text = &rules->listener_texts[i];
        if (text->length == length && memcmp(text->octets, octets, length) == 0)
            return (uint16_t)i;
    }
    return NUMBER_NONE;
}

// Equal ones keep their order.
static bool is_better(const struct nexthop_route *route, const struct nexthop_route *than)
{
    if (than == NULL || route->length != than->length)
        return than == NULL || route->length > than->length;
    return route->metric < than->metric;
}

uint16_t listener_choose(const struct rules *rules, const struct nexthop_table *nexthops,
                         const struct listener_choice *choice)
{
    const uint16_t *listeners = rules->peers[choice->peer].listeners;
    const struct nexthop_route *best = NULL;
    uint16_t chosen = NUMBER_NONE;
    if (listeners[1] == NUMBER_NONE) // nearly always
        return listeners[0];
    for (unsigned i = 0; i < PEER_LISTENERS_MAX && listeners[i] != NUMBER_NONE; i++) {
        if (!is_of_family(rules, listeners[i], &choice->address))
            continue;
        if (chosen == NUMBER_NONE)
            chosen = listeners[i];
        uint8_t network = (uint8_t)rules->listeners[listeners[i]].network;
        const struct nexthop_route *route = nexthop_route(nexthops, network, &choice->address);
        if (route == NULL || !nexthops->networks[network].up)
            continue;
        if (listeners[i] == choice->known)
            return choice->known;
        if (is_better(route, best)) {
            best = route;
            chosen = listeners[i];
        }
    }
    return chosen != NUMBER_NONE ? chosen : listeners[0];
}
