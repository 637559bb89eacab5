// SPDX-License-Identifier: BSD-3-Clause
// What a message must be after Dialgate has forwarded it: unchanged but for what a proxy does (RFC
// 3261 16.6, 16.7).
#ifndef HOLDER_CHECK_H
#define HOLDER_CHECK_H

#include "compose.h"

// The call that the message names. NULL: it is over, which is counted, or none of ours, which is a finding.
struct call *check_call(struct holder *holder, const struct message *message, const char *octets);

// A request that side AT got; ASKED is what the other side sent.
enum finding check_request(const struct holder *holder, const struct call *call, const struct asked *asked,
                           const struct message *message);

// A BYE that Dialgate itself sends, under the name of BY (README, "Where it is not a pure proxy").
enum finding check_hang_up(const struct holder *holder, const struct call *call, enum side by,
                           const struct message *message);

// A response of the far end that the sender of ASKED got.
enum finding check_response(const struct holder *holder, const struct call *call, const struct asked *asked,
                            const struct message *message);

#endif
