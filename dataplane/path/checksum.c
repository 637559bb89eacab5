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

#if defined(__x86_64__)
// Of whole blocks of 64 octets, for their sum alone: halves of 32 bits in lanes of 64, which hold 2^32 of
// them. The high halves count as if they were low ones, which is the same to the sum of 16 bits.
__attribute__((target("avx2"))) static unsigned long long add_blocks(unsigned long long sum,
                                                                     const uint8_t *at, uint32_t blocks)
{
    __m256i all = _mm256_setzero_si256(), high = _mm256_setzero_si256();
    for (const uint8_t *end = at + (size_t)blocks * 64; at < end; at += 64) {
        __m256i a = _mm256_loadu_si256((const __m256i *)at);
        __m256i b = _mm256_loadu_si256((const __m256i *)(at + 32));
        all = _mm256_add_epi64(all, _mm256_add_epi64(a, b));
        high = _mm256_add_epi64(high, _mm256_add_epi64(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)));
    }
    // What `all` lost beyond 64 bits were high halves: the low ones are what is left without those.
    __m256i lanes = _mm256_add_epi64(_mm256_sub_epi64(all, _mm256_slli_epi64(high, 32)), high);
    __m128i two = _mm_add_epi64(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    sum = add(sum, (unsigned long long)_mm_cvtsi128_si64(two));
    return add(sum, (unsigned long long)_mm_extract_epi64(two, 1));
}
#endif

// On x86 the loop is vectors where there are some, or one chain of carries, of which compilers make none by
// themselves. It stands in a function that is called, since gcc 12 keeps each step in memory where it is
// inlined.
unsigned long long checksum_add(unsigned long long sum, const void *octets, uint32_t length)
{
    const uint8_t *at = octets;
#if defined(__x86_64__)
    if (length >= 64 && __builtin_cpu_supports("avx2")) {
        sum = add_blocks(sum, at, length / 64);
        at += length & ~63u;
        length &= 63;
    }
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
