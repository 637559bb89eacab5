// SPDX-License-Identifier: BSD-3-Clause
// Copies of what is mostly short: up to 16 octets go by two words that overlap, without a call.
#ifndef DIALGATE_SIP_COPY_SHORT_H
#define DIALGATE_SIP_COPY_SHORT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The two places do not overlap. Returns what lies behind the copy.
static inline uint8_t *copy_short(uint8_t *to, const uint8_t *at, size_t length)
{
    if (length > 16) {
        memcpy(to, at, length);
    } else if (length >= 8) {
        uint64_t first, last;
        memcpy(&first, at, sizeof(first));
        memcpy(&last, at + length - sizeof(last), sizeof(last));
        memcpy(to, &first, sizeof(first));
        memcpy(to + length - sizeof(last), &last, sizeof(last));
    } else {
        for (size_t i = 0; i < length; i++)
            to[i] = at[i];
    }
    return to + length;
}

#endif
