// SPDX-License-Identifier: BSD-3-Clause
// The alphabet of SIP and the loops over it. Private to dataplane/sip. Everything that a vector unit could do
// faster is a function here, so that another body can take its place without a change elsewhere.
#ifndef DIALGATE_SIP_SCAN_H
#define DIALGATE_SIP_SCAN_H

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "message.h"

// What the parser reads by is compiled for more than one instruction set: it takes that of its caller.
#define ALWAYS_INLINE static inline __attribute__((always_inline))
// Tables of the library itself: read at an address that the code knows.
#define HIDDEN __attribute__((visibility("hidden")))

// Classes of octets; a bit each in scan_class.
enum {
    SCAN_TOKEN = 1u << 0, // RFC 3261 25.1 token
    SCAN_LWS = 1u << 1,   // SP, HTAB and what a fold is made of: only valid inside an unfolded value
    SCAN_HOST = 1u << 2,  // hostname and IPv4address; the underscore is no host's but common
    SCAN_URI = 1u << 3,   // what may stand in a URI: visible ASCII but quotes and angle brackets
    SCAN_VALUE = 1u << 4, // an unquoted parameter value, wider than token / host
    SCAN_DIGIT = 1u << 5,
    SCAN_DISPLAY = 1u << 6, // an unquoted display name: tokens, LWS and, beyond the RFC, raw UTF-8
    SCAN_VISIBLE = 1u << 7  // 0x21 .. 0x7e
};

HIDDEN extern const uint8_t scan_class[256];

// The same for vectors: an octet c below 0x80 is a member when
// (scan_rows[row][c & 15] & scan_rows[SCAN_ROW_HIGH][c >> 4]) != 0.
enum scan_row {
    SCAN_ROW_HIGH,    // a bit for each high half; none from 0x80 on
    SCAN_ROW_CONTROL, // scan_is_control()
    SCAN_ROW_WORD,    // SCAN_HOST
    SCAN_ROW_URI,     // SCAN_URI without the backslash
    SCAN_ROW_COUNT
};

HIDDEN extern const uint8_t scan_rows[SCAN_ROW_COUNT][16];

// A piece of text being read. base is what offsets are relative to.
struct cursor {
    const uint8_t *base;
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct cursor cursor_of(const uint8_t *octets, struct span span)
{
    return (struct cursor){octets, octets + span.offset, octets + span.offset + span.length};
}

ALWAYS_INLINE struct span span_between(const uint8_t *base, const uint8_t *from, const uint8_t *to)
{
    // As one word: who copies a span that was stored as two halves waits for both to reach the cache.
    uint32_t both = (uint16_t)(from - base) | (uint32_t)(uint16_t)(to - from) << 16;
    struct span span;
    memcpy(&span, &both, sizeof(span));
    return span;
}

ALWAYS_INLINE bool scan_is(uint8_t octet, unsigned classes)
{
    return (scan_class[octet] & classes) != 0;
}

#if defined(__SSE2__)
// Which of 16 octets are not SCAN_URI.
static inline unsigned scan_outside_uri(const uint8_t *at)
{
    __m128i piece = _mm_loadu_si128((const __m128i *)at);
    // Octets from 0x80 on are less than a space here.
    __m128i visible = _mm_cmpgt_epi8(piece, _mm_set1_epi8(' '));
    __m128i angle =
        _mm_or_si128(_mm_cmpeq_epi8(piece, _mm_set1_epi8('<')), _mm_cmpeq_epi8(piece, _mm_set1_epi8('>')));
    __m128i other =
        _mm_or_si128(_mm_cmpeq_epi8(piece, _mm_set1_epi8('"')), _mm_cmpeq_epi8(piece, _mm_set1_epi8(0x7f)));
    __m128i inside = _mm_andnot_si128(_mm_or_si128(angle, other), visible);
    return (unsigned)_mm_movemask_epi8(inside) ^ 0xffffu;
}

// Which of 16 octets are not SCAN_VALUE.
static inline unsigned scan_outside_value(const uint8_t *at)
{
    __m128i piece = _mm_loadu_si128((const __m128i *)at);
    // The two parentheses differ in one bit.
    __m128i parenthesis = _mm_cmpeq_epi8(_mm_and_si128(piece, _mm_set1_epi8((char)0xfe)), _mm_set1_epi8('('));
    __m128i end =
        _mm_or_si128(_mm_cmpeq_epi8(piece, _mm_set1_epi8(',')), _mm_cmpeq_epi8(piece, _mm_set1_epi8(';')));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(parenthesis, end)) | scan_outside_uri(at);
}

// Which of 16 octets are not SCAN_HOST; those from 0x80 on are less than any letter here.
static inline __m128i scan_no_host(__m128i piece)
{
    __m128i lower = _mm_or_si128(piece, _mm_set1_epi8(0x20));
    __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                   _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
    // '-', '.' and the digits lie side by side but for the slash.
    __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(piece, _mm_set1_epi8('-' - 1)),
                                  _mm_cmplt_epi8(piece, _mm_set1_epi8('9' + 1)));
    __m128i underscore = _mm_cmpeq_epi8(piece, _mm_set1_epi8('_'));
    __m128i word = _mm_or_si128(letter, _mm_or_si128(digit, underscore));
    return _mm_or_si128(_mm_cmpeq_epi8(word, _mm_setzero_si128()), _mm_cmpeq_epi8(piece, _mm_set1_epi8('/')));
}

// Skips octets of SCAN_HOST, in whole vectors.
static inline const uint8_t *scan_skip_word(const uint8_t *at, const uint8_t *end)
{
    for (; end - at >= 16; at += 16) {
        unsigned outside = (unsigned)_mm_movemask_epi8(scan_no_host(_mm_loadu_si128((const __m128i *)at)));
        if (outside != 0)
            return at + __builtin_ctz(outside);
    }
    return at;
}

// Skips octets of SCAN_URI or SCAN_VALUE, if there are 16 to look at; the last vector ends with the text and
// covers some twice.
static inline const uint8_t *scan_skip(const uint8_t *at, const uint8_t *end, unsigned classes)
{
    unsigned outside;
    if (end - at < 16)
        return at;
    for (; end - at >= 16; at += 16) {
        outside = classes == SCAN_URI ? scan_outside_uri(at) : scan_outside_value(at);
        if (outside != 0)
            return at + __builtin_ctz(outside);
    }
    outside = classes == SCAN_URI ? scan_outside_uri(end - 16) : scan_outside_value(end - 16);
    outside >>= 16 - (end - at);
    return outside != 0 ? at + __builtin_ctz(outside) : end;
}
#else
static inline const uint8_t *scan_skip(const uint8_t *at, const uint8_t *end, unsigned classes)
{
    return at;
}

static inline const uint8_t *scan_skip_word(const uint8_t *at, const uint8_t *end)
{
    return at;
}
#endif

// First octet outside of classes, or end.
static inline const uint8_t *scan_while(const uint8_t *at, const uint8_t *end, unsigned classes)
{
    // These are long: URIs, and branches.
    if (classes == SCAN_URI || classes == SCAN_VALUE)
        at = scan_skip(at, end, classes);
    else if (classes == SCAN_HOST || classes == SCAN_TOKEN)
        at = scan_skip_word(at, end);
    while (at < end && scan_is(*at, classes))
        at++;
    return at;
}

static inline bool cursor_has(const struct cursor *cursor, uint8_t octet)
{
    return cursor->at < cursor->end && *cursor->at == octet;
}

static inline void cursor_skip_lws(struct cursor *cursor)
{
    cursor->at = scan_while(cursor->at, cursor->end, SCAN_LWS);
}

static inline bool scan_is_control(uint8_t octet)
{
    return (octet < 0x20 && octet != '\t') || octet == 0x7f;
}

// First control octet other than HTAB, or end. Line ends are control octets, so one pass finds both the end
// of a line and what must not be in it. Eight octets at a time are only skipped over; the octet loop decides.
static inline const uint8_t *scan_control(const uint8_t *at, const uint8_t *end)
{
    const uint64_t ones = 0x0101010101010101u;
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        uint64_t del = word ^ (ones * 0x7f);
        uint64_t hit = ((word - ones * 0x20) & ~word) | ((del - ones) & ~del);
        if ((hit & (ones * 0x80)) != 0) {
            for (unsigned i = 0; i < 8; i++)
                if (scan_is_control(at[i]))
                    return at + i;
        }
        at += 8;
    }
    while (at < end && !scan_is_control(*at))
        at++;
    return at;
}

// The number that `size` octets, 1, 2, 4 or 8, are. One load each: put together in memory, the parts of a
// word would be waited for.
ALWAYS_INLINE uint64_t scan_load(const void *at, size_t size)
{
    uint64_t eight;
    uint32_t four;
    uint16_t two;
    switch (size) {
    case 8:
        memcpy(&eight, at, sizeof(eight));
        return eight;
    case 4:
        memcpy(&four, at, sizeof(four));
        return four;
    case 2:
        memcpy(&two, at, sizeof(two));
        return two;
    default:
        return *(const uint8_t *)at;
    }
}

// Whether `size` octets (1, 2, 4 or 8) equal those of text without case. Letters are the octets of text above
// 0x5f, and only the two cases of a letter are equal to it when the bit between them is set.
ALWAYS_INLINE bool scan_same_word(const uint8_t *octets, const char *text, size_t size)
{
    uint64_t want = scan_load(text, size);
    return (scan_load(octets, size) | (want >> 1 & 0x2020202020202020u)) == want;
}

// Whether octets equal text (lower case letters, digits, hyphens, slashes, dots) without case. Both ends are
// compared as words that overlap.
ALWAYS_INLINE bool scan_same(const uint8_t *octets, const char *text, size_t length)
{
    size_t size = length >= 8 ? 8 : length >= 4 ? 4 : length >= 2 ? 2 : length;
    if (length > 16) {
        for (size_t i = 0; i + 8 < length; i += 8)
            if (!scan_same_word(octets + i, text + i, 8))
                return false;
    }
    return length == 0 || (scan_same_word(octets, text, size) &&
                           scan_same_word(octets + length - size, text + length - size, size));
}

// Whether two short texts of this length are the same, octet by octet. Longer ones are left to memcmp().
ALWAYS_INLINE bool scan_equal(const uint8_t *a, const uint8_t *b, size_t length)
{
    if (length > 16)
        return memcmp(a, b, length) == 0;
    size_t size = length >= 8 ? 8 : length >= 4 ? 4 : length >= 2 ? 2 : length;
    return length == 0 || (scan_load(a, size) == scan_load(b, size) &&
                           scan_load(a + length - size, size) == scan_load(b + length - size, size));
}

// Reads 1*DIGIT up to limit. Returns the first octet behind it, or NULL when there is no digit or the number
// is larger.
const uint8_t *scan_number(const uint8_t *at, const uint8_t *end, uint32_t limit, uint32_t *number);

// Reads hostname, IPv4address or IPv6reference. Returns the first octet behind it, or NULL.
const uint8_t *scan_host(const uint8_t *at, const uint8_t *end);

// Reads a quoted string that starts at `at`. Returns the first octet behind the closing quote, or NULL when
// there is none.
const uint8_t *scan_quoted(const uint8_t *at, const uint8_t *end);

#endif
