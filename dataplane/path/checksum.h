// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum (RFC 1071) over words of 64 bits: all that is received and sent goes through it. The
// carry of an addition is added again at once (section 2 (A), (C)), so that the width of words and the order
// of octets in them do not matter.
#ifndef DIALGATE_PATH_CHECKSUM_H
#define DIALGATE_PATH_CHECKSUM_H

#include <stdint.h>
#include <string.h>
#include "dialgate/address.h"

// Adds to a sum what begins at an even octet of what is summed up, and has at least 8. By vectors where the
// processor has some.
unsigned long long checksum_add(unsigned long long sum, const void *octets, uint32_t length);

#define CHECKSUM_OCTETS_MAX 65535u // of a datagram, and for vectors

// The ways in which it does that, for its tests: any processor, and those that have the vectors.
unsigned long long checksum_add_scalar(unsigned long long sum, const void *octets, uint32_t length);
#if defined(__x86_64__)
unsigned long long checksum_add_avx2(unsigned long long sum, const void *octets, uint32_t length);
unsigned long long checksum_add_avx512(unsigned long long sum, const void *octets, uint32_t length);
#endif

#define CHECKSUM_HEADER 20u // octets of an IPv4 header without options

// Begins a sum with such a header.
static inline unsigned long long checksum_header(const void *octets)
{
    uint32_t words[CHECKSUM_HEADER / 4];
    unsigned long long sum = 0;
    memcpy(words, octets, sizeof(words));
    for (unsigned i = 0; i < CHECKSUM_HEADER / 4; i++)
        sum += words[i];
    return sum;
}

// The sum of words of 16 bits, as they lie in memory.
static inline uint16_t checksum_fold(unsigned long long sum)
{
    uint32_t half = (uint32_t)(sum >> 32), low = (uint32_t)sum;
    low += half;
    low += low < half;
    low = (low & 0xffff) + (low >> 16);
    return (uint16_t)((low & 0xffff) + (low >> 16));
}

// Addresses and length in network order; 17 is UDP (RFC 768).
static inline unsigned long long checksum_pseudo(uint32_t from, uint32_t to, uint16_t octets)
{
    static const uint8_t protocol[2] = {0, 17};
    uint16_t word;
    memcpy(&word, protocol, sizeof(word));
    return (unsigned long long)from + to + word + octets;
}

// The same of addresses as they are kept: those of IPv4 (RFC 768) without what maps them, those of IPv6 whole
// (RFC 8200 8.1).
static inline unsigned long long checksum_addresses(const struct ip_address *from,
                                                    const struct ip_address *to, uint16_t octets)
{
    uint32_t words[2][4];
    memcpy(words[0], from, sizeof(words[0]));
    memcpy(words[1], to, sizeof(words[1]));
    unsigned long long sum = checksum_pseudo(words[0][3], words[1][3], octets);
    for (unsigned i = 0; i < 3 && !ip_is_ipv4(from); i++)
        sum += (unsigned long long)words[0][i] + words[1][i];
    return sum;
}

#endif
