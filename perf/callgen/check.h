// SPDX-License-Identifier: BSD-3-Clause
// What a message must be when it has passed a proxy (RFC 3261 16.6, 16.7): as it was sent, but for what a
// proxy changes.
#ifndef CALLGEN_CHECK_H
#define CALLGEN_CHECK_H

#include "compose.h"
#include "tally.h"

// The Call-ID is, octet for octet, that of the call whose number it bears. False: it is none of ours.
bool check_call_id(const struct scene *scene, struct span call_id, uint32_t *number);

// A request of either side as it came to the other.
enum finding check_request(const struct scene *scene, const struct call *call, const struct asked *asked,
                           const struct message *message);

// CANCEL and ACK to a refusal, which the proxy writes itself (9.1, 17.1.1.3): its only Via is the one above
// the INVITE.
enum finding check_hop(const struct scene *scene, const struct call *call, const struct message *message);

// A response as it came to who asked. FAR: it is the far end's, and so are its tag, and a callee's Contact,
// Record-Route and body; else it is the proxy's own.
enum finding check_response(const struct scene *scene, const struct call *call, const struct asked *asked,
                            const struct message *message, bool far);

#endif
