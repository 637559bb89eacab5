// SPDX-License-Identifier: BSD-3-Clause
// Where a text is cut: what each of its octets can be part of is looked up once, 16 at a time, and then every
// question is how far octets of a kind go from here.
#ifndef DIALGATE_STATE_TEXT_SCAN_H
#define DIALGATE_STATE_TEXT_SCAN_H

#include "text_vector.h"

// What an octet can be part of. The first four are the kinds that a run is made of.
enum {
    IS_DIGIT = 1, // TEXT_DIGIT_SYMBOLS but the one that stands for none
    IS_HEX = 2,   // with lower-case letters
    IS_HEX_UPPER = 4,
    IS_TOKEN = 8,     // TEXT_TOKEN_SYMBOLS
    IS_NAME = 16,     // TEXT_NAME_SYMBOLS
    IS_HOST = 32,     // host, port, and a parameter's name or short value
    IS_EDGE = 64,     // ends a run
    IS_URI_EDGE = 128 // ends a user, or a URI without one
};
#define TEXT_RUN_KINDS 4u
extern const uint8_t text_kinds[256];

// kinds: room for length, rounded up to TEXT_VECTOR.
void text_kinds_of(const uint8_t *octets, uint32_t length, uint8_t *kinds);

// The first place from `at` on, below end, whose octet is not of this kind (`is` false: is of one of these
// kinds), or end. TEXT_VECTOR octets behind end can be read.
static inline uint32_t text_scan_scalar(const uint8_t *kinds, uint32_t at, uint32_t end, uint8_t kind,
                                        bool is)
{
    while (at < end && ((kinds[at] & kind) != 0) == is)
        at++;
    return at;
}

#ifdef TEXT_VECTORS
static inline uint32_t text_scan(const uint8_t *kinds, uint32_t at, uint32_t end, uint8_t kind, bool is)
{
    const __m128i of_kind = _mm_set1_epi8((char)kind);
    for (; at < end; at += TEXT_VECTOR) {
        __m128i none = _mm_cmpeq_epi8(_mm_and_si128(text_load(kinds + at), of_kind), _mm_setzero_si128());
        uint32_t stops = (uint32_t)_mm_movemask_epi8(none) ^ (is ? 0 : 0xffffu);
        if (stops != 0) {
            at += (uint32_t)__builtin_ctz(stops);
            return at < end ? at : end;
        }
    }
    return end;
}
#else
static inline uint32_t text_scan(const uint8_t *kinds, uint32_t at, uint32_t end, uint8_t kind, bool is)
{
    return text_scan_scalar(kinds, at, end, kind, is);
}
#endif

static inline uint32_t text_scan_while(const uint8_t *kinds, uint32_t at, uint32_t end, uint8_t kind)
{
    return text_scan(kinds, at, end, kind, true);
}

static inline uint32_t text_scan_until(const uint8_t *kinds, uint32_t at, uint32_t end, uint8_t kind)
{
    return text_scan(kinds, at, end, kind, false);
}

#endif
