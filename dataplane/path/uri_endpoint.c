// SPDX-License-Identifier: BSD-3-Clause
#include "worker_core.h"

// RFC 3263 section 4: maddr, where it stands, is where the request goes, whatever the host is.
static struct span target_of(const uint8_t *octets, const struct uri *uri)
{
    struct span maddr;
    return uri_parameter(octets, uri->parameters, "maddr", &maddr) ? maddr : uri->host;
}

bool endpoint_of_parts(const uint8_t *octets, const struct uri *uri, struct endpoint *to)
{
    if (uri->scheme != URI_SIP || uri_host_ip(octets, target_of(octets, uri), &to->address) != 0)
        return false;
    to->port = uri->port != 0 ? uri->port : SIP_PORT;
    to->listener = NUMBER_NONE;
    return true;
}

bool endpoint_of_uri(const struct message *message, struct span uri, struct endpoint *to)
{
    struct uri parts;
    return uri_parse(message->octets, uri, &parts) == 0 && endpoint_of_parts(message->octets, &parts, to);
}

// What decides the way among a URI's parameters: the first of each name counts, length 0: there is none, or
// it has no value.
struct way_parameters {
    struct span transport, maddr;
    bool has_transport, has_maddr;
};

static void read_way(const uint8_t *octets, struct span parameters, struct way_parameters *way)
{
    struct span name, value;
    for (uint32_t at = 0; uri_parameter_next(octets, parameters, &at, &name, &value);) { // each turn moves on
        if (!way->has_transport && span_is(octets, name, "transport")) {
            way->has_transport = true;
            way->transport = value;
        } else if (!way->has_maddr && span_is(octets, name, "maddr")) {
            way->has_maddr = true;
            way->maddr = value;
        }
    }
}

enum next_hop next_hop_of_uri(const uint8_t *octets, struct span text, struct next_hop_uri *hop)
{
    struct way_parameters way = {.has_transport = false};
    struct uri uri;
    *hop = (struct next_hop_uri){0};
    if (uri_parse(octets, text, &uri) != 0)
        return NEXT_HOP_ELSEWHERE;
    if (uri.scheme == URI_SIPS)
        return NEXT_HOP_SECURE;
    if (uri.scheme != URI_SIP)
        return NEXT_HOP_ELSEWHERE;
    if (uri.parameters.length != 0)
        read_way(octets, uri.parameters, &way);
    if (way.has_transport && !span_is(octets, way.transport, "udp"))
        return NEXT_HOP_TRANSPORT;
    hop->host = way.has_maddr ? way.maddr : uri.host;
    hop->port = uri.port;
    if (uri_host_ip(octets, hop->host, &hop->address) == 0)
        return NEXT_HOP_ADDRESS;
    return hop->host.length == 0 || memchr(octets + hop->host.offset, ':', hop->host.length) != NULL
               ? NEXT_HOP_ELSEWHERE
               : NEXT_HOP_NAME;
}

bool via_is_ours(const struct rules *rules, const struct message *message, const struct via *via)
{
    // As we write it, a semicolon follows.
    uint32_t end = via->parameters.length != 0 ? via->parameters.offset - 1u
                                               : (uint32_t)via->whole.offset + via->whole.length;
    struct endpoint sent_by;
    struct via named = *via;
    if (listener_of_text(rules, message_at(message, via->host), end - via->host.offset) != NUMBER_NONE)
        return true;
    named.received = (struct span){0, 0};
    named.rport_port = 0;
    return endpoint_of_via(message, &named, &sent_by) &&
           rules_listener_named(rules, &sent_by.address, sent_by.port) != NUMBER_NONE;
}

bool endpoint_of_via(const struct message *message, const struct via *via, struct endpoint *to)
{
    struct span host = via->received.length != 0 ? via->received : via->host;
    if (uri_host_ip(message->octets, host, &to->address) != 0)
        return false;
    to->port = via->rport_port != 0 ? via->rport_port : via->port != 0 ? via->port : SIP_PORT;
    to->listener = NUMBER_NONE;
    return true;
}
