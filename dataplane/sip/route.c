// SPDX-License-Identifier: BSD-3-Clause
#include "route.h"

void route_walk_init(struct route_walk *walk, const struct message *message, enum sip_header kind)
{
    *walk = (struct route_walk){.message = message, .field = message_first_header(message, kind)};
}

int route_walk_next(struct route_walk *walk, struct route *route)
{
    const struct message *message = walk->message;
    struct span lr;
    while (walk->field != MESSAGE_NO_HEADER) {
        struct span value = message->headers[walk->field].value;
        int more = address_next(message->octets, value, &walk->at, &route->address);
        // Only an address without brackets begins with its URI.
        if (more == 1 && (route->address.uri.offset == route->address.whole.offset ||
                          uri_parse(message->octets, route->address.uri, &route->uri) != 0))
            more = -1;
        if (more == 1)
            route->is_loose = uri_parameter(message->octets, route->uri.parameters, "lr", &lr);
        if (more != 0)
            return more;
        walk->field = message_next_header(message, walk->field);
        walk->at = 0;
    }
    return 0;
}
