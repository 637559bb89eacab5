// SPDX-License-Identifier: BSD-3-Clause
// An IP address as all parts of Dialgate keep one. IPv4 is kept as ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that
// one comparison serves both; a packet on the wire with such an IPv6 address is not taken for IPv4 but
// dropped. All zero, the unspecified address, is none at all: memory that was cleared names nobody.
#ifndef DIALGATE_ADDRESS_H
#define DIALGATE_ADDRESS_H

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// Network byte order.
struct ip_address {
    uint8_t octets[16];
};
static_assert(sizeof(struct ip_address) == 16, "an IPv6 address");

#define IP_MAPPED_BITS 96u // before the 32 bits of IPv4

// An initialiser, from IPv4 in host order.
#define IP_MAPPED(ipv4)                                                                                      \
    {                                                                                                        \
        {                                                                                                    \
            [10] = 0xff, [11] = 0xff, [12] = (uint8_t)((uint32_t)(ipv4) >> 24),                              \
            [13] = (uint8_t)((uint32_t)(ipv4) >> 16), [14] = (uint8_t)((uint32_t)(ipv4) >> 8),               \
            [15] = (uint8_t)(uint32_t)(ipv4)                                                                 \
        }                                                                                                    \
    }

static inline struct ip_address ip_from_ipv4(uint32_t ipv4)
{
    return (struct ip_address)IP_MAPPED(ipv4);
}

struct ip_words {
    uint64_t words[2]; // of the octets as they lie in memory
};

static inline struct ip_words ip_words(const struct ip_address *address)
{
    struct ip_words words;
    memcpy(&words, address, sizeof(words));
    return words;
}

static inline bool ip_equal(const struct ip_address *a, const struct ip_address *b)
{
    struct ip_words x = ip_words(a), y = ip_words(b);
    return ((x.words[0] ^ y.words[0]) | (x.words[1] ^ y.words[1])) == 0;
}

// As memcmp().
static inline int ip_compare(const struct ip_address *a, const struct ip_address *b)
{
    struct ip_words x = ip_words(a), y = ip_words(b);
    unsigned which = x.words[0] == y.words[0];
    uint64_t left = be64toh(x.words[which]), right = be64toh(y.words[which]);
    return left < right ? -1 : left > right;
}

static inline bool ip_is_set(const struct ip_address *address)
{
    struct ip_words x = ip_words(address);
    return (x.words[0] | x.words[1]) != 0;
}

static inline bool ip_is_ipv4(const struct ip_address *address)
{
    struct ip_words x = ip_words(address);
    return x.words[0] == 0 && be64toh(x.words[1]) >> 32 == 0xffff;
}

// The IPv4 address in host order; what it returns for any other means nothing.
static inline uint32_t ip_ipv4(const struct ip_address *address)
{
    const uint8_t *o = address->octets + IP_MAPPED_BITS / 8;
    return (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
}

// The first so many bits, zeros behind them.
static inline struct ip_address ip_prefix(const struct ip_address *address, unsigned bits)
{
    struct ip_words x = ip_words(address);
    for (unsigned i = 0; i < 2; i++) {
        unsigned left = bits <= i * 64 ? 0 : bits - i * 64;
        x.words[i] &= left == 0 ? 0 : left >= 64 ? UINT64_MAX : htobe64(UINT64_MAX << (64 - left));
    }
    struct ip_address prefix;
    memcpy(&prefix, &x, sizeof(prefix));
    return prefix;
}

// For tables that nobody outside fills: it has no key.
static inline uint32_t ip_hash(const struct ip_address *address, uint64_t with)
{
    struct ip_words x = ip_words(address);
    uint64_t mixed = (x.words[0] ^ with) * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 32 ^ be64toh(x.words[1])) * 0xd6e8feb86659fd93u;
    return (uint32_t)(mixed >> 32);
}

#endif
