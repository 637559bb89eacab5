// SPDX-License-Identifier: BSD-3-Clause
#include "text_symbols.h"

#include "text_code.h"

static uint8_t digit_value(uint8_t octet)
{
    static const uint8_t values[] = {['*' - '*'] = 13, ['+' - '*'] = 10, ['-' - '*'] = 11, ['.' - '*'] = 12,
                                     ['0' - '*'] = 0,  ['1' - '*'] = 1,  ['2' - '*'] = 2,  ['3' - '*'] = 3,
                                     ['4' - '*'] = 4,  ['5' - '*'] = 5,  ['6' - '*'] = 6,  ['7' - '*'] = 7,
                                     ['8' - '*'] = 8,  ['9' - '*'] = 9,  [':' - '*'] = 14};
    return values[octet - '*'];
}

static uint8_t hex_value(uint8_t octet)
{
    return (uint8_t)((octet & 15u) + (octet >> 6) * 9u);
}

static uint8_t six_value(uint8_t octet)
{
    if (octet >= 'a')
        return (uint8_t)(octet - 'a' + 36);
    if (octet >= 'A')
        return (uint8_t)(octet - 'A' + 10);
    if (octet >= '0')
        return (uint8_t)(octet - '0');
    return octet == '.' ? 62 : 63; // '-' in a token, ' ' in a name
}

void text_symbols_digits_scalar(const uint8_t *symbols, uint32_t length, uint8_t *out)
{
    for (uint32_t i = 0; i < length; i += 2) {
        uint8_t low = i + 1 < length ? digit_value(symbols[i + 1]) : TEXT_DIGIT_NONE;
        *out++ = (uint8_t)(digit_value(symbols[i]) << 4 | low);
    }
}

void text_symbols_hex_scalar(const uint8_t *symbols, uint32_t length, uint8_t *out)
{
    for (uint32_t i = 0; i < length; i += 2)
        *out++ = (uint8_t)(hex_value(symbols[i]) << 4 | (i + 1 < length ? hex_value(symbols[i + 1]) : 0));
}

void text_symbols_sixes_scalar(const uint8_t *symbols, uint32_t length, uint8_t *out)
{
    for (; length > 0; symbols += 4) {
        uint32_t count = length < 4 ? length : 4, bits = 0;
        for (uint32_t i = 0; i < count; i++)
            bits |= (uint32_t)six_value(symbols[i]) << (18 - 6 * i);
        for (uint32_t i = 0; i < text_sixes(count); i++)
            *out++ = (uint8_t)(bits >> (16 - 8 * i));
        length -= count;
    }
}

#ifdef TEXT_VECTORS
// 16 half octets become 8 octets, the first of two the higher half.
static inline void halves_store(uint8_t *out, __m128i halves)
{
    __m128i words = _mm_maddubs_epi16(halves, _mm_set1_epi16(0x0110));
    _mm_storel_epi64((__m128i *)(void *)out, _mm_packus_epi16(words, words));
}

void text_symbols_digits(const uint8_t *symbols, uint32_t length, uint8_t *out)
{
    // By the low half of the symbol. '*' and ':' have the same.
    const __m128i values = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 10, 0, 11, 12, 0);
    for (uint32_t at = 0; at < length; at += TEXT_VECTOR) {
        __m128i sixteen = text_load_part(symbols + at, length - at);
        __m128i halves = _mm_shuffle_epi8(values, _mm_and_si128(sixteen, _mm_set1_epi8(15)));
        halves = _mm_sub_epi8(halves, _mm_cmpeq_epi8(sixteen, _mm_set1_epi8(':')));
        halves_store(out + at / 2, halves);
    }
    if (length % 2 != 0)
        out[length / 2] |= TEXT_DIGIT_NONE;
}

void text_symbols_hex(const uint8_t *symbols, uint32_t length, uint8_t *out)
{
    const __m128i half = _mm_set1_epi8(15), nine = _mm_set1_epi8(9);
    for (uint32_t at = 0; at < length; at += TEXT_VECTOR) {
        __m128i sixteen = text_load_part(symbols + at, length - at);
        __m128i letters = _mm_cmpgt_epi8(sixteen, _mm_set1_epi8('9'));
        __m128i halves = _mm_add_epi8(_mm_and_si128(sixteen, half), _mm_and_si128(letters, nine));
        halves_store(out + at / 2, halves);
    }
}

void text_symbols_sixes(const uint8_t *symbols, uint32_t length, uint8_t *out)
{
    const __m128i threes = _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    for (uint32_t at = 0; at < length; at += TEXT_VECTOR, out += text_sixes(TEXT_VECTOR)) {
        __m128i sixteen = text_load_part(symbols + at, length - at);
        __m128i less =
            _mm_add_epi8(text_beyond(sixteen, '0' - 1, '0'), text_beyond(sixteen, 'A' - 1, 'A' - 10 - '0'));
        less = _mm_add_epi8(less, text_beyond(sixteen, 'a' - 1, 'a' - 36 - ('A' - 10)));
        __m128i sign = _mm_add_epi8(_mm_set1_epi8(63), _mm_cmpeq_epi8(sixteen, _mm_set1_epi8('.')));
        __m128i sixes = _mm_blendv_epi8(sign, _mm_sub_epi8(sixteen, less), text_beyond(sixteen, '0' - 1, -1));
        sixes = _mm_andnot_si128(_mm_cmpeq_epi8(sixteen, _mm_setzero_si128()), sixes);
        __m128i twelves = _mm_maddubs_epi16(sixes, _mm_set1_epi16(0x0140));
        __m128i bits = _mm_madd_epi16(twelves, _mm_set1_epi32(0x00011000));
        text_store(out, _mm_shuffle_epi8(bits, threes));
    }
}
#else
void text_symbols_digits(const uint8_t *symbols, uint32_t length, uint8_t *out)
{
    text_symbols_digits_scalar(symbols, length, out);
}

void text_symbols_hex(const uint8_t *symbols, uint32_t length, uint8_t *out)
{
    text_symbols_hex_scalar(symbols, length, out);
}

void text_symbols_sixes(const uint8_t *symbols, uint32_t length, uint8_t *out)
{
    text_symbols_sixes_scalar(symbols, length, out);
}
#endif
