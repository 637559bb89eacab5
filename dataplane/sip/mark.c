// SPDX-License-Identifier: BSD-3-Clause
// A class of ASCII octets is a table of 16 sets: by the low half of an octet, which high halves make it a
// member (scan_rows). A shuffle looks up 16 octets at once, so a class costs four instructions a vector
// whatever its members are, and octets above 0x7f are in none. All levels fill the same bits; the scalar one
// asks scan_class for each octet.
//
// Rejected: marks of what is looked for (colons, semicolons, quotes) instead of where classes end. They find
// the next delimiter, but each octet before it would have to be checked again. And on-demand vectors at each
// token: the chain of load, shuffle and move to a mask is twice as long as that of a load and a shift.
// And marks loaded by whole words of 64: texts of varying length mispredict the branch at each edge of a
// block, 10 % of the parser's time.
//
// Of the nanoseconds that an INVITE's parser takes, marking is, by level: AVX-512 15 of 139; AVX2 26 of 151;
// SSSE3 without BMI2 60 of 195. Without marks the octet loops take 527; the scalar level, a twin for the
// tests that is never chosen, would take 1,261 of 1,404.
#include "mark.h"

#include <assert.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define HAS_VECTORS 1
#else
#define HAS_VECTORS 0
#endif

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "mark_next() reads bit n of octet n / 8");
static_assert(MARK_WINDOW % MARK_BLOCK == 0, "whole blocks");

// Marks of one block.
struct block {
    uint64_t control;
    uint64_t word;
    uint64_t uri;
};

typedef void (*fill_function)(struct marks *marks, const uint8_t *at, const uint8_t *end);

// The last octets, fewer than a block, with zeros behind.
static inline const uint8_t *pad_tail(uint8_t tail[MARK_BLOCK], const uint8_t *at, const uint8_t *end)
{
    // A zero is marked in all three.
    memset(tail, 0, MARK_BLOCK);
    memcpy(tail, at, (size_t)(end - at));
    return tail;
}

// Of the block that ends where the octets do, what is not marked yet: all but the lowest `octets`. Behind the
// end all is marked, as zeros would be.
static inline struct block shift(struct block block, size_t octets)
{
    octets &= MARK_BLOCK - 1; // 1 to 63 as it is; said for those who analyse it alone
    uint64_t behind = ~(~(uint64_t)0 >> octets);
    return (struct block){block.control >> octets | behind, block.word >> octets | behind,
                          block.uri >> octets | behind};
}

// Stores a block's marks. Returns whether the next one is wanted: three control octets in a row are the end
// of the headers, or nothing that should be there. Where an edge of blocks hides them, the body is marked
// too.
static inline bool keep(struct marks *marks, size_t index, struct block block)
{
    marks->bits[MARK_CONTROL][index] = block.control;
    marks->bits[MARK_WORD][index] = block.word;
    marks->bits[MARK_URI][index] = block.uri;
    return (block.control & block.control >> 1 & block.control >> 2) == 0;
}

static inline void finish(struct marks *marks, size_t count, const uint8_t *end)
{
    size_t rest = (size_t)(end - marks->from);
    marks->length = count * MARK_BLOCK < rest ? (uint32_t)(count * MARK_BLOCK) : (uint32_t)rest;
    for (unsigned class = 0; class < MARK_CLASS_COUNT; class ++)
        marks->bits[class][count] = ~(uint64_t)0;
}

static struct block block_scalar(const uint8_t *octets)
{
    struct block block = {0, 0, 0};
    for (unsigned i = 0; i < MARK_BLOCK; i++) {
        block.control |= (uint64_t)scan_is_control(octets[i]) << i;
        block.word |= (uint64_t)!scan_is(octets[i], SCAN_HOST) << i;
        block.uri |= (uint64_t)(!scan_is(octets[i], SCAN_URI) || octets[i] == '\\') << i;
    }
    return block;
}

// The loop of every level. A macro because a function for one instruction set cannot be part of one for
// another.
#define FILL_LOOP(block_of)                                                                                  \
    uint8_t tail[MARK_BLOCK];                                                                                \
    size_t rest = (size_t)(end - at);                                                                        \
    size_t count = (size_t)(at - marks->from) / MARK_BLOCK;                                                  \
    size_t whole = rest / MARK_BLOCK < MARK_WORDS - count ? count + rest / MARK_BLOCK : MARK_WORDS;          \
    bool more = true;                                                                                        \
    while (more && count < whole) {                                                                          \
        more = keep(marks, count, block_of(marks->from + count * MARK_BLOCK));                               \
        count++;                                                                                             \
    }                                                                                                        \
    if (more && count < MARK_WORDS && rest % MARK_BLOCK != 0) {                                              \
        struct block block = rest < MARK_BLOCK                                                               \
                                 ? block_of(pad_tail(tail, at, end))                                         \
                                 : shift(block_of(end - MARK_BLOCK), MARK_BLOCK - rest % MARK_BLOCK);        \
        keep(marks, count, block);                                                                           \
        count++;                                                                                             \
    }                                                                                                        \
    finish(marks, count, end);

static void fill_none(struct marks *marks, const uint8_t *at, const uint8_t *end)
{
    finish(marks, 0, end);
}

static void fill_scalar(struct marks *marks, const uint8_t *at, const uint8_t *end){FILL_LOOP(block_scalar)}

#if HAS_VECTORS

#define TARGET(set) __attribute__((target(set)))

TARGET("ssse3") static inline __m128i in_class_sse(__m128i octets, __m128i high, enum scan_row row)
{
    __m128i rows = _mm_load_si128((const __m128i *)scan_rows[row]);
    return _mm_cmpeq_epi8(_mm_and_si128(_mm_shuffle_epi8(rows, octets), high), _mm_setzero_si128());
}

TARGET("ssse3") static inline struct block block_sse(const uint8_t *octets)
{
    struct block block = {0, 0, 0};
    const __m128i halves = _mm_load_si128((const __m128i *)scan_rows[SCAN_ROW_HIGH]);
    for (unsigned i = 0; i < MARK_BLOCK; i += 16) {
        __m128i piece = _mm_loadu_si128((const __m128i *)(octets + i));
        __m128i high = _mm_shuffle_epi8(halves, _mm_and_si128(_mm_srli_epi16(piece, 4), _mm_set1_epi8(0x0f)));
        block.control |= (uint64_t)(uint32_t)_mm_movemask_epi8(in_class_sse(piece, high, SCAN_ROW_CONTROL))
                         << i;
        block.word |= (uint64_t)(uint32_t)_mm_movemask_epi8(in_class_sse(piece, high, SCAN_ROW_WORD)) << i;
        block.uri |= (uint64_t)(uint32_t)_mm_movemask_epi8(in_class_sse(piece, high, SCAN_ROW_URI)) << i;
    }
    block.control = ~block.control;
    return block;
}

TARGET("ssse3")
static void fill_sse(struct marks *marks, const uint8_t *at, const uint8_t *end){FILL_LOOP(block_sse)}

// A row in both halves of a vector: shuffles do not cross them.
TARGET("avx2") static inline __m256i row_avx2(enum scan_row row)
{
    return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)scan_rows[row]));
}

TARGET("avx2") static inline uint32_t outside_avx2(__m256i octets, __m256i high, enum scan_row row)
{
    __m256i member = _mm256_and_si256(_mm256_shuffle_epi8(row_avx2(row), octets), high);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(member, _mm256_setzero_si256()));
}

TARGET("avx2") static inline struct block block_avx2(const uint8_t *octets)
{
    const __m256i halves = row_avx2(SCAN_ROW_HIGH);
    const __m256i mask = _mm256_set1_epi8(0x0f);
    __m256i a = _mm256_loadu_si256((const __m256i *)octets);
    __m256i b = _mm256_loadu_si256((const __m256i *)(octets + 32));
    __m256i high_a = _mm256_shuffle_epi8(halves, _mm256_and_si256(_mm256_srli_epi16(a, 4), mask));
    __m256i high_b = _mm256_shuffle_epi8(halves, _mm256_and_si256(_mm256_srli_epi16(b, 4), mask));
    return (struct block){
        .control = ~((uint64_t)outside_avx2(b, high_b, SCAN_ROW_CONTROL) << 32 |
                     outside_avx2(a, high_a, SCAN_ROW_CONTROL)),
        .word =
            (uint64_t)outside_avx2(b, high_b, SCAN_ROW_WORD) << 32 | outside_avx2(a, high_a, SCAN_ROW_WORD),
        .uri = (uint64_t)outside_avx2(b, high_b, SCAN_ROW_URI) << 32 | outside_avx2(a, high_a, SCAN_ROW_URI),
    };
}

TARGET("avx2")
static void fill_avx2(struct marks *marks, const uint8_t *at, const uint8_t *end){FILL_LOOP(block_avx2)}

#define AVX512 "avx512f,avx512bw"

TARGET(AVX512) static inline __m512i row_avx512(enum scan_row row)
{
    return _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)scan_rows[row]));
}

TARGET(AVX512) static inline struct block block_avx512(const uint8_t *octets)
{
    __m512i piece = _mm512_loadu_si512(octets);
    __m512i high = _mm512_shuffle_epi8(row_avx512(SCAN_ROW_HIGH),
                                       _mm512_and_si512(_mm512_srli_epi16(piece, 4), _mm512_set1_epi8(0x0f)));
    return (struct block){
        .control = _mm512_test_epi8_mask(_mm512_shuffle_epi8(row_avx512(SCAN_ROW_CONTROL), piece), high),
        .word = _mm512_testn_epi8_mask(_mm512_shuffle_epi8(row_avx512(SCAN_ROW_WORD), piece), high),
        .uri = _mm512_testn_epi8_mask(_mm512_shuffle_epi8(row_avx512(SCAN_ROW_URI), piece), high),
    };
}

TARGET(AVX512) static void fill_avx512(struct marks *marks, const uint8_t *at, const uint8_t *end)
{
    FILL_LOOP(block_avx512)
}

static bool has_level(enum mark_level level)
{
    switch (level) {
    case MARK_NONE:
    case MARK_SCALAR:
        return true;
    case MARK_SSE:
        return __builtin_cpu_supports("ssse3");
    case MARK_AVX2:
        return __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx2");
    case MARK_AVX512:
        return __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw");
    default:
        return false;
    }
}

static const fill_function fills[MARK_LEVEL_COUNT] = {fill_none, fill_scalar, fill_sse, fill_avx2,
                                                      fill_avx512};

#else

static bool has_level(enum mark_level level)
{
    return level == MARK_NONE || level == MARK_SCALAR;
}

static const fill_function fills[MARK_LEVEL_COUNT] = {fill_none, fill_scalar};

#endif

static void fill_first(struct marks *marks, const uint8_t *at, const uint8_t *end);

// Written by whoever marks first, with the same value whoever that is; read by all.
static fill_function fill = fill_first;
bool mark_has_bmi2;

bool mark_use(enum mark_level level)
{
    if (!has_level(level))
        return false;
    __atomic_store_n(&fill, fills[level], __ATOMIC_RELAXED);
    __atomic_store_n(&mark_has_bmi2, level >= MARK_AVX2, __ATOMIC_RELAXED);
    return true;
}

static void fill_first(struct marks *marks, const uint8_t *at, const uint8_t *end)
{
    static const enum mark_level levels[] = {MARK_AVX512, MARK_AVX2, MARK_SSE, MARK_NONE};
    for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (mark_use(levels[i]))
            break;
    __atomic_load_n(&fill, __ATOMIC_RELAXED)(marks, at, end);
}

void mark_fill(struct marks *marks, const uint8_t *from, const uint8_t *end)
{
    marks->from = from;
    __atomic_load_n(&fill, __ATOMIC_RELAXED)(marks, from, end);
}

void mark_fill_part(struct marks *marks, const uint8_t *from, size_t place, const uint8_t *end)
{
    marks->from = from;
    __atomic_load_n(&fill, __ATOMIC_RELAXED)(marks, from + place / MARK_BLOCK * MARK_BLOCK, end);
}

size_t mark_next_far(const struct marks *marks, enum mark_class class, size_t place)
{
    // What mark_next() saw reaches at least to the end of this block.
    size_t index = place / MARK_BLOCK;
    uint64_t word;
    // Ends at the block behind the last.
    do
        word = marks->bits[class][++index];
    while (word == 0);
    return index * MARK_BLOCK + (size_t)__builtin_ctzll(word);
}
