// SPDX-License-Identifier: BSD-3-Clause
#include "checksum.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline unsigned long long load(const uint8_t *at)
{
    unsigned long long word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline unsigned long long add(unsigned long long sum, unsigned long long word)
{
    sum += word;
    return sum + (sum < word);
}

// The loop is on x86 one chain of carries, of which compilers make none by themselves. It stands in a
// function that is called, since gcc 12 keeps each step in memory where it is inlined.
unsigned long long checksum_add(unsigned long long sum, const void *octets, uint32_t length)
{
    const uint8_t *at = octets;
#if defined(__x86_64__)
    for (; length >= 32; at += 32, length -= 32) {
        unsigned char carry = _addcarry_u64(0, sum, load(at), &sum);
        carry = _addcarry_u64(carry, sum, load(at + 8), &sum);
        carry = _addcarry_u64(carry, sum, load(at + 16), &sum);
        carry = _addcarry_u64(carry, sum, load(at + 24), &sum);
        sum += carry;
    }
#endif
    for (; length >= 8; at += 8, length -= 8)
        sum = add(sum, load(at));
    // The rest, as if zeros followed, is the end of a word that began before it.
    return length == 0 ? sum : add(sum, load(at + length - 8) >> (64 - 8 * length));
}
