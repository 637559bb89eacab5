// SPDX-License-Identifier: BSD-3-Clause
// Subscription-State (RFC 6665 4.1.3, 8.2.3).
#ifndef DIALGATE_SIP_SUBSCRIPTION_STATE_H
#define DIALGATE_SIP_SUBSCRIPTION_STATE_H

#include "message.h"
#include "write.h"

enum subscription { SUBSCRIPTION_ACTIVE, SUBSCRIPTION_PENDING, SUBSCRIPTION_TERMINATED, SUBSCRIPTION_OTHER };

struct subscription_state {
    enum subscription state;
    struct span name;   // the state as it is written
    struct span reason; // length 0: none
    uint32_t expires_s;
    uint32_t retry_after_s;
    bool has_expires;
    bool has_retry_after;
};

// Returns 0, or -1: no state, numbers that are none, repeated parameters.
int subscription_state_read(const uint8_t *octets, struct span value, struct subscription_state *state);
void write_subscription_state(struct writer *writer, const uint8_t *octets,
                              const struct subscription_state *state);

#endif
