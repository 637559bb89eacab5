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

unsigned long long checksum_add_scalar(unsigned long long sum, const void *octets, uint32_t length)
{
    const uint8_t *at = octets;
#if defined(__x86_64__)
    // One chain of carries, of which compilers make none by themselves.
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

#if defined(__x86_64__)
// Vectors multiply signed words by one and add them by two: three instructions for a vector, where words of
// 32 bits that are spread over 64 take four and more. Words become signed by 0x8000 less, which is given back
// in the end: a lane of 32 bits has two words each time. No more than CHECKSUM_OCTETS_MAX at once, so that
// neither a lane nor the sum of all leaves 32 bits. Tuned by hand: for the oldest processors compilers load a
// vector of 256 bits in two halves.
static inline uint32_t give_back(int sum, uint32_t octets)
{
    return (uint32_t)sum + octets / 2 * 0x8000u;
}

__attribute__((target("avx2,tune=haswell"))) unsigned long long
checksum_add_avx2(unsigned long long sum, const void *octets, uint32_t length)
{
    const uint8_t *at = octets, *end = at + (length & ~63u);
    const __m256i bias = _mm256_set1_epi16((short)0x8000), ones = _mm256_set1_epi16(1);
    __m256i a = _mm256_setzero_si256(), b = a;
    for (; at < end; at += 64) {
        __m256i first = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)at), bias);
        __m256i second = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(at + 32)), bias);
        a = _mm256_add_epi32(a, _mm256_madd_epi16(first, ones));
        b = _mm256_add_epi32(b, _mm256_madd_epi16(second, ones));
    }
    a = _mm256_add_epi32(a, b);
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    four = _mm_add_epi32(four, _mm_srli_si128(four, 8));
    four = _mm_add_epi32(four, _mm_srli_si128(four, 4));
    sum = add(sum, give_back(_mm_cvtsi128_si32(four), length & ~63u));
    return checksum_add_scalar(sum, at, length & 63);
}

// The last vector is loaded as far as there is something: what lies behind is not touched, and counts as
// zeros.
__attribute__((target("avx512f,avx512bw"))) unsigned long long
checksum_add_avx512(unsigned long long sum, const void *octets, uint32_t length)
{
    const uint8_t *at = octets, *end = at + (length & ~63u);
    const __m512i bias = _mm512_set1_epi16((short)0x8000), ones = _mm512_set1_epi16(1);
    const __mmask64 rest = (UINT64_C(1) << (length & 63)) - 1;
    __m512i a = _mm512_madd_epi16(_mm512_xor_si512(_mm512_maskz_loadu_epi8(rest, end), bias), ones);
    for (; at < end; at += 64) {
        __m512i words = _mm512_xor_si512(_mm512_loadu_si512(at), bias);
        a = _mm512_add_epi32(a, _mm512_madd_epi16(words, ones));
    }
    return add(sum, give_back(_mm512_reduce_add_epi32(a), (length & ~63u) + 64));
}
#endif

unsigned long long checksum_add(unsigned long long sum, const void *octets, uint32_t length)
{
#if defined(__x86_64__)
    if (length >= 64 && length <= CHECKSUM_OCTETS_MAX) {
        if (__builtin_cpu_supports("avx512bw"))
            return checksum_add_avx512(sum, octets, length);
        if (__builtin_cpu_supports("avx2"))
            return checksum_add_avx2(sum, octets, length);
    }
#endif
    return checksum_add_scalar(sum, octets, length);
}
