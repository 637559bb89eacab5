// SPDX-License-Identifier: BSD-3-Clause
// When a request that failed is tried again, and with whom.
#ifndef DIALGATE_CONTROL_UA_BACKOFF_H
#define DIALGATE_CONTROL_UA_BACKOFF_H

#include "../config/config.h"
#include "ua.h"

// The policy of that name; NULL: the application's. A name that is none: no retries; the RPC refused it.
struct config_retry_view ua_policy(const struct ua *ua, const struct ua_app *app, const char *name);
// Milliseconds until the next try, after so many: growing up to the cap, with jitter.
uint64_t ua_backoff_ms(const struct config_retry_view *policy, uint32_t attempts);
// Another member of the same peer than the one that failed; where there is none, the data plane chooses.
void ua_fail_over(struct ua *ua, struct ua_sent *sent, const struct ua_response *response);

uint32_t ua_random(void); // for jitter and nonces, not for keys

#endif
