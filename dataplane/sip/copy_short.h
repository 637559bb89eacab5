// SPDX-License-Identifier: BSD-3-Clause
// Copies of what is mostly short: up to 32 octets go by two words that overlap, without a call.
#ifndef DIALGATE_SIP_COPY_SHORT_H
#define DIALGATE_SIP_COPY_SHORT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The first and the last `size` octets, of a size that compilers know: both are loaded before one is stored.
static inline void copy_ends(uint8_t *to, const uint8_t *at, size_t length, size_t size)
{
    uint8_t first[16], last[16];
    memcpy(first, at, size);
    memcpy(last, at + length - size, size);
    memcpy(to, first, size);
    memcpy(to + length - size, last, size);
}

// The two places do not overlap. Returns what lies behind the copy.
static inline uint8_t *copy_short(uint8_t *to, const uint8_t *at, size_t length)
{
    if (length > 32) {
        memcpy(to, at, length);
    } else if (length >= 16) {
        copy_ends(to, at, length, 16);
    } else if (length >= 8) {
        copy_ends(to, at, length, 8);
    } else if (length >= 4) {
        copy_ends(to, at, length, 4);
    } else if (length != 0) {
        to[0] = at[0];
        to[length / 2] = at[length / 2];
        to[length - 1] = at[length - 1];
    }
    return to + length;
}

#endif
