// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
// What the first octets of a datagram say: INVITE, other SIP, a keepalive (RFC 5626 3.5.1), or none of these.
// The program and the workers decide by these functions alone. Loops are unrolled and indexes constant, so
// that the verifier follows without CAP_PERFMON.
#ifndef DIALGATE_PAYLOAD_H
#define DIALGATE_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include "dialgate/prefilter.h"

#define PAYLOAD_INLINE         static inline __attribute__((always_inline))
#define PAYLOAD_CRLF_PAIRS_MAX 4u // before a start-line (RFC 3261 7.5: to be ignored)
// Octets that are looked at: a method, its space, and up to eight of CRLF.
#define PAYLOAD_START (PREFILTER_METHOD_MAX + 2 * PAYLOAD_CRLF_PAIRS_MAX)

enum payload_kind { PAYLOAD_NOT_SIP, PAYLOAD_SIP, PAYLOAD_INVITE };

#define PAYLOAD_SET(c) (1ull << ((c)&63))
// The octets of an RFC 3261 25.1 token, 0-63 and 64-127.
#define PAYLOAD_TOKEN_LOW                                                                                    \
    (PAYLOAD_SET('!') | PAYLOAD_SET('%') | PAYLOAD_SET('\'') | PAYLOAD_SET('*') | PAYLOAD_SET('+') |         \
     PAYLOAD_SET('-') | PAYLOAD_SET('.') | (0x3ffull << '0'))
#define PAYLOAD_TOKEN_HIGH                                                                                   \
    (PAYLOAD_SET('_') | PAYLOAD_SET('`') | PAYLOAD_SET('~') | (0x3ffffffull << ('A' & 63)) |                 \
     (0x3ffffffull << ('a' & 63)))

PAYLOAD_INLINE bool payload_is_token(uint8_t c)
{
    uint64_t set = c & 64 ? PAYLOAD_TOKEN_HIGH : PAYLOAD_TOKEN_LOW;

    return c < 128 && (set >> (c & 63) & 1);
}

// A method is a token and one space follows it (RFC 3261 7.1).
PAYLOAD_INLINE bool payload_is_request(const uint8_t *at)
{
    if (!payload_is_token(at[0]))
        return false;
#pragma GCC unroll 32
    for (uint32_t i = 1; i <= PREFILTER_METHOD_MAX; i++) {
        if (at[i] == ' ')
            return true;
        if (!payload_is_token(at[i]))
            return false;
    }
    return false;
}

// SIP-Version is compared without case (RFC 3261 7.1).
PAYLOAD_INLINE bool payload_is_response(const uint8_t *at)
{
    return (at[0] | 32) == 's' && (at[1] | 32) == 'i' && (at[2] | 32) == 'p' && at[3] == '/' &&
           at[4] == '2' && at[5] == '.' && at[6] == '0' && at[7] == ' ';
}

// Eight octets as they lie in memory, which is little-endian wherever the program runs.
#define PAYLOAD_WORD(a, b, c, d, e, f, g, h)                                                                 \
    ((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 | (uint64_t)(e) << 32 |  \
     (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)
#define PAYLOAD_FIRST(octets) ((1ull << 8 * (octets)) - 1)
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "PAYLOAD_WORD");

PAYLOAD_INLINE uint64_t payload_word(const uint8_t *at)
{
#ifdef __bpf__
    return *(const uint64_t *)(const void *)at; // memcpy() would be eight loads
#else
    uint64_t word;

    __builtin_memcpy(&word, at, sizeof(word));
    return word;
#endif
}

// What most messages are, by one comparison each: octet by octet a method costs a tenth of a verdict.
// NOT_SIP: no answer yet.
PAYLOAD_INLINE enum payload_kind payload_common(const uint8_t *at)
{
    const uint64_t word = payload_word(at);

    if ((word & PAYLOAD_FIRST(7)) == PAYLOAD_WORD('I', 'N', 'V', 'I', 'T', 'E', ' ', 0))
        return PAYLOAD_INVITE;
    return word == PAYLOAD_WORD('S', 'I', 'P', '/', '2', '.', '0', ' ') ||
                   word == PAYLOAD_WORD('O', 'P', 'T', 'I', 'O', 'N', 'S', ' ') ||
                   (word & PAYLOAD_FIRST(4)) == PAYLOAD_WORD('A', 'C', 'K', ' ', 0, 0, 0, 0) ||
                   (word & PAYLOAD_FIRST(4)) == PAYLOAD_WORD('B', 'Y', 'E', ' ', 0, 0, 0, 0)
               ? PAYLOAD_SIP
               : PAYLOAD_NOT_SIP;
}

PAYLOAD_INLINE enum payload_kind payload_other(const uint8_t *at)
{
    return payload_is_response(at) || payload_is_request(at) ? PAYLOAD_SIP : PAYLOAD_NOT_SIP;
}

// `at` has PAYLOAD_START octets, zeros behind the payload's end: no check takes a zero for anything. A CRLF
// before the start-line has been skipped.
PAYLOAD_INLINE enum payload_kind payload_classify(const uint8_t *at)
{
    enum payload_kind kind = payload_common(at);

    return kind != PAYLOAD_NOT_SIP ? kind : payload_other(at);
}

// Octets of CRLF before the start-line, of the same PAYLOAD_START octets. When the payload has no more than
// these it is a keepalive.
PAYLOAD_INLINE uint32_t payload_crlf(const uint8_t *at)
{
    uint32_t length = 0;

#pragma GCC unroll 4
    for (uint32_t i = 0; i < 2 * PAYLOAD_CRLF_PAIRS_MAX; i += 2) {
        if (at[i] != '\r' || at[i + 1] != '\n')
            break;
        length += 2;
    }
    return length;
}

#endif
