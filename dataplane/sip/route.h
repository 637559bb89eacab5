// SPDX-License-Identifier: BSD-3-Clause
// Route sets: Route, Record-Route, Path, Service-Route (RFC 3261 12.1, 16.6, 20.30, 20.34; RFC 3327; RFC
// 3608), over all lines of a message.
#ifndef DIALGATE_SIP_ROUTE_H
#define DIALGATE_SIP_ROUTE_H

#include "uri.h"

struct route {
    struct address address;
    struct uri uri;
    bool is_loose; // the URI has lr (RFC 3261 19.1.1)
};

struct route_walk {
    const struct message *message;
    uint32_t at; // in the value of the line
    uint8_t field;
};

void route_walk_init(struct route_walk *walk, const struct message *message, enum sip_header kind);

// Returns 1 with the next value from the top, 0 at the end, -1 where the text is none. RFC 3261 20.34:
// name-addr only, so a URI without angle brackets is a fault.
int route_walk_next(struct route_walk *walk, struct route *route);

#endif
