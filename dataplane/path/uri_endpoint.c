// SPDX-License-Identifier: BSD-3-Clause
#include "worker_core.h"

bool endpoint_of_uri(const struct message *message, struct span uri, struct endpoint *to)
{
    struct uri parts;
    if (uri_parse(message->octets, uri, &parts) != 0 || parts.scheme != URI_SIP ||
        uri_host_ipv4(message->octets, parts.host, &to->address) != 0)
        return false;
    to->port = parts.port != 0 ? parts.port : SIP_PORT;
    to->listener = NUMBER_NONE;
    return true;
}

bool endpoint_of_via(const struct message *message, const struct via *via, struct endpoint *to)
{
    struct span host = via->received.length != 0 ? via->received : via->host;
    if (uri_host_ipv4(message->octets, host, &to->address) != 0)
        return false;
    to->port = via->rport_port != 0 ? via->rport_port : via->port != 0 ? via->port : SIP_PORT;
    to->listener = NUMBER_NONE;
    return true;
}
