// SPDX-License-Identifier: BSD-3-Clause
// Requests out, their responses in (RFC 3261 17.1), and what a call becomes when both ends are done with one.
#ifndef HOLDER_CLIENT_H
#define HOLDER_CLIENT_H

#include "holder.h"

// A new call's INVITE. False: no room.
bool client_call(struct holder *holder, enum manner manner, bool held, uint64_t lifetime_us);
// A request inside an idle call that is up. False: no flight is free.
bool client_ask(struct holder *holder, struct call *call, enum method method, enum side by);

// A response that came to SIDE.
void client_response(struct holder *holder, enum side side, const struct message *message,
                     const char *octets);

// The request goes out again, or its sender gives up.
void client_repeat(struct holder *holder, struct call *call);
void client_give_up(struct holder *holder, struct call *call);

// Ends the flight when both ends are done with it.
void client_settle(struct holder *holder, struct call *call);

#endif
