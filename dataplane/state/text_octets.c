// SPDX-License-Identifier: BSD-3-Clause
#include "text_octets.h"

#include <string.h>

#include "text_code.h"

// Eight digits of four octets, the first one in the lowest octet. A half octet over 9 needs `letters` more.
static uint64_t hex_eight(const uint8_t *packed, uint64_t letters)
{
    uint32_t word;
    memcpy(&word, packed, sizeof(word));
    uint64_t x = word;
    x = (x | x << 16) & 0x0000ffff0000ffffull;
    x = (x | x << 8) & 0x00ff00ff00ff00ffull;
    x = (x >> 4 & 0x000f000f000f000full) | (x & 0x000f000f000f000full) << 8;
    uint64_t over = (x + 0x0606060606060606ull) >> 4 & 0x0101010101010101ull;
    return x + 0x3030303030303030ull + over * letters;
}

void text_octets_hex(const uint8_t *packed, uint32_t length, uint8_t *out, bool upper)
{
    const uint64_t letters = upper ? 'A' - '9' - 1 : 'a' - '9' - 1;
    uint32_t at = 0;
    for (; at + 8 <= length; at += 8) {
        uint64_t eight = hex_eight(packed + at / 2, letters);
        memcpy(out + at, &eight, sizeof(eight));
    }
    if (at < length) {
        uint8_t rest[4] = {0};
        memcpy(rest, packed + at / 2, (length - at + 1) / 2);
        uint64_t eight = hex_eight(rest, letters);
        memcpy(out + at, &eight, length - at);
    }
}

void text_octets_uuid(const uint8_t *packed, uint8_t *out, bool upper)
{
    uint8_t digits[2 * TEXT_UUID_PACKED];
    text_octets_hex(packed, sizeof(digits), digits, upper);
    memcpy(out, digits, 8);
    memcpy(out + 9, digits + 8, 4);
    memcpy(out + 14, digits + 12, 4);
    memcpy(out + 19, digits + 16, 4);
    memcpy(out + 24, digits + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
}

// Four symbols of three octets at a time; the last ones of what is left, zeros behind them.
void text_octets_sixes(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols)
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

void text_octets_digits(const uint8_t *packed, uint32_t length, uint8_t *out)
{
    for (uint32_t i = 0; i < length; i++)
        out[i] = (uint8_t)TEXT_DIGIT_SYMBOLS[i % 2 == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15u];
}
