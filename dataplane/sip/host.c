// SPDX-License-Identifier: BSD-3-Clause
// Addresses in text (RFC 3261 25.1 host; RFC 4291 2.2; RFC 5954). A dotted one is read from one vector: where
// dots and digits stand tells whether it is one, and then its four numbers are a word each. What is not read
// so is read by the octet, which decides.
#include "scan.h"
#include "uri.h"

// Reads a number up to 255. Returns the octet behind it, or NULL. A leading zero means octal to some readers:
// such text is no address to us.
static inline const uint8_t *read_octet(const uint8_t *at, const uint8_t *end, uint32_t *octet)
{
    uint32_t digit;
    if (at == end || (*octet = (uint32_t)*at++ - '0') > 9)
        return NULL;
    for (unsigned more = 0; more < 2 && at < end && (digit = (uint32_t)*at - '0') < 10; more++, at++) {
        if (*octet == 0)
            return NULL;
        *octet = *octet * 10 + digit;
    }
    return *octet > 255 ? NULL : at;
}

#if defined(__SSE2__)
#define VECTOR 16u

// The number of 1 to 3 digits before `behind`, without leading zeros. 4 octets before it are readable.
static inline uint32_t number_before(const uint8_t *behind, unsigned digits)
{
    uint32_t word = (uint32_t)scan_load(behind - 4, 4) & 0x0f0f0f0fu << (32 - 8 * digits);
    // Hundreds, tens and ones are octets 1, 2 and 3: their sum is octet 6 of the product, and less than 256
    // unless they are more than 255 is.
    uint32_t number = (uint32_t)(word * (100ull << 40 | 10ull << 32 | 1ull << 24) >> 48 & 0xff);
    return __builtin_bswap32(word) <= 0x00020505 ? number : UINT32_MAX;
}

// As read_ipv4(), of a text behind which a vector of readable octets ends; false also when it is not for
// this.
static inline bool read_dotted(const uint8_t *at, unsigned length, uint32_t *address)
{
    if (length - 7 > VECTOR - 1 - 7)
        return false;
    const unsigned before = VECTOR - length;
    __m128i piece = _mm_loadu_si128((const __m128i *)(at - before));
    __m128i digit = _mm_cmplt_epi8(_mm_add_epi8(piece, _mm_set1_epi8((char)(0x80 - '0'))),
                                   _mm_set1_epi8((char)(0x80 + 10)));
    unsigned digits = (unsigned)_mm_movemask_epi8(digit) >> before;
    unsigned zeros = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(piece, _mm_set1_epi8('0'))) >> before;
    unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(piece, _mm_set1_epi8('.'))) >> before;
    unsigned starts = dots << 1 | 1;
    // Nothing else; no number without digits, of four, or with a zero before others.
    if ((digits | dots) != (1u << length) - 1 || (starts & (dots | 1u << length)) != 0 ||
        (digits & digits >> 1 & digits >> 2 & digits >> 3) != 0 || (zeros & starts & digits >> 1) != 0)
        return false;
    unsigned from_second = dots & (dots - 1), third = from_second & (from_second - 1);
    if (third == 0 || (third & (third - 1)) != 0)
        return false;
    unsigned one = (unsigned)__builtin_ctz(dots), two = (unsigned)__builtin_ctz(from_second),
             three = (unsigned)__builtin_ctz(third);
    uint32_t a = number_before(at + one, one), b = number_before(at + two, two - one - 1),
             c = number_before(at + three, three - two - 1),
             d = number_before(at + length, length - three - 1);
    *address = a << 24 | b << 16 | c << 8 | d;
    return (a | b | c | d) <= UINT8_MAX;
}

static inline bool is_dotted(const uint8_t *octets, struct span host, uint32_t *address)
{
    return (unsigned)host.offset + host.length >= VECTOR &&
           read_dotted(octets + host.offset, host.length, address);
}
#else
static inline bool is_dotted(const uint8_t *octets, struct span host, uint32_t *address)
{
    return false;
}
#endif

static inline bool read_ipv4(const uint8_t *at, const uint8_t *end, uint32_t *address)
{
    uint32_t value = 0, octet;
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0 && (at == end || *at++ != '.'))
            return false;
        at = read_octet(at, end, &octet);
        if (at == NULL)
            return false;
        value = value << 8 | octet;
    }
    *address = value;
    return at == end;
}

int uri_host_ipv4(const uint8_t *octets, struct span host, uint32_t *address)
{
    uint32_t value;
    if (!is_dotted(octets, host, &value) &&
        !read_ipv4(octets + host.offset, octets + host.offset + host.length, &value))
        return -1;
    *address = value;
    return 0;
}

// Reads 1*4HEXDIG. Returns the octet behind it, or NULL.
static const uint8_t *read_group(const uint8_t *at, const uint8_t *end, uint16_t *group)
{
    const uint8_t *start = at;
    uint32_t value = 0;
    for (; at < end && at - start < 5; at++) {
        uint8_t letter = *at | 0x20;
        if (scan_is(*at, SCAN_DIGIT))
            value = value << 4 | (uint32_t)(*at - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value << 4 | (uint32_t)(letter - 'a' + 10);
        else
            break;
    }
    *group = (uint16_t)value;
    return at == start || at - start > 4 ? NULL : at;
}

#define NO_GAP 9u

struct groups {
    uint16_t value[8];
    unsigned count;
    unsigned gap; // groups before "::", or NO_GAP
};

// The last 32 bits may be written as IPv4. Returns false when the text is no such thing.
static bool take_ipv4(const uint8_t *octets, struct span text, struct groups *groups)
{
    uint32_t address;
    if (groups->count > 6 || uri_host_ipv4(octets, text, &address) != 0)
        return false;
    groups->value[groups->count++] = (uint16_t)(address >> 16);
    groups->value[groups->count++] = (uint16_t)address;
    return true;
}

static bool read_groups(struct cursor *cursor, struct groups *groups)
{
    if (cursor->end - cursor->at >= 2 && cursor->at[0] == ':' && cursor->at[1] == ':') {
        groups->gap = 0;
        cursor->at += 2;
    }
    while (cursor->at < cursor->end) {
        if (groups->count == 8)
            return false;
        const uint8_t *behind = read_group(cursor->at, cursor->end, &groups->value[groups->count]);
        if (behind == NULL)
            return false;
        if (behind < cursor->end && *behind == '.')
            return take_ipv4(cursor->base, span_between(cursor->base, cursor->at, cursor->end), groups);
        groups->count++;
        cursor->at = behind;
        if (cursor->at == cursor->end)
            return true;
        if (*cursor->at++ != ':' || cursor->at == cursor->end)
            return false;
        if (*cursor->at == ':') {
            if (groups->gap != NO_GAP)
                return false;
            groups->gap = groups->count;
            cursor->at++;
        }
    }
    return true;
}

int uri_host_ipv6(const uint8_t *octets, struct span host, uint8_t address[16])
{
    struct cursor cursor = cursor_of(octets, host);
    struct groups groups = {.gap = NO_GAP};
    if (cursor_has(&cursor, '[')) {
        if (host.length < 4 || cursor.end[-1] != ']')
            return -1;
        cursor.at++;
        cursor.end--;
    }
    // "::" stands for at least one group.
    if (!read_groups(&cursor, &groups) || (groups.gap == NO_GAP ? groups.count != 8 : groups.count > 7))
        return -1;
    unsigned behind = groups.gap == NO_GAP ? 0 : groups.count - groups.gap;
    memset(address, 0, 16);
    for (unsigned i = 0; i < groups.count; i++) {
        unsigned place = i < groups.count - behind ? i : 8 - groups.count + i;
        address[place * 2] = (uint8_t)(groups.value[i] >> 8);
        address[place * 2 + 1] = (uint8_t)groups.value[i];
    }
    return 0;
}

int uri_host_ip(const uint8_t *octets, struct span host, struct ip_address *address)
{
    uint32_t ipv4;
    if (uri_host_ipv4(octets, host, &ipv4) == 0) {
        *address = ip_from_ipv4(ipv4);
        return 0;
    }
    if (memchr(octets + host.offset, ':', host.length) == NULL ||
        uri_host_ipv6(octets, host, address->octets) != 0)
        return -1;
    return ip_is_ipv4(address) || !ip_is_set(address) ? -1 : 0;
}
