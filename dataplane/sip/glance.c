// SPDX-License-Identifier: BSD-3-Clause
// From line feed to line feed: of most lines the first letter tells that they are none of the five kinds that
// a refusal repeats. What those lines hold is not looked at; a message may be refused that has a fault
// there, since what is not processed need not be well-formed (RFC 3261 16.3 step 1), and a 503 answers it as
// well as the 400 would. Of the five, Via decides the way back and is read by plain.h; of the others it is
// enough that they are text, that CSeq is an INVITE's, and that To has no tag, which one that ends with ">"
// has not. Whatever is odd about one of them goes to message_parse(): another name that could be one of
// theirs, a fold, a line that ends in another way.
#include "glance.h"
#include "glance_level.h"
#include "plain.h"

#define BLOCK     GLANCE_BLOCK
#define BIT(kind) (1u << (kind))
#define MANDATORY                                                                                            \
    (BIT(HEADER_VIA) | BIT(HEADER_FROM) | BIT(HEADER_TO) | BIT(HEADER_CALL_ID) | BIT(HEADER_CSEQ))
#define CLEARED_FIRST 64
#define LINE_MIN      8u // octets that are read of a line which may be one of the five

// What a line may be by its first octet.
enum first { FIRST_OTHER, FIRST_C, FIRST_F, FIRST_I, FIRST_T, FIRST_V, FIRST_NONE };

static const uint8_t firsts[256] = {
    ['c'] = FIRST_C,     ['C'] = FIRST_C,    ['f'] = FIRST_F,     ['F'] = FIRST_F,    ['i'] = FIRST_I,
    ['I'] = FIRST_I,     ['t'] = FIRST_T,    ['T'] = FIRST_T,     ['v'] = FIRST_V,    ['V'] = FIRST_V,
    ['\r'] = FIRST_NONE, [' '] = FIRST_NONE, ['\n'] = FIRST_NONE, ['\t'] = FIRST_NONE};

// What the walk has met so far.
struct met {
    unsigned seen; // kinds, as bits
    unsigned vias;
};

// CRLF before the line feed, and no white space at the ends but one space at the begin.
ALWAYS_INLINE bool find_value(const uint8_t *octets, size_t colon, size_t feed, struct plain_line *line)
{
    line->colon = colon;
    line->value = colon + 1 + (octets[colon + 1] == ' ');
    line->end = feed - 1;
    return line->value < line->end && octets[line->end] == '\r' && octets[line->value] > ' ' &&
           octets[line->end - 1] > ' ';
}

ALWAYS_INLINE bool take_via(struct glance *glance, struct met *met, size_t colon, struct plain_line line,
                            size_t feed)
{
    struct header_field *field = &glance->message->headers[met->vias];
    if (met->vias == GLANCE_VIAS_MAX || !find_value(glance->octets, colon, feed, &line))
        return false;
    plain_spans(&line, field);
    field->kind = HEADER_VIA;
    met->vias++;
    met->seen |= BIT(HEADER_VIA);
    return true;
}

// One that may stand only once.
ALWAYS_INLINE bool take_one(struct glance *glance, struct met *met, enum sip_header kind, size_t colon,
                            size_t feed)
{
    struct plain_line line;
    if ((met->seen & BIT(kind)) != 0 || !find_value(glance->octets, colon, feed, &line))
        return false;
    met->seen |= BIT(kind);
    glance->values[kind] = plain_span(line.value, line.end);
    return true;
}

// A name in another case than nearly all write it, or short. Returns the place behind it.
static size_t odd_name(enum first first, const uint8_t *octets, size_t begin, enum sip_header *kind)
{
    static const enum sip_header kinds[] = {
        [FIRST_F] = HEADER_FROM, [FIRST_I] = HEADER_CALL_ID, [FIRST_T] = HEADER_TO, [FIRST_V] = HEADER_VIA};
    const uint8_t *at = octets + begin;
    if (first == FIRST_C) {
        bool is_call_id = scan_same(at, "call-id", 7);
        *kind = is_call_id ? HEADER_CALL_ID : scan_same(at, "cseq", 4) ? HEADER_CSEQ : HEADER_OTHER;
        return begin + (is_call_id ? 7 : 4);
    }
    *kind = kinds[first];
    if (first == FIRST_V && scan_same(at + 1, "ia", 2))
        return begin + 3;
    if (first == FIRST_F && scan_same(at, "from", 4))
        return begin + 4;
    return begin + (first == FIRST_T && (at[1] | 0x20) == 'o' ? 2 : 1);
}

ALWAYS_INLINE bool take_odd(struct glance *glance, struct met *met, enum first first, size_t begin,
                            size_t feed)
{
    enum sip_header kind;
    size_t colon = odd_name(first, glance->octets, begin, &kind);
    if (kind == HEADER_OTHER)
        return true;
    uint8_t behind = glance->octets[colon];
    if (behind != ':')
        return behind != ' ' && behind != '\t';
    if (kind == HEADER_VIA)
        return take_via(glance, met, colon, (struct plain_line){.begin = begin}, feed);
    return take_one(glance, met, kind, colon, feed);
}

// The line that ends before the line feed at `feed`. False: the message is to be parsed.
ALWAYS_INLINE bool take_line(struct glance *glance, struct met *met, enum first first, size_t begin,
                             size_t feed)
{
    const uint8_t *at = glance->octets + begin;
    switch (first) {
    case FIRST_V:
        if (memcmp(at, "Via:", 4) == 0)
            return take_via(glance, met, begin + 3, (struct plain_line){.begin = begin}, feed);
        break;
    case FIRST_F:
        if (memcmp(at, "From:", 5) == 0)
            return take_one(glance, met, HEADER_FROM, begin + 4, feed);
        break;
    case FIRST_T:
        if (memcmp(at, "To:", 3) == 0)
            return take_one(glance, met, HEADER_TO, begin + 2, feed);
        break;
    case FIRST_C:
        if (memcmp(at, "Call-ID:", 8) == 0)
            return take_one(glance, met, HEADER_CALL_ID, begin + 7, feed);
        if (memcmp(at, "CSeq:", 5) == 0)
            return take_one(glance, met, HEADER_CSEQ, begin + 4, feed);
        if (memcmp(at, "Cont", 4) == 0)
            return true;
        break;
    default:
        break;
    }
    return take_odd(glance, met, first, begin, feed);
}

// Of the 64 octets from `place` on, or of those that are left.
ALWAYS_INLINE uint64_t feeds_from(const struct glance_level *level, const uint8_t *octets, size_t length,
                                  size_t place)
{
    if (place + BLOCK <= length)
        return level->feeds(octets + place);
    return level->feeds(octets + length - BLOCK) >> (place + BLOCK - length);
}

// Few octets are left: that is the empty line, or one of no interest.
static bool may_be_last(const uint8_t *octets, size_t length, size_t begin)
{
    return begin < length && (firsts[octets[begin]] == FIRST_OTHER || firsts[octets[begin]] == FIRST_NONE);
}

enum walk { WALK_ODD, WALK_FOUND, WALK_END };

// Up to the line with which those wanted are complete, or up to the empty line.
ALWAYS_INLINE enum walk walk(const struct glance_level *level, struct glance *glance, unsigned wanted)
{
    const uint8_t *octets = glance->octets;
    const size_t length = glance->length, far = length - LINE_MIN;
    size_t begin = glance->begin, place = glance->place;
    uint64_t feeds = glance->feeds;
    struct met met = {glance->seen, glance->vias};
    for (unsigned left = glance->lines_left; left > 0; left--) {
        if (__builtin_expect(begin > far, 0) && !may_be_last(octets, length, begin))
            return WALK_ODD;
        while (feeds == 0) {
            place += BLOCK;
            if (place >= length)
                return WALK_ODD;
            feeds = feeds_from(level, octets, length, place);
        }
        enum first first = (enum first)firsts[octets[begin]];
        size_t line = begin, feed = place + (size_t)__builtin_ctzll(feeds);
        feeds &= feeds - 1;
        begin = feed + 1;
        if (first == FIRST_OTHER)
            continue;
        glance->begin = (uint32_t)begin;
        glance->vias = (uint8_t)met.vias;
        if (first == FIRST_NONE)
            return met.seen == MANDATORY && octets[line] == '\r' && feed == line + 1 ? WALK_END : WALK_ODD;
        if (!take_line(glance, &met, first, line, feed))
            return WALK_ODD;
        if ((met.seen & wanted) != wanted)
            continue;
        glance->place = (uint32_t)place;
        glance->feeds = feeds;
        glance->lines_left = left - 1;
        glance->seen = (uint8_t)met.seen;
        glance->vias = (uint8_t)met.vias;
        // The next line may go on with this one.
        return begin < length && octets[begin] != ' ' && octets[begin] != '\t' ? WALK_FOUND : WALK_ODD;
    }
    return WALK_ODD;
}

// A start line that the parser takes for that of an INVITE or ACK, whatever it says of the Request-URI.
ALWAYS_INLINE bool skip_start(const struct glance_level *level, struct glance *glance)
{
    static const char version[] = " SIP/2.0\r";
    const uint8_t *octets = glance->octets;
    size_t place = 0, method = 7;
    glance->is_ack = memcmp(octets, "ACK ", 4) == 0;
    if (glance->is_ack)
        method = 4;
    else if (memcmp(octets, "INVITE ", 7) != 0)
        return false;
    uint64_t feeds = level->feeds(octets);
    for (; feeds == 0; feeds = feeds_from(level, octets, glance->length, place)) {
        place += BLOCK;
        if (place >= glance->length)
            return false;
    }
    size_t feed = place + (size_t)__builtin_ctzll(feeds);
    if (feed < method + sizeof(version) ||
        memcmp(octets + feed - (sizeof(version) - 1), version, sizeof(version) - 1) != 0)
        return false;
    glance->begin = (uint32_t)feed + 1;
    glance->place = (uint32_t)place;
    glance->feeds = feeds & (feeds - 1);
    return true;
}

ALWAYS_INLINE bool begin_at(const struct glance_level *level, struct glance *glance)
{
    if (glance->length < BLOCK || glance->length > MESSAGE_SIZE_MAX || !skip_start(level, glance) ||
        walk(level, glance, BIT(HEADER_CALL_ID)) != WALK_FOUND)
        return false;
    struct cursor call_id = cursor_of(glance->octets, glance->values[HEADER_CALL_ID]);
    level = call_id.end - call_id.base < 32 ? &glance_base : level;
    return level->is_uri(call_id.at, call_id.end);
}

ALWAYS_INLINE bool is_text(const struct glance_level *level, const uint8_t *octets, struct span value)
{
    level = value.offset + value.length < 32 ? &glance_base : level;
    return level->is_text(octets + value.offset, octets + value.offset + value.length);
}

// Marks whole blocks, where there are some.
ALWAYS_INLINE struct plain plain_of(const struct glance *glance, struct span value, struct marks *marks)
{
    size_t end = ((size_t)value.offset + value.length + BLOCK) / BLOCK * BLOCK;
    end = end < glance->length ? end : glance->length;
    mark_fill_part(marks, glance->octets, value.offset, glance->octets + end);
    return (struct plain){glance->octets, marks, end};
}

ALWAYS_INLINE bool read_via(const struct glance_level *level, const struct glance *glance,
                            struct glance_via *known, struct marks *marks)
{
    struct span value = glance->message->headers[0].value;
    struct via *via = &glance->message->via;
    size_t end = (size_t)value.offset + value.length;
    if (end >= MARK_WINDOW)
        return false;
    if (value.offset + 2 * BLOCK <= glance->length && end >= 32 && known->before_length != 0 &&
        level->is_known(known, glance->octets + value.offset, value.length)) {
        glance_take_known(known, value, via);
        return true;
    }
    const struct plain plain = plain_of(glance, value, marks);
    if (end >= marks->length || !plain_via(&plain, value.offset, end, via))
        return false;
    glance_learn(known, glance->octets, via);
    return true;
}

ALWAYS_INLINE bool read_to(const struct glance *glance, struct marks *marks)
{
    struct span value = glance->values[HEADER_TO];
    size_t end = (size_t)value.offset + value.length;
    if (glance->octets[end - 1] == '>')
        return true;
    if (end >= MARK_WINDOW)
        return false;
    const struct plain plain = plain_of(glance, value, marks);
    return end < marks->length && plain_party(&plain, value.offset, end, &glance->message->to_tag);
}

ALWAYS_INLINE bool read_cseq(const struct glance *glance)
{
    static const char method[] = " INVITE";
    const struct plain plain = {.octets = glance->octets};
    struct span value = glance->values[HEADER_CSEQ];
    size_t blank = (size_t)value.offset + value.length - (sizeof(method) - 1);
    return value.length >= sizeof(method) &&
           memcmp(glance->octets + blank, method, sizeof(method) - 1) == 0 &&
           plain_digits(&plain, value.offset, blank, INT32_MAX, &glance->message->cseq_number);
}

ALWAYS_INLINE bool rest_at(const struct glance_level *level, struct glance *glance, struct glance_via *known)
{
    struct message *message = glance->message;
    const uint8_t *octets = glance->octets;
    struct marks marks;
    if (glance->is_ack || walk(level, glance, ~0u) != WALK_END)
        return false;
    // In parts: see message.c.
    memset(message, 0, CLEARED_FIRST);
    memset((uint8_t *)message + CLEARED_FIRST, 0, offsetof(struct message, first) - CLEARED_FIRST);
    memset(message->first, MESSAGE_NO_HEADER, sizeof(message->first) + sizeof(message->last));
    message->octets = octets;
    message->length = glance->length;
    message->is_request = true;
    message->is_unfolded = true;
    message->method = message->cseq_method = METHOD_INVITE;
    message->method_name = plain_span(0, 6);
    message->header_end = (uint16_t)glance->begin;
    message->first[HEADER_VIA] = 0;
    message->last[HEADER_VIA] = (uint8_t)(glance->vias - 1);
    message->header_count = glance->vias;
    message->from = glance->values[HEADER_FROM];
    message->to = glance->values[HEADER_TO];
    message->call_id = glance->values[HEADER_CALL_ID];
    message->cseq = glance->values[HEADER_CSEQ];
    for (unsigned i = 1; i < glance->vias; i++)
        if (!is_text(level, octets, message->headers[i].value))
            return false;
    return is_text(level, octets, message->from) && is_text(level, octets, message->to) &&
           read_cseq(glance) && read_via(level, glance, known, &marks) && read_to(glance, &marks);
}

// Twice, as message_parse().
#if defined(__x86_64__)
GLANCE_TARGET static bool begin_avx2(struct glance *glance)
{
    return begin_at(&glance_avx2, glance);
}

GLANCE_TARGET static bool rest_avx2(struct glance *glance, struct glance_via *known)
{
    return rest_at(&glance_avx2, glance, known);
}

GLANCE_TARGET static bool to_avx2(struct glance *glance)
{
    return walk(&glance_avx2, glance, BIT(HEADER_TO)) == WALK_FOUND;
}
#endif

static bool begin_base(struct glance *glance)
{
    return begin_at(&glance_base, glance);
}

static bool rest_base(struct glance *glance, struct glance_via *known)
{
    return rest_at(&glance_base, glance, known);
}

static bool to_base(struct glance *glance)
{
    return walk(&glance_base, glance, BIT(HEADER_TO)) == WALK_FOUND;
}

static inline bool has_avx2(void)
{
    return __atomic_load_n(&mark_has_bmi2, __ATOMIC_RELAXED); // and AVX2 (mark.h)
}

#if !defined(__x86_64__)
#define begin_avx2 begin_base
#define rest_avx2  rest_base
#define to_avx2    to_base
#endif

bool glance_begin(const uint8_t *octets, uint32_t length, struct message *message, struct glance *glance)
{
    glance->octets = octets;
    glance->message = message;
    glance->length = length;
    glance->lines_left = MESSAGE_HEADERS_MAX + 1; // and the empty one
    glance->vias = glance->seen = 0;
    return has_avx2() ? begin_avx2(glance) : begin_base(glance);
}

bool glance_rest(struct glance *glance, struct glance_via *known)
{
    return has_avx2() ? rest_avx2(glance, known) : rest_base(glance, known);
}

bool glance_to_tag(struct glance *glance, uint32_t tag_length, struct span *tag)
{
    static const char name[] = ";tag=";
    if (!(glance->seen & BIT(HEADER_TO)) && !(has_avx2() ? to_avx2(glance) : to_base(glance)))
        return false;
    struct span value = glance->values[HEADER_TO];
    size_t at = (size_t)value.offset + value.length - tag_length;
    if (value.length < sizeof(name) + tag_length ||
        memcmp(glance->octets + at - (sizeof(name) - 1), name, sizeof(name) - 1) != 0)
        return false;
    *tag = plain_span(at, at + tag_length);
    return true;
}
