// SPDX-License-Identifier: BSD-3-Clause
#include "escape.h"
#include "scan.h"

static int hex_digit(uint8_t octet)
{
    uint8_t letter = octet | 0x20;
    if (scan_is(octet, SCAN_DIGIT))
        return octet - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// The octet that "%" and two digits at `at` stand for, or -1 when they are not there.
static int escaped_octet(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 3 || *at != '%')
        return -1;
    int high = hex_digit(at[1]);
    int low = hex_digit(at[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_unreserved(int octet)
{
    static const char mark[] = "-_.!~*'()";
    int letter = octet | 0x20;
    return (octet >= '0' && octet <= '9') || (letter >= 'a' && letter <= 'z') ||
           (octet != 0 && memchr(mark, octet, sizeof(mark) - 1) != NULL);
}

void write_escaped(struct writer *writer, const void *octets, uint32_t length)
{
    static const char also[] = "[]/?:+$"; // hnv-unreserved
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t *at = octets;
    for (uint32_t i = 0; i < length; i++) {
        char escape[3] = {'%', digits[at[i] >> 4], digits[at[i] & 15]};
        if (is_unreserved(at[i]) || memchr(also, at[i], sizeof(also) - 1) != NULL)
            write_octets(writer, at + i, 1);
        else
            write_octets(writer, escape, sizeof(escape));
    }
}

int write_unescaped(struct writer *writer, const uint8_t *octets, struct span text)
{
    const uint8_t *at = octets + text.offset;
    const uint8_t *end = at + text.length;
    while (at < end) {
        int octet = *at;
        if (octet == '%')
            octet = escaped_octet(at, end);
        if (octet < 0x20 || octet == 0x7f)
            return -1;
        write_octets(writer, &(uint8_t){(uint8_t)octet}, 1);
        at += *at == '%' ? 3 : 1;
    }
    return 0;
}

const uint8_t *escape_unit(const uint8_t *at, const uint8_t *end, unsigned *unit)
{
    int octet = escaped_octet(at, end);
    if (octet < 0) {
        *unit = *at;
        return at + 1;
    }
    *unit = is_unreserved(octet) ? (unsigned)octet : 256u + (unsigned)octet;
    return at + 3;
}
