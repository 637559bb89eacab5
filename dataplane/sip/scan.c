// SPDX-License-Identifier: BSD-3-Clause
#include "scan.h"

#define BETWEEN(c, low, high) ((c) >= (low) && (c) <= (high))
#define DIGIT(c)              BETWEEN(c, '0', '9')
#define ALNUM(c)              (DIGIT(c) || BETWEEN(c, 'a', 'z') || BETWEEN(c, 'A', 'Z'))
#define VISIBLE(c)            BETWEEN(c, 0x21, 0x7e)
#define LWS(c)                ((c) == ' ' || (c) == '\t' || (c) == '\r' || (c) == '\n')
#define TOKEN(c)                                                                                             \
    (ALNUM(c) || (c) == '-' || (c) == '.' || (c) == '!' || (c) == '%' || (c) == '*' || (c) == '_' ||         \
     (c) == '+' || (c) == '`' || (c) == '\'' || (c) == '~')
#define HOST(c)    (ALNUM(c) || (c) == '-' || (c) == '.' || (c) == '_')
#define URI(c)     (VISIBLE(c) && (c) != '"' && (c) != '<' && (c) != '>')
#define VALUE(c)   (URI(c) && (c) != ',' && (c) != ';' && (c) != '(' && (c) != ')')
#define DISPLAY(c) (TOKEN(c) || LWS(c) || (c) >= 0x80)

#define CLASS(c)                                                                                             \
    ((TOKEN(c) ? SCAN_TOKEN : 0) | (LWS(c) ? SCAN_LWS : 0) | (HOST(c) ? SCAN_HOST : 0) |                     \
     (URI(c) ? SCAN_URI : 0) | (VALUE(c) ? SCAN_VALUE : 0) | (DIGIT(c) ? SCAN_DIGIT : 0) |                   \
     (DISPLAY(c) ? SCAN_DISPLAY : 0) | (VISIBLE(c) ? SCAN_VISIBLE : 0))
#define ROW4(c)  CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define ROW16(c) ROW4(c), ROW4((c) + 4), ROW4((c) + 8), ROW4((c) + 12)
#define ROW64(c) ROW16(c), ROW16((c) + 16), ROW16((c) + 32), ROW16((c) + 48)

const uint8_t scan_class[256] = {ROW64(0), ROW64(64), ROW64(128), ROW64(192)};

#define CONTROL(c) (((c) < 0x20 && (c) != '\t') || (c) == 0x7f)
#define PLAIN(c)   (URI(c) && (c) != '\\')

// Which high halves make members with this low half.
#define HALVES(member, low)                                                                                  \
    ((member(0x00 + (low)) ? 1 : 0) | (member(0x10 + (low)) ? 2 : 0) | (member(0x20 + (low)) ? 4 : 0) |      \
     (member(0x30 + (low)) ? 8 : 0) | (member(0x40 + (low)) ? 16 : 0) | (member(0x50 + (low)) ? 32 : 0) |    \
     (member(0x60 + (low)) ? 64 : 0) | (member(0x70 + (low)) ? 128 : 0))
#define HALVES4(member, low)                                                                                 \
    HALVES(member, low), HALVES(member, (low) + 1), HALVES(member, (low) + 2), HALVES(member, (low) + 3)
#define HALVES16(member) HALVES4(member, 0), HALVES4(member, 4), HALVES4(member, 8), HALVES4(member, 12)

_Alignas(16) const uint8_t scan_rows[SCAN_ROW_COUNT][16] = {
    [SCAN_ROW_HIGH] = {1, 2, 4, 8, 16, 32, 64, 128},
    [SCAN_ROW_CONTROL] = {HALVES16(CONTROL)},
    [SCAN_ROW_WORD] = {HALVES16(HOST)},
    [SCAN_ROW_URI] = {HALVES16(PLAIN)},
};

const uint8_t *scan_number(const uint8_t *at, const uint8_t *end, uint32_t limit, uint32_t *number)
{
    uint64_t value = 0;
    const uint8_t *start = at;
    for (; at < end && scan_is(*at, SCAN_DIGIT); at++) {
        value = value * 10 + (uint64_t)(*at - '0');
        if (value > limit)
            return NULL;
    }
    *number = (uint32_t)value;
    return at == start ? NULL : at;
}

static bool ipv6_octet(uint8_t octet)
{
    return scan_is(octet, SCAN_DIGIT) || octet == ':' || octet == '.' ||
           ((octet | 0x20) >= 'a' && (octet | 0x20) <= 'f');
}

const uint8_t *scan_host(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *start = at;
    if (at < end && *at == '[') {
        at++;
        while (at < end && ipv6_octet(*at))
            at++;
        // "::" is the shortest address.
        return at < end && *at == ']' && at - start > 2 ? at + 1 : NULL;
    }
    at = scan_while(at, end, SCAN_HOST);
    return at == start ? NULL : at;
}

const uint8_t *scan_quoted(const uint8_t *at, const uint8_t *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\')
            at++;
    }
    return NULL;
}
