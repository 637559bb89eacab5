// SPDX-License-Identifier: BSD-3-Clause
#include "rules.h"
#include "rules_source.h"

uint8_t rules_network(const struct rules *rules, uint8_t of, uint32_t tags)
{
    uint8_t network = rules->ports.of[of];
    // At most NETWORKS_MAX, and on most trunks two.
    while (network != NETWORK_NONE && snapshot_tags(&rules->networks[network]) != tags)
        network = rules->ports.next[network];
    return network;
}

uint16_t rules_listener(const struct rules *rules, const struct ip_address *address, uint16_t port)
{
    for (uint32_t i = 0; i < rules->listener_count; i++) { // at most LISTENERS_MAX, usually two
        const struct snapshot_listener *listener = &rules->listeners[i];
        if (listener->port == port && ip_equal(&listener->address, address))
            return (uint16_t)i;
    }
    return NUMBER_NONE;
}

// No listener is advertised as another's own address and port (rules_create.c).
uint16_t rules_listener_named(const struct rules *rules, const struct ip_address *address, uint16_t port)
{
    for (uint32_t i = 0; i < rules->listener_count; i++) {
        const struct snapshot_listener *listener = &rules->listeners[i];
        if ((listener->advertised_port == port && ip_equal(&listener->advertised, address)) ||
            (listener->port == port && ip_equal(&listener->address, address)))
            return (uint16_t)i;
    }
    return NUMBER_NONE;
}

uint16_t rules_peer(const struct rules *rules, const struct ip_address *address)
{
    const struct rules_lengths *used = &rules->source_lengths[ip_is_ipv4(address)];
    for (uint32_t i = 0; i < used->count; i++) { // at most 33 of IPv4, 129 of IPv6
        uint32_t length = used->lengths[i];
        struct ip_address prefix = ip_prefix(address, length);
        uint32_t found = *source_slot(rules, &prefix, length);
        if (found != 0)
            return rules->sources[found - 1].peer;
    }
    return NUMBER_NONE;
}

bool rules_may_speak(const struct rules *rules, uint16_t from, uint16_t of)
{
    if (from == of)
        return true;
    switch (rules->settings->in_dialog) {
    case IN_DIALOG_GROUP:
        return of < rules->peer_count && (rules->peers[of].flags & SNAPSHOT_PRESENT) &&
               rules->peers[of].group == rules->peers[from].group;
    case IN_DIALOG_ANY_PEER:
        return !rules_is_application(rules, of);
    default:
        return false;
    }
}

struct session_policy rules_session(const struct rules *rules, uint16_t application, bool uac)
{
    const struct snapshot_peer *row = &rules->peers[application];
    struct session_policy policy = {.wanted_s = row->session_expires_s, .minimum_s = row->session_minimum_s};
    if (row->session_refresher != REFRESH_BY_ANY)
        policy.refresher = (row->session_refresher == REFRESH_BY_LOCAL) == uac ? SESSION_UAC : SESSION_UAS;
    return policy;
}

struct judge_limits rules_judge_limits(const struct rules *rules)
{
    const struct snapshot_ua_limits *limits = &rules->settings->ua_limits;
    return (struct judge_limits){.header_line = limits->header_line,
                                 .body = limits->body,
                                 .uri = limits->uri,
                                 .call_id = limits->call_id,
                                 .tag = limits->tag,
                                 .replaces = limits->replaces,
                                 .vias = limits->vias,
                                 .routes = limits->routes,
                                 .refer_to_parameters = limits->refer_to_parameters,
                                 .media_lines = limits->media_lines};
}

uint16_t rules_member(const struct rules *rules, uint16_t peer, uint64_t call_hash)
{
    const struct snapshot_peer *row = &rules->peers[peer];
    // The low bits choose: the high ones chose the owner core, and would leave each core only its share of
    // the table.
    return row->maglev_count == 0
               ? NUMBER_NONE
               : rules->maglev[row->maglev_offset + (uint32_t)call_hash % row->maglev_count];
}
