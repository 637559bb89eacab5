// SPDX-License-Identifier: BSD-3-Clause
// What each octet can be part of; one that does not stand here is part of nothing.
#include "text_scan.h"

#define OF_DIGIT  (IS_DIGIT | IS_HEX | IS_HEX_UPPER | IS_TOKEN | IS_NAME | IS_HOST)
#define OF_LETTER (IS_TOKEN | IS_NAME | IS_HOST)

const uint8_t text_kinds[256] = {
    ['0'] = OF_DIGIT,
    ['1'] = OF_DIGIT,
    ['2'] = OF_DIGIT,
    ['3'] = OF_DIGIT,
    ['4'] = OF_DIGIT,
    ['5'] = OF_DIGIT,
    ['6'] = OF_DIGIT,
    ['7'] = OF_DIGIT,
    ['8'] = OF_DIGIT,
    ['9'] = OF_DIGIT,
    ['a'] = OF_LETTER | IS_HEX,
    ['b'] = OF_LETTER | IS_HEX,
    ['c'] = OF_LETTER | IS_HEX,
    ['d'] = OF_LETTER | IS_HEX,
    ['e'] = OF_LETTER | IS_HEX,
    ['f'] = OF_LETTER | IS_HEX,
    ['g'] = OF_LETTER,
    ['h'] = OF_LETTER,
    ['i'] = OF_LETTER,
    ['j'] = OF_LETTER,
    ['k'] = OF_LETTER,
    ['l'] = OF_LETTER,
    ['m'] = OF_LETTER,
    ['n'] = OF_LETTER,
    ['o'] = OF_LETTER,
    ['p'] = OF_LETTER,
    ['q'] = OF_LETTER,
    ['r'] = OF_LETTER,
    ['s'] = OF_LETTER,
    ['t'] = OF_LETTER,
    ['u'] = OF_LETTER,
    ['v'] = OF_LETTER,
    ['w'] = OF_LETTER,
    ['x'] = OF_LETTER,
    ['y'] = OF_LETTER,
    ['z'] = OF_LETTER,
    ['A'] = OF_LETTER | IS_HEX_UPPER,
    ['B'] = OF_LETTER | IS_HEX_UPPER,
    ['C'] = OF_LETTER | IS_HEX_UPPER,
    ['D'] = OF_LETTER | IS_HEX_UPPER,
    ['E'] = OF_LETTER | IS_HEX_UPPER,
    ['F'] = OF_LETTER | IS_HEX_UPPER,
    ['G'] = OF_LETTER,
    ['H'] = OF_LETTER,
    ['I'] = OF_LETTER,
    ['J'] = OF_LETTER,
    ['K'] = OF_LETTER,
    ['L'] = OF_LETTER,
    ['M'] = OF_LETTER,
    ['N'] = OF_LETTER,
    ['O'] = OF_LETTER,
    ['P'] = OF_LETTER,
    ['Q'] = OF_LETTER,
    ['R'] = OF_LETTER,
    ['S'] = OF_LETTER,
    ['T'] = OF_LETTER,
    ['U'] = OF_LETTER,
    ['V'] = OF_LETTER,
    ['W'] = OF_LETTER,
    ['X'] = OF_LETTER,
    ['Y'] = OF_LETTER,
    ['Z'] = OF_LETTER,
    ['+'] = IS_DIGIT,
    ['-'] = IS_DIGIT | IS_TOKEN | IS_HOST,
    ['.'] = IS_DIGIT | IS_TOKEN | IS_NAME | IS_HOST,
    ['*'] = IS_DIGIT,
    [':'] = IS_DIGIT | IS_HOST,
    ['_'] = IS_HOST,
    ['['] = IS_HOST,
    [']'] = IS_HOST,
    [' '] = IS_NAME,
    ['@'] = IS_EDGE | IS_URI_EDGE,
    ['<'] = IS_EDGE | IS_URI_EDGE,
    ['>'] = IS_EDGE | IS_URI_EDGE,
    ['"'] = IS_EDGE,
    [';'] = IS_EDGE,
    [','] = IS_EDGE | IS_URI_EDGE,
};

#ifdef TEXT_VECTORS
#define ROW_FIRST 2u // rows of 16 octets in which anything stands
#define ROW_LAST  7u

// An octet of another row gets its highest bit set, for which a shuffle gives 0.
static inline __m128i row_kinds(__m128i octets, unsigned row)
{
    __m128i within = _mm_xor_si128(octets, _mm_set1_epi8((char)(16 * row)));
    return _mm_shuffle_epi8(text_load(text_kinds + (size_t)16 * row),
                            _mm_adds_epu8(within, _mm_set1_epi8(0x70)));
}

static inline __m128i kinds_of(__m128i octets)
{
    __m128i all = row_kinds(octets, ROW_FIRST);
    for (unsigned row = ROW_FIRST + 1; row <= ROW_LAST; row++)
        all = _mm_or_si128(all, row_kinds(octets, row));
    return all;
}

void text_kinds_of(const uint8_t *octets, uint32_t length, uint8_t *kinds)
{
    if (length < TEXT_VECTOR) {
        text_store(kinds, kinds_of(text_load_part(octets, length)));
        return;
    }
    uint32_t last = length - TEXT_VECTOR; // begins in the one before, mostly
    for (uint32_t at = 0; at < last; at += TEXT_VECTOR)
        text_store(kinds + at, kinds_of(text_load(octets + at)));
    text_store(kinds + last, kinds_of(text_load(octets + last)));
}
#else
void text_kinds_of(const uint8_t *octets, uint32_t length, uint8_t *kinds)
{
    for (uint32_t at = 0; at < length; at++)
        kinds[at] = text_kinds[octets[at]];
}
#endif
