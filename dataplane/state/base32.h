// SPDX-License-Identifier: BSD-3-Clause
// Private to cookie.c: base32 in lower case (RFC 4648's alphabet without padding), eight letters at once. A
// word holds eight letters, or their values of five bits, one an octet and the first in the lowest; or the
// five octets that they stand for, as a number of 40 bits. No octet ever carries into its neighbour, so that
// additions work on all eight.
#ifndef DIALGATE_STATE_BASE32_H
#define DIALGATE_STATE_BASE32_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>

#define BASE32_EACH(octet) ((octet)*0x0101010101010101ULL)
#define BASE32_HIGH        BASE32_EACH(0x80)

static inline uint64_t base32_letters(uint64_t forty)
{
    uint64_t x = (forty & 0xfffff) | (forty & 0xfffff00000) << 12;
    x = (x & 0x000003ff000003ff) | (x & 0x000ffc00000ffc00) << 6;
    x = (x & 0x001f001f001f001f) | (x & 0x03e003e003e003e0) << 3;
    x = htobe64(x);
    x = le64toh(x);
    // From 26 on the digits follow: "2" and not the letter behind "z".
    uint64_t digits = ((x + BASE32_EACH(0x80 - 26)) & BASE32_HIGH) >> 7;
    return x + BASE32_EACH('a') - digits * ('a' - ('2' - 26));
}

// 0x80 in each octet that lies from `from` to `to`. No octet of x has its highest bit.
static inline uint64_t base32_between(uint64_t x, uint8_t from, uint8_t to)
{
    return (x + BASE32_EACH(0x80u - from)) & ~(x + BASE32_EACH(0x7fu - to)) & BASE32_HIGH;
}

// The 40 bits of eight letters. *fine becomes false when one of them is none.
static inline uint64_t base32_forty(uint64_t letters, bool either_case, bool *fine)
{
    uint64_t x = letters & ~BASE32_HIGH;
    if (either_case)
        x |= base32_between(x, 'A', 'Z') >> 2;
    uint64_t lower = base32_between(x, 'a', 'z');
    uint64_t digits = base32_between(x, '2', '7');
    *fine = *fine && (letters & BASE32_HIGH) == 0 && (lower | digits) == BASE32_HIGH;
    x = (x - (lower >> 7) * 'a' - (digits >> 7) * ('2' - 26)) & BASE32_EACH(0x1f);
    x = htole64(x);
    x = be64toh(x);
    x = (x & 0x001f001f001f001f) | (x & 0x1f001f001f001f00) >> 3;
    x = (x & 0x000003ff000003ff) | (x & 0x03ff000003ff0000) >> 6;
    return (x & 0xfffff) | (x & 0x000fffff00000000) >> 12;
}

#endif
