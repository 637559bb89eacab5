// SPDX-License-Identifier: BSD-3-Clause
#include "worker_core.h"

// RFC 3263 section 4: maddr, where it stands, is where the request goes, whatever the host is.
static struct span target_of(const uint8_t *octets, const struct uri *uri)
{
    struct span maddr;
    return uri_parameter(octets, uri->parameters, "maddr", &maddr) ? maddr : uri->host;
}

bool endpoint_of_uri(const struct message *message, struct span uri, struct endpoint *to)
{
    struct uri parts;
    if (uri_parse(message->octets, uri, &parts) != 0 || parts.scheme != URI_SIP ||
        uri_host_ip(message->octets, target_of(message->octets, &parts), &to->address) != 0)
        return false;
    to->port = parts.port != 0 ? parts.port : SIP_PORT;
    to->listener = NUMBER_NONE;
    return true;
}

enum next_hop next_hop_of_uri(const uint8_t *octets, struct span text, struct next_hop_uri *hop)
{
    struct span transport;
    struct uri uri;
    *hop = (struct next_hop_uri){0};
    if (uri_parse(octets, text, &uri) != 0)
        return NEXT_HOP_ELSEWHERE;
    if (uri.scheme == URI_SIPS)
        return NEXT_HOP_SECURE;
    if (uri.scheme != URI_SIP)
        return NEXT_HOP_ELSEWHERE;
    if (uri_parameter(octets, uri.parameters, "transport", &transport) && !span_is(octets, transport, "udp"))
        return NEXT_HOP_TRANSPORT;
    hop->host = target_of(octets, &uri);
    hop->port = uri.port;
    if (uri_host_ip(octets, hop->host, &hop->address) == 0)
        return NEXT_HOP_ADDRESS;
    return hop->host.length == 0 || memchr(octets + hop->host.offset, ':', hop->host.length) != NULL
               ? NEXT_HOP_ELSEWHERE
               : NEXT_HOP_NAME;
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
