// SPDX-License-Identifier: BSD-3-Clause
// Requests in, their answers out (RFC 3261 17.2, 13.3.1.4).
#ifndef HOLDER_SERVER_H
#define HOLDER_SERVER_H

#include "holder.h"

// A request that came over WIRE: 0 is the caller's.
void server_request(struct holder *holder, unsigned wire, const struct message *message, const char *octets);

// The answer to an INVITE goes out again, or the callee gives up waiting for the ACK.
void server_repeat(struct holder *holder, struct call *call);
void server_give_up(struct holder *holder, struct call *call);

#endif
