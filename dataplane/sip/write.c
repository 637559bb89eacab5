// SPDX-License-Identifier: BSD-3-Clause
#include "write.h"

void writer_init(struct writer *writer, void *octets, uint32_t size)
{
    *writer = (struct writer){.octets = octets, .size = size};
}

void write_span(struct writer *writer, const struct message *message, struct span span)
{
    write_octets(writer, message_at(message, span), span.length);
}

#define NUMBER_DIGITS_MAX 10 // 4294967295

// The digits of a number below 1000 without leading zeros, the first in the lowest octet, where there are
// *count of them.
static inline uint32_t digits_of(uint32_t number, unsigned *count)
{
    uint32_t hundreds = number * 41 >> 12, tens = (number - hundreds * 100) * 103 >> 10;
    uint32_t ones = number - hundreds * 100 - tens * 10;
    unsigned left = (number < 100) + (number < 10u);
    *count = 3 - left;
    return (0x303030u | hundreds | tens << 8 | ones << 16) >> 8 * left;
}

// As write_number() where the number is below 1000 and room for four octets is there.
static inline void write_small(struct writer *writer, uint32_t number)
{
    unsigned count;
    uint32_t digits = digits_of(number, &count);
    memcpy(writer->octets + writer->used, &digits, sizeof(digits));
    writer->used += count;
}

static inline bool has_room(const struct writer *writer, uint32_t length)
{
    return !writer->overflow && writer->size - writer->used >= length;
}

void write_number(struct writer *writer, uint32_t number)
{
    if (number < 1000 && has_room(writer, sizeof(number))) {
        write_small(writer, number);
        return;
    }
    char digits[NUMBER_DIGITS_MAX];
    unsigned at = NUMBER_DIGITS_MAX;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    write_octets(writer, digits + at, NUMBER_DIGITS_MAX - at);
}

#define IPV6_GROUPS 8u

static uint32_t group_of(const struct ip_address *address, unsigned group)
{
    const uint8_t *octets = address->octets + group * sizeof(uint16_t);
    return (uint32_t)octets[0] << 8 | octets[1];
}

// RFC 5952 4.1, 4.3: no leading zeros, small letters.
static void write_group(struct writer *writer, uint32_t group)
{
    static const char digits[] = "0123456789abcdef";
    bool begun = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        uint32_t digit = group >> shift & 0xf;
        begun = begun || digit != 0 || shift == 0;
        if (begun)
            write_octets(writer, &digits[digit], 1);
    }
}

// RFC 5952 4.2: the longest run of zero groups, the first of equal ones, but not a single one. Returns its
// length, 0: there is none.
static unsigned longest_zeros(const struct ip_address *address, unsigned *begin)
{
    unsigned longest = 1, run = 0;
    for (unsigned i = 0; i < IPV6_GROUPS; i++) {
        run = group_of(address, i) == 0 ? run + 1 : 0;
        if (run > longest) {
            longest = run;
            *begin = i + 1 - run;
        }
    }
    return longest > 1 ? longest : 0;
}

static void write_ipv6(struct writer *writer, const struct ip_address *address)
{
    unsigned begin = IPV6_GROUPS;
    unsigned zeros = longest_zeros(address, &begin);
    for (unsigned i = 0; i < IPV6_GROUPS;) {
        if (zeros > 0 && i == begin) {
            write_text(writer, "::");
            i += zeros;
            continue;
        }
        if (i > 0 && (zeros == 0 || i != begin + zeros))
            write_text(writer, ":");
        write_group(writer, group_of(address, i++));
    }
}

#define IPV4_ROOM 16u // octets of the longest one, and one that a word reaches behind it

// Each number is written as a word, with the dot where it ends.
static inline uint8_t *put_octet(uint8_t *to, uint8_t number)
{
    unsigned count;
    uint32_t digits = digits_of(number, &count) | (uint32_t)'.' << 24 >> 8 * (3 - count);
    memcpy(to, &digits, sizeof(digits));
    return to + count;
}

// Where IPV4_ROOM octets are there.
static inline void write_ipv4(struct writer *writer, const uint8_t octets[4])
{
    uint8_t *to = writer->octets + writer->used;
    for (unsigned i = 0; i < 3; i++)
        to = put_octet(to, octets[i]) + 1;
    to = put_octet(to, octets[3]);
    writer->used = (uint32_t)(to - writer->octets);
}

void write_ip(struct writer *writer, const struct ip_address *address)
{
    if (!ip_is_ipv4(address)) {
        write_ipv6(writer, address);
        return;
    }
    const uint8_t *octets = address->octets + IP_MAPPED_BITS / 8;
    if (has_room(writer, IPV4_ROOM)) {
        write_ipv4(writer, octets);
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0)
            write_octets(writer, ".", 1);
        write_number(writer, octets[i]);
    }
}

void write_ip_host(struct writer *writer, const struct ip_address *address)
{
    if (ip_is_ipv4(address)) {
        write_ip(writer, address);
        return;
    }
    write_text(writer, "[");
    write_ipv6(writer, address);
    write_text(writer, "]");
}
