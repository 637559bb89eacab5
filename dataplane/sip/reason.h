// SPDX-License-Identifier: BSD-3-Clause
// Reason (RFC 3326 2).
#ifndef DIALGATE_SIP_REASON_H
#define DIALGATE_SIP_REASON_H

#include "message.h"
#include "write.h"

struct reason {
    struct span protocol; // "SIP", "Q.850", ...
    struct span text;     // with its quotes; length 0: none
    uint32_t cause;
    bool has_cause;
};

// Walks the values: *at starts as 0. Returns 1 with one, 0 at the end, -1 where the text is none.
int reason_next(const uint8_t *octets, struct span value, uint32_t *at, struct reason *reason);
void write_reason(struct writer *writer, const uint8_t *octets, const struct reason *reason);

#endif
