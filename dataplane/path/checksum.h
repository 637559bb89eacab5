// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum (RFC 1071) over words of 64 bits: all that is received and sent goes through it. The
// carry of an addition is added again at once (section 2 (A), (C)), so that the width of words and the order
// of octets in them do not matter.
#ifndef DIALGATE_PATH_CHECKSUM_H
#define DIALGATE_PATH_CHECKSUM_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline unsigned long long checksum_load(const uint8_t *at)
{
    unsigned long long word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline unsigned long long checksum_word(unsigned long long sum, unsigned long long word)
{
    sum += word;
    return sum + (sum < word);
}

// 32 octets. On x86 as one chain of carries, of which compilers make none by themselves.
static inline unsigned long long checksum_block(unsigned long long sum, const uint8_t *at)
{
#if defined(__x86_64__)
    unsigned char carry = _addcarry_u64(0, sum, checksum_load(at), &sum);
    carry = _addcarry_u64(carry, sum, checksum_load(at + 8), &sum);
    carry = _addcarry_u64(carry, sum, checksum_load(at + 16), &sum);
    carry = _addcarry_u64(carry, sum, checksum_load(at + 24), &sum);
    return sum + carry;
#else
    for (unsigned i = 0; i < 32; i += 8)
        sum = checksum_word(sum, checksum_load(at + i));
    return sum;
#endif
}

// What begins at an even octet of what is summed up, and has at least 8.
static inline unsigned long long checksum_add(unsigned long long sum, const void *octets, uint32_t length)
{
    const uint8_t *at = octets;
    for (; length >= 32; at += 32, length -= 32)
        sum = checksum_block(sum, at);
    for (; length >= 8; at += 8, length -= 8)
        sum = checksum_word(sum, checksum_load(at));
    // The rest, as if zeros followed, is the end of a word that began before it.
    return length == 0 ? sum : checksum_word(sum, checksum_load(at + length - 8) >> (64 - 8 * length));
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

#endif
