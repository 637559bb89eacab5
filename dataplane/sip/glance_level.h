// SPDX-License-Identifier: BSD-3-Clause
// What the glance does with many octets at once, by instruction set, and the Via that it knows already.
// Private to dataplane/sip.
#ifndef DIALGATE_SIP_GLANCE_LEVEL_H
#define DIALGATE_SIP_GLANCE_LEVEL_H

#include "glance.h"
#include "plain.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define GLANCE_BLOCK 64u // octets that are looked at together

// What differs by instruction set.
struct glance_level {
    uint64_t (*feeds)(const uint8_t *at); // which of 64 octets are line feeds
    // Without control octets; some say of a tab that it is one. Of both, 32 octets before the end are read.
    bool (*is_text)(const uint8_t *at, const uint8_t *end);
    bool (*is_uri)(const uint8_t *at, const uint8_t *end); // SCAN_URI; it has some
    // Whether the Via whose value is this is the known one but for its branch, which is a word. 128 octets
    // from its begin on are there, and 32 before its end.
    bool (*is_known)(const struct glance_via *known, const uint8_t *value, uint32_t length);
};

static inline uint64_t feeds_base(const uint8_t *at)
{
    uint64_t feeds = 0;
#if defined(__SSE2__)
    for (unsigned i = 0; i < GLANCE_BLOCK; i += 16) {
        __m128i piece = _mm_loadu_si128((const __m128i *)(at + i));
        feeds |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(piece, _mm_set1_epi8('\n'))) << i;
    }
#else
    for (unsigned i = 0; i < GLANCE_BLOCK; i++)
        feeds |= (uint64_t)(at[i] == '\n') << i;
#endif
    return feeds;
}

static inline bool is_text_base(const uint8_t *at, const uint8_t *end)
{
    return scan_control(at, end) == end;
}

static inline bool is_uri_base(const uint8_t *at, const uint8_t *end)
{
    return scan_while(at, end, SCAN_URI) == end;
}

static inline bool is_known_base(const struct glance_via *known, const uint8_t *value, uint32_t length)
{
    return false;
}

static const struct glance_level glance_base = {feeds_base, is_text_base, is_uri_base, is_known_base};

#if defined(__x86_64__)
#define GLANCE_TARGET __attribute__((target("avx2,bmi,bmi2")))

GLANCE_TARGET static inline uint64_t feeds_avx2(const uint8_t *at)
{
    const __m256i feed = _mm256_set1_epi8('\n');
    __m256i low = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)at), feed);
    __m256i high = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(at + 32)), feed);
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32 | (uint32_t)_mm256_movemask_epi8(low);
}

// Which of 32 octets are none of a text.
GLANCE_TARGET static inline __m256i outside_avx2(const uint8_t *at)
{
    __m256i octets = _mm256_loadu_si256((const __m256i *)at);
    __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(octets, _mm256_set1_epi8(0x1f)), octets);
    return _mm256_or_si256(low, _mm256_cmpeq_epi8(octets, _mm256_set1_epi8(0x7f)));
}

GLANCE_TARGET static inline bool is_text_avx2(const uint8_t *at, const uint8_t *end)
{
    __m256i outside = outside_avx2(end - 32);
    if (end - at < 32)
        return (uint32_t)_mm256_movemask_epi8(outside) >> (32 - (end - at)) == 0;
    for (; end - at > 32; at += 32)
        outside = _mm256_or_si256(outside, outside_avx2(at));
    return _mm256_testz_si256(outside, outside) != 0;
}

GLANCE_TARGET static inline bool is_uri_avx2(const uint8_t *at, const uint8_t *end)
{
    if (end - at > 32)
        return scan_while(at, end, SCAN_URI) == end;
    __m256i octets = _mm256_loadu_si256((const __m256i *)(end - 32));
    // Octets from 0x80 on are less than a space here; 0x3c and 0x3e are the angle brackets.
    __m256i visible = _mm256_cmpgt_epi8(octets, _mm256_set1_epi8(' '));
    __m256i angle = _mm256_cmpeq_epi8(_mm256_or_si256(octets, _mm256_set1_epi8(2)), _mm256_set1_epi8('>'));
    __m256i quote = _mm256_cmpeq_epi8(octets, _mm256_set1_epi8('"'));
    __m256i rubout = _mm256_cmpeq_epi8(octets, _mm256_set1_epi8(0x7f));
    __m256i inside = _mm256_andnot_si256(_mm256_or_si256(angle, _mm256_or_si256(quote, rubout)), visible);
    return ~(uint32_t)_mm256_movemask_epi8(inside) >> (32 - (end - at)) == 0;
}

GLANCE_TARGET static inline uint32_t differ_avx2(const uint8_t *a, const uint8_t *b)
{
    __m256i same = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)a),
                                     _mm256_loadu_si256((const __m256i *)(const void *)b));
    return ~(uint32_t)_mm256_movemask_epi8(same);
}

// Which of 32 octets do not belong to a word.
GLANCE_TARGET static inline uint32_t no_word_avx2(const uint8_t *at)
{
    __m256i octets = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i rows =
        _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)scan_rows[SCAN_ROW_WORD]));
    __m256i halves =
        _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)scan_rows[SCAN_ROW_HIGH]));
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(octets, 4), _mm256_set1_epi8(0x0f));
    __m256i member = _mm256_and_si256(_mm256_shuffle_epi8(rows, octets), _mm256_shuffle_epi8(halves, high));
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(member, _mm256_setzero_si256()));
}

GLANCE_TARGET static inline uint64_t joined(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

GLANCE_TARGET static inline bool is_known_avx2(const struct glance_via *known, const uint8_t *value,
                                               uint32_t length)
{
    uint32_t before = known->before_length, behind = known->behind_length;
    uint32_t branch = length - before - behind;
    if (length <= before + behind || branch > GLANCE_BLOCK)
        return false;
    uint64_t differ = joined(differ_avx2(value, known->before), differ_avx2(value + 32, known->before + 32));
    uint64_t no_word = joined(no_word_avx2(value + before), no_word_avx2(value + before + 32));
    uint64_t end = (uint64_t)differ_avx2(value + length - 32, known->behind) << 32;
    return (differ << (GLANCE_BLOCK - before) | no_word << (GLANCE_BLOCK - branch)) == 0 &&
           (behind == 0 || end >> (GLANCE_BLOCK - behind) == 0);
}

static const struct glance_level glance_avx2 = {feeds_avx2, is_text_avx2, is_uri_avx2, is_known_avx2};

#endif

static inline void glance_learn(struct glance_via *known, const uint8_t *octets, const struct via *via)
{
    struct span whole = via->whole, branch = via->branch;
    uint32_t before = branch.offset - whole.offset;
    uint32_t behind = whole.length - before - branch.length;
    known->before_length = 0;
    if (branch.length == 0 || before > GLANCE_BEFORE_MAX || behind > GLANCE_BEHIND_MAX)
        return;
    *known = (struct glance_via){.before_length = before, .behind_length = behind, .via = *via};
    memcpy(known->before, octets + whole.offset, before);
    memcpy(known->behind + GLANCE_BEHIND_MAX - behind, octets + branch.offset + branch.length, behind);
    known->rport_is_behind = via->rport.offset > branch.offset;
    known->received_is_behind = via->received.offset > branch.offset;
    struct via *own = &known->via;
    own->transport.offset -= whole.offset;
    own->host.offset -= whole.offset;
    own->parameters.offset -= whole.offset;
    own->parameters.length -= branch.length;
    if (own->rport.length != 0)
        own->rport.offset -= whole.offset + (known->rport_is_behind ? branch.length : 0);
    if (own->received.length != 0)
        own->received.offset -= whole.offset + (known->received_is_behind ? branch.length : 0);
}

ALWAYS_INLINE struct span glance_moved(struct span span, uint32_t by)
{
    return plain_span(span.offset + by, (size_t)span.offset + by + span.length);
}

ALWAYS_INLINE void glance_take_known(const struct glance_via *known, struct span value, struct via *via)
{
    uint32_t branch = value.length - known->before_length - known->behind_length;
    *via = known->via;
    via->whole = value;
    via->transport = glance_moved(via->transport, value.offset);
    via->host = glance_moved(via->host, value.offset);
    via->branch =
        plain_span(value.offset + known->before_length, value.offset + known->before_length + branch);
    via->parameters.offset += value.offset;
    via->parameters.length += branch;
    if (via->rport.length != 0)
        via->rport = glance_moved(via->rport, value.offset + (known->rport_is_behind ? branch : 0));
    if (via->received.length != 0)
        via->received = glance_moved(via->received, value.offset + (known->received_is_behind ? branch : 0));
}

#endif
