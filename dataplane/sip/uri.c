// SPDX-License-Identifier: BSD-3-Clause
#include "uri.h"
#include "param.h"

bool span_is(const uint8_t *octets, struct span span, const char *text)
{
    size_t length = strlen(text);
    if (span.length != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        uint8_t a = octets[span.offset + i];
        uint8_t b = (uint8_t)text[i];
        if (a >= 'A' && a <= 'Z')
            a |= 0x20;
        if (b >= 'A' && b <= 'Z')
            b |= 0x20;
        if (a != b)
            return false;
    }
    return true;
}

// Reads scheme ":" (RFC 3261 25.1). Returns false when there is none.
static bool read_scheme(struct cursor *cursor, struct uri *uri)
{
    const uint8_t *start = cursor->at;
    const uint8_t *at = start;
    if (at == cursor->end || (*at | 0x20) < 'a' || (*at | 0x20) > 'z')
        return false;
    while (at < cursor->end && *at != '_' && (scan_is(*at, SCAN_HOST) || *at == '+'))
        at++;
    if (at == cursor->end || *at != ':')
        return false;
    struct span scheme = span_between(cursor->base, start, at);
    uri->scheme_name = scheme;
    uri->rest = span_between(cursor->base, at + 1, cursor->end);
    if (span_is(cursor->base, scheme, "sip"))
        uri->scheme = URI_SIP;
    else if (span_is(cursor->base, scheme, "sips"))
        uri->scheme = URI_SIPS;
    else if (span_is(cursor->base, scheme, "tel"))
        uri->scheme = URI_TEL;
    else if (span_is(cursor->base, scheme, "urn"))
        uri->scheme = URI_URN;
    else
        uri->scheme = URI_OTHER;
    cursor->at = at + 1;
    return true;
}

// [ user [ ":" password ] "@" ]. Only user and password may hold the octets that end a host, and neither they
// nor what follows may hold a bare "@": the first one decides. Returns false when the user is empty.
static bool read_userinfo(struct cursor *cursor, struct uri *uri)
{
    const uint8_t *start = cursor->at;
    const uint8_t *behind = memchr(start, '@', (size_t)(cursor->end - start));
    if (behind == NULL)
        return true;
    const uint8_t *user_end = memchr(start, ':', (size_t)(behind - start));
    if (user_end == NULL)
        user_end = behind;
    else
        uri->password = span_between(cursor->base, user_end + 1, behind);
    uri->user = span_between(cursor->base, start, user_end);
    cursor->at = behind + 1;
    return uri->user.length != 0;
}

// host [ ":" port ]
static bool read_hostport(struct cursor *cursor, struct uri *uri)
{
    const uint8_t *end = scan_host(cursor->at, cursor->end);
    if (end == NULL)
        return false;
    uri->host = span_between(cursor->base, cursor->at, end);
    cursor->at = end;
    if (!cursor_has(cursor, ':'))
        return true;
    uint32_t port;
    end = scan_number(cursor->at + 1, cursor->end, UINT16_MAX, &port);
    if (end == NULL || port == 0)
        return false;
    uri->has_port = true;
    uri->port = (uint16_t)port;
    cursor->at = end;
    return true;
}

static bool read_rest(struct cursor *cursor, struct uri *uri)
{
    const uint8_t *end = cursor->end;
    size_t length = (size_t)(end - cursor->at);
    if (length == 0)
        return true;
    const uint8_t *question = memchr(cursor->at, '?', length);
    const uint8_t *parameters_end = question != NULL ? question : end;
    if (*cursor->at == ';')
        uri->parameters = span_between(cursor->base, cursor->at + 1, parameters_end);
    else if (cursor->at != question)
        return false;
    if (question != NULL)
        uri->headers = span_between(cursor->base, question + 1, end);
    return memchr(cursor->at, '@', length) == NULL;
}

int uri_read(const uint8_t *octets, struct span text, struct uri *uri)
{
    struct cursor cursor = cursor_of(octets, text);
    memset(uri, 0, sizeof(*uri));
    if (!read_scheme(&cursor, uri) || cursor.at == cursor.end ||
        scan_while(cursor.at, cursor.end, SCAN_URI) != cursor.end)
        return -1;
    if (uri->scheme != URI_SIP && uri->scheme != URI_SIPS)
        return 0;
    if (!read_userinfo(&cursor, uri) || !read_hostport(&cursor, uri) || !read_rest(&cursor, uri))
        return -1;
    return 0;
}

// A name that is looked for.
struct wanted {
    const char *name;
    size_t length;
};

#if defined(__SSE2__)
#define VECTOR     16u
#define MARKED_MAX 63u // octets of a text whose end is marked, too

static inline __m128i is_octet(__m128i piece, char octet)
{
    return _mm_cmpeq_epi8(piece, _mm_set1_epi8(octet));
}

static inline uint64_t bits_of(__m128i found)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(found);
}

// A text is marked by vectors of 16 octets, a bit an octet. The last vector ends with the text, and covers
// some octets twice, or, of a shorter text, others before it: there are 16 before that end.
static inline bool is_markable(struct span text)
{
    return text.length != 0 && text.length <= MARKED_MAX && (unsigned)text.offset + text.length >= VECTOR;
}

// Not SCAN_URI, or a question mark.
static inline __m128i is_no_uri(__m128i piece)
{
    // '>' and '?' differ in one bit; octets from 0x80 on are less than a space here.
    __m128i greater = is_octet(_mm_or_si128(piece, _mm_set1_epi8(1)), '?');
    __m128i other = _mm_or_si128(_mm_or_si128(is_octet(piece, '<'), greater),
                                 _mm_or_si128(is_octet(piece, '"'), is_octet(piece, 0x7f)));
    return _mm_or_si128(other, _mm_cmplt_epi8(piece, _mm_set1_epi8(' ' + 1)));
}

// Where a URI has what its parts end with.
struct uri_marks {
    uint64_t no_host; // not SCAN_HOST
    uint64_t at;
};

// Returns false when there is what no URI holds, or a question mark.
static inline bool mark_uri(const uint8_t *from, unsigned length, struct uri_marks *marks)
{
    __m128i odd = _mm_setzero_si128();
    unsigned place = 0;
    *marks = (struct uri_marks){0, 0};
    for (; place + VECTOR <= length; place += VECTOR) {
        __m128i piece = _mm_loadu_si128((const __m128i *)(from + place));
        odd = _mm_or_si128(odd, is_no_uri(piece));
        marks->no_host |= bits_of(scan_no_host(piece)) << place;
        marks->at |= bits_of(is_octet(piece, '@')) << place;
    }
    if (place == length)
        return bits_of(odd) == 0;
    unsigned skipped = VECTOR - (length - place);
    __m128i piece = _mm_loadu_si128((const __m128i *)(from + length - VECTOR));
    marks->no_host |= bits_of(scan_no_host(piece)) >> skipped << place;
    marks->at |= bits_of(is_octet(piece, '@')) >> skipped << place;
    return (bits_of(odd) | bits_of(is_no_uri(piece)) >> skipped) == 0;
}

// The first mark from a place on, or the end.
static inline unsigned next_of(uint64_t marks, unsigned place, unsigned end)
{
    return (unsigned)__builtin_ctzll((marks | (uint64_t)1 << end) & ~(uint64_t)0 << place);
}

// A sip URI without headers and with one "@" at most, at a name or an address of IPv4, right or wrong; false:
// of another form. What is read here uri_read() reads the same (tests/fuzz proves it).
static bool read_marked(const uint8_t *octets, struct span text, struct uri *uri, int *result)
{
    const uint8_t *from = octets + text.offset;
    const unsigned end = text.length;
    struct uri_marks marks;
    if (end <= 4 || !is_markable(text) || memcmp(from, "sip:", 4) != 0 || !mark_uri(from, end, &marks) ||
        (marks.at & (marks.at - 1)) != 0)
        return false;
    *uri = (struct uri){.scheme = URI_SIP,
                        .scheme_name = span_between(octets, from, from + 3),
                        .rest = span_between(octets, from + 4, from + end)};
    *result = -1;
    unsigned host = 4;
    if (marks.at != 0) {
        unsigned behind = (unsigned)__builtin_ctzll(marks.at), user_end = next_of(marks.no_host, host, end);
        while (user_end < behind && from[user_end] != ':')
            user_end = next_of(marks.no_host, user_end + 1, end);
        if (user_end < behind)
            uri->password = span_between(octets, from + user_end + 1, from + behind);
        uri->user = span_between(octets, from + 4, from + user_end);
        if (user_end == host)
            return true;
        host = behind + 1;
    }
    unsigned place = next_of(marks.no_host, host, end);
    if (place == host)
        return false; // perhaps IPv6
    uri->host = span_between(octets, from + host, from + place);
    if (place < end && from[place] == ':') {
        uint32_t port;
        const uint8_t *behind = scan_number(from + place + 1, from + end, UINT16_MAX, &port);
        if (behind == NULL || port == 0)
            return true;
        uri->has_port = true;
        uri->port = (uint16_t)port;
        place = (unsigned)(behind - from);
    }
    if (place < end && from[place] == ';')
        uri->parameters = span_between(octets, from + place + 1, from + end);
    else if (place != end)
        return true;
    *result = 0;
    return true;
}

// Where parameters have what their names and values end with.
struct parameter_marks {
    uint64_t semicolon;
    uint64_t equals;
};

// Returns false when there is white space or a quote, or what is no ASCII.
static inline bool mark_parameters(const uint8_t *from, unsigned length, struct parameter_marks *marks)
{
    unsigned place = 0;
    uint64_t odd = 0;
    *marks = (struct parameter_marks){0, 0};
    for (; place < length; place += VECTOR) {
        bool whole = place + VECTOR <= length;
        unsigned skipped = whole ? 0 : VECTOR - (length - place);
        __m128i piece = _mm_loadu_si128((const __m128i *)(from + place - skipped));
        marks->semicolon |= bits_of(is_octet(piece, ';')) >> skipped << place;
        marks->equals |= bits_of(is_octet(piece, '=')) >> skipped << place;
        odd |= bits_of(_mm_or_si128(_mm_cmplt_epi8(piece, _mm_set1_epi8(' ' + 1)), is_octet(piece, '"'))) >>
               skipped;
    }
    return odd == 0;
}

// What uri_parameter_next() makes of the parameters, when they are marked; false: they are not.
static bool find_marked(const uint8_t *octets, struct span parameters, const struct wanted *wanted,
                        struct span *value, bool *found)
{
    const uint8_t *from = octets + parameters.offset;
    const unsigned end = parameters.length;
    struct parameter_marks marks;
    if (!is_markable(parameters) || !mark_parameters(from, end, &marks))
        return false;
    *found = false;
    for (unsigned begin = 0; begin < end;) {
        unsigned behind = next_of(marks.semicolon, begin, end);
        unsigned name_end = next_of(marks.equals, begin, behind);
        if (name_end - begin == wanted->length && scan_same(from + begin, wanted->name, wanted->length)) {
            unsigned text = name_end < behind ? name_end + 1 : behind;
            *value = span_between(octets, from + text, from + behind);
            *found = true;
            return true;
        }
        begin = behind + 1;
    }
    return true;
}
#else
static bool read_marked(const uint8_t *octets, struct span text, struct uri *uri, int *result)
{
    return false;
}

static bool find_marked(const uint8_t *octets, struct span parameters, const struct wanted *wanted,
                        struct span *value, bool *found)
{
    return false;
}
#endif

int uri_parse(const uint8_t *octets, struct span text, struct uri *uri)
{
    int result;
    return read_marked(octets, text, uri, &result) ? result : uri_read(octets, text, uri);
}

// Names and values of URI parameters may hold octets that those of header parameters may not: only what ends
// them counts.
static const uint8_t *word_end(const uint8_t *at, const uint8_t *end, bool equals_ends)
{
    while (at < end && *at != ';' && !scan_is(*at, SCAN_LWS) && !(equals_ends && *at == '='))
        at++;
    return at;
}

bool uri_parameter_next(const uint8_t *octets, struct span parameters, uint32_t *at, struct span *name,
                        struct span *value)
{
    struct cursor cursor = cursor_of(octets, parameters);
    const uint8_t *end = cursor.end;
    if (*at >= parameters.length)
        return false;
    const uint8_t *word = scan_while(cursor.at + *at, end, SCAN_LWS);
    const uint8_t *behind = word_end(word, end, true);
    *name = span_between(octets, word, behind);
    *value = span_between(octets, behind, behind);
    cursor.at = behind;
    cursor_skip_lws(&cursor);
    if (cursor_has(&cursor, '=')) {
        const uint8_t *start = scan_while(cursor.at + 1, end, SCAN_LWS);
        const uint8_t *text_end = NULL;
        if (start < end && *start == '"')
            text_end = scan_quoted(start, end);
        if (text_end == NULL)
            text_end = word_end(start, end, false);
        *value = span_between(octets, start, text_end);
        cursor.at = text_end;
    }
    while (cursor.at < end && *cursor.at != ';')
        cursor.at++;
    if (cursor.at < end)
        cursor.at++;
    *at = (uint32_t)(cursor.at - (octets + parameters.offset));
    return true;
}

bool uri_parameter_find(const uint8_t *octets, struct span parameters, const char *name, size_t length,
                        struct span *value)
{
    const struct wanted wanted = {name, length};
    struct span each, text;
    bool found;
    if (find_marked(octets, parameters, &wanted, value, &found))
        return found;
    for (uint32_t at = 0; uri_parameter_next(octets, parameters, &at, &each, &text);)
        if (each.length == length && scan_same(octets + each.offset, name, length)) {
            *value = text;
            return true;
        }
    return false;
}

int uri_header_next(const uint8_t *octets, struct span headers, uint32_t *at, struct span *name,
                    struct span *value)
{
    struct cursor cursor = cursor_of(octets, headers);
    if (*at > headers.length || headers.length == 0 || (*at == headers.length && cursor.end[-1] != '&'))
        return 0;
    const uint8_t *start = cursor.at + *at;
    size_t length = (size_t)(cursor.end - start);
    const uint8_t *end = length == 0 ? NULL : memchr(start, '&', length);
    if (end == NULL)
        end = cursor.end;
    *at = (uint32_t)(end - cursor.at) + 1;
    const uint8_t *equals = end == start ? NULL : memchr(start, '=', (size_t)(end - start));
    if (equals == NULL || equals == start)
        return -1;
    *name = span_between(octets, start, equals);
    *value = span_between(octets, equals + 1, end);
    return 1;
}
