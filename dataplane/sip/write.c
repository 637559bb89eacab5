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

void write_number(struct writer *writer, uint32_t number)
{
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

void write_ip(struct writer *writer, const struct ip_address *address)
{
    if (!ip_is_ipv4(address)) {
        write_ipv6(writer, address);
        return;
    }
    for (unsigned i = IP_MAPPED_BITS / 8; i < sizeof(address->octets); i++) {
        if (i > IP_MAPPED_BITS / 8)
            write_octets(writer, ".", 1);
        write_number(writer, address->octets[i]);
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
