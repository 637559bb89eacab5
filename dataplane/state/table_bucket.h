// SPDX-License-Identifier: BSD-3-Clause
// One cache line of the table, and which of its slots have a fingerprint: by vectors where there are some,
// and slot by slot. Both for table.c and for the test that holds them against each other.
#ifndef DIALGATE_STATE_TABLE_BUCKET_H
#define DIALGATE_STATE_TABLE_BUCKET_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define BUCKET_SLOTS 10u

struct table_bucket {
    uint16_t fingerprints[BUCKET_SLOTS]; // 0: free
    uint32_t passed;                     // entries that went on to the next bucket
    uint32_t indexes[BUCKET_SLOTS];      // and above them, how many buckets the entry is from home
};
static_assert(sizeof(struct table_bucket) == 64, "one line");
static_assert(offsetof(struct table_bucket, passed) == 20, "no hole");

// Bit n: slot n has this fingerprint.
static inline uint32_t bucket_matches_scalar(const struct table_bucket *bucket, uint16_t fingerprint)
{
    uint32_t matches = 0;
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        matches |= (uint32_t)(bucket->fingerprints[i] == fingerprint) << i;
    return matches;
}

#if defined(__SSE2__)
static inline uint32_t bucket_matches(const struct table_bucket *bucket, uint16_t fingerprint)
{
    __m128i wanted = _mm_set1_epi16((short)fingerprint);
    __m128i eight = _mm_load_si128((const __m128i *)(const void *)bucket);
    // The last two fingerprints and four octets more.
    __m128i two = _mm_loadl_epi64((const __m128i *)(const void *)(bucket->fingerprints + 8));
    __m128i equal = _mm_packs_epi16(_mm_cmpeq_epi16(eight, wanted), _mm_cmpeq_epi16(two, wanted));
    return (uint32_t)_mm_movemask_epi8(equal) & ((1u << BUCKET_SLOTS) - 1);
}
#else
static inline uint32_t bucket_matches(const struct table_bucket *bucket, uint16_t fingerprint)
{
    return bucket_matches_scalar(bucket, fingerprint);
}
#endif

#endif
