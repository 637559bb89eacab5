// SPDX-License-Identifier: BSD-3-Clause
#include "text_octets.h"

#include "text_code.h"

void text_octets_halves_scalar(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols)
{
    for (uint32_t i = 0; i < length; i++)
        out[i] = (uint8_t)symbols[i % 2 == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15u];
}

// Four symbols of three octets at a time; the last ones of what is left, zeros behind them.
void text_octets_sixes_scalar(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols)
{
    uint32_t i = 0;
    for (; i + 4 <= length; i += 4, packed += 3) {
        uint32_t bits = (uint32_t)packed[0] << 16 | (uint32_t)packed[1] << 8 | packed[2];
        out[i] = (uint8_t)symbols[bits >> 18];
        out[i + 1] = (uint8_t)symbols[bits >> 12 & 63u];
        out[i + 2] = (uint8_t)symbols[bits >> 6 & 63u];
        out[i + 3] = (uint8_t)symbols[bits & 63u];
    }
    uint32_t bits = 0;
    for (uint32_t at = 0; at < text_sixes(length - i); at++)
        bits |= (uint32_t)packed[at] << (16 - 8 * at);
    for (unsigned shift = 18; i < length; i++, shift -= 6)
        out[i] = (uint8_t)symbols[bits >> shift & 63u];
}

#ifdef TEXT_VECTORS
void text_octets_halves(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols)
{
    const __m128i half = _mm_set1_epi8(15), table = text_load((const uint8_t *)symbols);
    for (uint32_t at = 0; at < length; at += TEXT_VECTOR) {
        __m128i two = text_load_part(packed + at / 2, (length - at + 1) / 2);
        __m128i high = _mm_and_si128(_mm_srli_epi16(two, 4), half);
        __m128i low = _mm_and_si128(two, half);
        text_store(out + at, _mm_shuffle_epi8(table, _mm_unpacklo_epi8(high, low)));
    }
}

void text_octets_sixes(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols)
{
    // Three octets to a lane, the first one on top.
    const __m128i lanes = _mm_setr_epi8(2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1);
    for (uint32_t at = 0; at < length; at += TEXT_VECTOR, packed += text_sixes(TEXT_VECTOR)) {
        uint32_t left = length - at < TEXT_VECTOR ? length - at : TEXT_VECTOR;
        __m128i bits = _mm_shuffle_epi8(text_load_part(packed, text_sixes(left)), lanes);
        __m128i first = _mm_srli_epi32(bits, 18);
        __m128i second = _mm_and_si128(_mm_srli_epi32(bits, 4), _mm_set1_epi32(0x3f00));
        __m128i third = _mm_and_si128(_mm_slli_epi32(bits, 10), _mm_set1_epi32(0x3f0000));
        __m128i fourth = _mm_and_si128(_mm_slli_epi32(bits, 24), _mm_set1_epi32(0x3f000000));
        __m128i v = _mm_or_si128(_mm_or_si128(first, second), _mm_or_si128(third, fourth));
        __m128i add = _mm_add_epi8(_mm_set1_epi8('0'), text_beyond(v, 9, 'A' - '0' - 10));
        add = _mm_add_epi8(add, text_beyond(v, 35, 'a' - 'A' - 26));
        add = _mm_add_epi8(add, text_beyond(v, 61, '.' - 'a' - 26));
        add = _mm_add_epi8(add, text_beyond(v, 62, symbols[63] - '.' - 1));
        text_store(out + at, _mm_add_epi8(v, add));
    }
}
#else
void text_octets_halves(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols)
{
    text_octets_halves_scalar(packed, length, out, symbols);
}

void text_octets_sixes(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols)
{
    text_octets_sixes_scalar(packed, length, out, symbols);
}
#endif

void text_octets_uuid(const uint8_t *packed, uint8_t *out, const char *symbols)
{
    uint8_t digits[2 * TEXT_UUID_PACKED];
    text_octets_halves(packed, sizeof(digits), digits, symbols);
    memcpy(out, digits, 8);
    memcpy(out + 9, digits + 8, 4);
    memcpy(out + 14, digits + 12, 4);
    memcpy(out + 19, digits + 16, 4);
    memcpy(out + 24, digits + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
}
