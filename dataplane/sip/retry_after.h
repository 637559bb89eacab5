// SPDX-License-Identifier: BSD-3-Clause
// Retry-After (RFC 3261 20.33).
#ifndef DIALGATE_SIP_RETRY_AFTER_H
#define DIALGATE_SIP_RETRY_AFTER_H

#include "message.h"
#include "write.h"

struct retry_after {
    uint32_t delay_s;
    uint32_t duration_s;
    bool has_duration;
    struct span comment; // with its parentheses; length 0: none
};

// Returns 0, or -1: no number below 2^32, a comment that is not closed, a bad or repeated duration.
int retry_after_read(const uint8_t *octets, struct span value, struct retry_after *retry);
void write_retry_after(struct writer *writer, const uint8_t *octets, const struct retry_after *retry);

#endif
