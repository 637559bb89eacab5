// SPDX-License-Identifier: BSD-3-Clause
// From line feed to line feed: of most lines the first letter tells that they are none of the five kinds that
// a refusal repeats. What those lines hold is not looked at; a message may be refused that has a fault
// there, since what is not processed need not be well-formed (RFC 3261 16.3 step 1), and a 503 answers it as
// well as the 400 would. The values are read by plain.h, and whatever is odd about one of the five goes to
// message_parse(): another name that could be one of theirs, a fold, a line that ends in another way.
#include "glance.h"
#include "plain.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define BLOCK 64u // octets that are looked at together

#define BIT(kind) (1u << (kind))
#define MANDATORY                                                                                            \
    (BIT(HEADER_VIA) | BIT(HEADER_FROM) | BIT(HEADER_TO) | BIT(HEADER_CALL_ID) | BIT(HEADER_CSEQ))
#define KINDS         (HEADER_CSEQ + 1)
#define CLEARED_FIRST 64

struct places {
    size_t begin;
    size_t end;
};

struct glance {
    struct places values[KINDS]; // of Via the first
    uint32_t seen;
    unsigned vias;
    size_t last; // the end of the last line of these
};

// What a line may be by its first octet.
enum first { FIRST_OTHER, FIRST_C, FIRST_F, FIRST_I, FIRST_T, FIRST_V, FIRST_NONE };

static const uint8_t firsts[256] = {
    ['c'] = FIRST_C,     ['C'] = FIRST_C,    ['f'] = FIRST_F,     ['F'] = FIRST_F,    ['i'] = FIRST_I,
    ['I'] = FIRST_I,     ['t'] = FIRST_T,    ['T'] = FIRST_T,     ['v'] = FIRST_V,    ['V'] = FIRST_V,
    ['\r'] = FIRST_NONE, [' '] = FIRST_NONE, ['\n'] = FIRST_NONE, ['\t'] = FIRST_NONE};

struct name {
    enum sip_header kind;
    size_t length;
};

// 8 octets may be read.
ALWAYS_INLINE struct name name_of(enum first first, const uint8_t *at)
{
    switch (first) {
    case FIRST_V:
        return (struct name){HEADER_VIA, scan_same(at + 1, "ia", 2) ? 3 : 1};
    case FIRST_F:
        return (struct name){HEADER_FROM, scan_same(at, "from", 4) ? 4 : 1};
    case FIRST_T:
        return (struct name){HEADER_TO, (at[1] | 0x20) == 'o' ? 2 : 1};
    case FIRST_I:
        return (struct name){HEADER_CALL_ID, 1};
    default:
        if (scan_same(at, "call-id", 7))
            return (struct name){HEADER_CALL_ID, 7};
        return (struct name){scan_same(at, "cseq", 4) ? HEADER_CSEQ : HEADER_OTHER, 4};
    }
}

// The line that ends before the line feed at `feed`. False: the message is to be parsed.
ALWAYS_INLINE bool take_line(const uint8_t *octets, size_t begin, size_t feed, enum first first,
                             struct glance *glance, struct message *message)
{
    struct name name = name_of(first, octets + begin);
    size_t colon = begin + name.length, end = feed - 1;
    if (name.kind == HEADER_OTHER)
        return true;
    if (octets[colon] != ':')
        return octets[colon] != ' ' && octets[colon] != '\t';
    size_t value = colon + 1 + (octets[colon + 1] == ' ');
    if (value >= end || octets[end] != '\r' || octets[value] <= ' ' || octets[end - 1] <= ' ')
        return false;
    glance->last = feed + 1;
    if (name.kind == HEADER_VIA) {
        if (glance->vias == GLANCE_VIAS_MAX)
            return false;
        struct plain_line line = {begin, colon, value, end};
        struct header_field *field = &message->headers[glance->vias];
        plain_spans(&line, field);
        field->kind = HEADER_VIA;
        if (glance->vias++ != 0)
            return true;
    } else if ((glance->seen & BIT(name.kind)) != 0) {
        return false;
    }
    glance->seen |= BIT(name.kind);
    glance->values[name.kind] = (struct places){value, end};
    return true;
}

// Which of 64 octets are line feeds.
typedef uint64_t (*feeds_function)(const uint8_t *at);

// Of the 64 octets from `place` on, or of those that are left.
ALWAYS_INLINE uint64_t feeds_from(feeds_function feeds, const uint8_t *octets, size_t length, size_t place)
{
    if (length - place >= BLOCK)
        return feeds(octets + place);
    return feeds(octets + length - BLOCK) >> (BLOCK - (length - place));
}

// Up to the empty line. begin: of the first header line.
ALWAYS_INLINE bool read_lines(feeds_function feeds_of, size_t begin, struct glance *glance,
                              struct message *message)
{
    const uint8_t *octets = message->octets;
    const size_t length = message->length;
    enum first first = (enum first)firsts[octets[begin]];
    unsigned count = 0;
    for (size_t place = begin; place < length; place += BLOCK)
        for (uint64_t feeds = feeds_from(feeds_of, octets, length, place); feeds != 0; feeds &= feeds - 1) {
            size_t feed = place + (size_t)__builtin_ctzll(feeds);
            if (first == FIRST_NONE) {
                message->header_end = (uint16_t)(feed + 1);
                return octets[begin] == '\r' && feed == begin + 1;
            }
            if (first != FIRST_OTHER &&
                (begin + 8 > length || !take_line(octets, begin, feed, first, glance, message)))
                return false;
            begin = feed + 1;
            if (++count == MESSAGE_HEADERS_MAX || begin == length)
                return false;
            first = (enum first)firsts[octets[begin]];
        }
    return false;
}

ALWAYS_INLINE struct span span_of(struct places places)
{
    return plain_span(places.begin, places.end);
}

ALWAYS_INLINE bool is_text(const struct plain *plain, size_t begin, size_t end)
{
    return mark_next(plain->marks, MARK_CONTROL, begin) == end;
}

ALWAYS_INLINE bool read_values(const struct plain *plain, const struct glance *glance,
                               struct message *message)
{
    const struct places *values = glance->values;
    struct span name;
    message->from = span_of(values[HEADER_FROM]);
    message->to = span_of(values[HEADER_TO]);
    message->call_id = span_of(values[HEADER_CALL_ID]);
    message->cseq = span_of(values[HEADER_CSEQ]);
    for (unsigned i = 1; i < glance->vias; i++) {
        const struct span *value = &message->headers[i].value;
        if (!is_text(plain, value->offset, (size_t)value->offset + value->length))
            return false;
    }
    return plain_via(plain, values[HEADER_VIA].begin, values[HEADER_VIA].end, &message->via) &&
           is_text(plain, values[HEADER_FROM].begin, values[HEADER_FROM].end) &&
           plain_party(plain, values[HEADER_TO].begin, values[HEADER_TO].end, &message->to_tag) &&
           plain_visible(plain, values[HEADER_CALL_ID].begin, values[HEADER_CALL_ID].end) &&
           plain_cseq(plain, values[HEADER_CSEQ].begin, values[HEADER_CSEQ].end, &message->cseq_number,
                      &name) &&
           name.length == 6 && memcmp(plain->octets + name.offset, "INVITE", 6) == 0;
}

// Where the line begins behind a start line that the parser takes for that of an INVITE, whatever it says
// of the Request-URI; or 0.
ALWAYS_INLINE size_t skip_start(const uint8_t *octets, size_t length)
{
    static const char version[] = " SIP/2.0\r";
    const uint8_t *feed = memcmp(octets, "INVITE ", 7) == 0 ? memchr(octets, '\n', length) : NULL;
    if (feed == NULL || feed - octets < 17 ||
        memcmp(feed - (sizeof(version) - 1), version, sizeof(version) - 1) != 0)
        return 0;
    return (size_t)(feed + 1 - octets);
}

ALWAYS_INLINE bool glance_at(feeds_function feeds_of, const uint8_t *octets, uint32_t length,
                             struct message *message)
{
    struct marks marks;
    struct glance glance = {.seen = 0};
    if (length < BLOCK || length > MESSAGE_SIZE_MAX)
        return false;
    size_t begin = skip_start(octets, length);
    if (begin == 0 || begin == length)
        return false;
    // In parts: see message.c.
    memset(message, 0, CLEARED_FIRST);
    memset((uint8_t *)message + CLEARED_FIRST, 0, offsetof(struct message, first) - CLEARED_FIRST);
    memset(message->first, MESSAGE_NO_HEADER, sizeof(message->first));
    message->octets = octets;
    message->length = length;
    message->is_request = true;
    message->is_unfolded = true;
    message->method = message->cseq_method = METHOD_INVITE;
    message->method_name = plain_span(0, 6);
    if (!read_lines(feeds_of, begin, &glance, message) || glance.seen != MANDATORY)
        return false;
    mark_fill(&marks, octets, octets + glance.last);
    if (marks.length != glance.last)
        return false;
    message->first[HEADER_VIA] = 0;
    message->header_count = (uint16_t)glance.vias;
    const struct plain plain = {octets, &marks, glance.last};
    return read_values(&plain, &glance, message);
}

// Twice, as message_parse().
#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,bmi,bmi2")))

TARGET static inline uint64_t feeds_avx2(const uint8_t *at)
{
    const __m256i feed = _mm256_set1_epi8('\n');
    __m256i low = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)at), feed);
    __m256i high = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(at + 32)), feed);
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32 | (uint32_t)_mm256_movemask_epi8(low);
}

TARGET static bool glance_avx2(const uint8_t *octets, uint32_t length, struct message *message)
{
    return glance_at(feeds_avx2, octets, length, message);
}
#endif

static inline uint64_t feeds_base(const uint8_t *at)
{
    uint64_t feeds = 0;
#if defined(__SSE2__)
    for (unsigned i = 0; i < BLOCK; i += 16) {
        __m128i piece = _mm_loadu_si128((const __m128i *)(at + i));
        feeds |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(piece, _mm_set1_epi8('\n'))) << i;
    }
#else
    for (unsigned i = 0; i < BLOCK; i++)
        feeds |= (uint64_t)(at[i] == '\n') << i;
#endif
    return feeds;
}

static bool glance_base(const uint8_t *octets, uint32_t length, struct message *message)
{
    return glance_at(feeds_base, octets, length, message);
}

bool message_glance(const uint8_t *octets, uint32_t length, struct message *message)
{
#if defined(__x86_64__)
    if (__atomic_load_n(&mark_has_bmi2, __ATOMIC_RELAXED)) // and AVX2 (mark.h)
        return glance_avx2(octets, length, message);
#endif
    return glance_base(octets, length, message);
}
