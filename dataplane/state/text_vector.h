// SPDX-License-Identifier: BSD-3-Clause
// Up to 16 octets at once, for the texts of dialogs: nothing is read behind what a caller says is there.
// Where the processor is not known to have these instructions (dialog_record.h) TEXT_VECTORS is not defined,
// and scalar twins do the same work; the tests hold both against each other.
#ifndef DIALGATE_STATE_TEXT_VECTOR_H
#define DIALGATE_STATE_TEXT_VECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TEXT_VECTOR 16u

static inline uint64_t text_word(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint32_t text_half(const uint8_t *at)
{
    uint32_t half;
    memcpy(&half, at, sizeof(half));
    return half;
}

// Octets of both are the same. Texts and their pieces are mostly short, and a call costs more than they do.
static inline bool text_same(const uint8_t *a, const uint8_t *b, uint32_t length)
{
    if (length > 4 * sizeof(uint64_t))
        return memcmp(a, b, length) == 0;
    if (length >= 2 * sizeof(uint64_t)) {
        const uint8_t *a_end = a + length - 2 * sizeof(uint64_t), *b_end = b + length - 2 * sizeof(uint64_t);
        return ((text_word(a) ^ text_word(b)) | (text_word(a + 8) ^ text_word(b + 8)) |
                (text_word(a_end) ^ text_word(b_end)) | (text_word(a_end + 8) ^ text_word(b_end + 8))) == 0;
    }
    if (length >= sizeof(uint64_t))
        return ((text_word(a) ^ text_word(b)) | (text_word(a + length - 8) ^ text_word(b + length - 8))) == 0;
    if (length >= sizeof(uint32_t))
        return ((text_half(a) ^ text_half(b)) | (text_half(a + length - 4) ^ text_half(b + length - 4))) == 0;
    return length == 0 || (a[0] == b[0] && a[length / 2] == b[length / 2] && a[length - 1] == b[length - 1]);
}

#ifdef __SSE4_2__
#include <nmmintrin.h>

#define TEXT_VECTORS 1

static inline __m128i text_load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline void text_store(uint8_t *at, __m128i octets)
{
    _mm_storeu_si128((__m128i *)(void *)at, octets);
}

// The first length octets, at most 16, and zeros behind them.
static inline __m128i text_load_part(const uint8_t *at, uint32_t length)
{
    if (length >= TEXT_VECTOR)
        return text_load(at);
    if (length >= sizeof(uint64_t)) {
        unsigned half = 4 * (TEXT_VECTOR - length); // of the shift, which can be all 64 bits
        uint64_t high = text_word(at + length - sizeof(uint64_t)) >> half >> half;
        return _mm_set_epi64x((long long)high, (long long)text_word(at));
    }
    uint64_t word = 0;
    if (length >= sizeof(uint32_t))
        word = text_half(at) | (uint64_t)text_half(at + length - 4) << 8 * (length - 4);
    else if (length > 0)
        word = at[0] | (uint64_t)at[length / 2] << 8 * (length / 2) |
               (uint64_t)at[length - 1] << 8 * (length - 1);
    return _mm_set_epi64x(0, (long long)word);
}

// `more` in each octet that is above `than`, 0 in others; both signed.
static inline __m128i text_beyond(__m128i octets, int than, int more)
{
    return _mm_and_si128(_mm_cmpgt_epi8(octets, _mm_set1_epi8((char)than)), _mm_set1_epi8((char)more));
}
#endif

#endif
