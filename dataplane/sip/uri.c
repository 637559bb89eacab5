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

#if defined(__SSE2__)
#define VECTOR     16u
#define MARKED_MAX 63u // octets of a URI whose end is marked, too

// Where a URI has what its parts end with: a bit an octet.
struct uri_marks {
    uint64_t outside; // SCAN_URI
    uint64_t no_host; // SCAN_HOST
    uint64_t at, colon, semicolon, question;
};

static inline __m128i is_octet(__m128i piece, char octet)
{
    return _mm_cmpeq_epi8(piece, _mm_set1_epi8(octet));
}

static inline uint64_t bits_of(__m128i found, unsigned skipped, unsigned place)
{
    return (uint64_t)((unsigned)_mm_movemask_epi8(found) >> skipped) << place;
}

// Not SCAN_HOST; octets from 0x80 on are less than any letter here.
static inline __m128i is_no_host(__m128i piece)
{
    __m128i lower = _mm_or_si128(piece, _mm_set1_epi8(0x20));
    __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                   _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
    // '-', '.' and the digits lie side by side but for the slash.
    __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(piece, _mm_set1_epi8('-' - 1)),
                                  _mm_cmplt_epi8(piece, _mm_set1_epi8('9' + 1)));
    __m128i word = _mm_or_si128(letter, _mm_or_si128(digit, is_octet(piece, '_')));
    return _mm_or_si128(_mm_cmpeq_epi8(word, _mm_setzero_si128()), is_octet(piece, '/'));
}

// Of 16 octets the first ones are left out, and the others stand at `place`.
static inline void mark_piece(const uint8_t *from, unsigned skipped, unsigned place, struct uri_marks *marks)
{
    __m128i piece = _mm_loadu_si128((const __m128i *)from);
    marks->outside |= (uint64_t)(scan_outside_uri(from) >> skipped) << place;
    marks->no_host |= bits_of(is_no_host(piece), skipped, place);
    marks->at |= bits_of(is_octet(piece, '@'), skipped, place);
    marks->colon |= bits_of(is_octet(piece, ':'), skipped, place);
    marks->semicolon |= bits_of(is_octet(piece, ';'), skipped, place);
    marks->question |= bits_of(is_octet(piece, '?'), skipped, place);
}

// The last vector ends with the text, and covers some twice: there are 16 octets before that end.
static inline void mark_uri(const uint8_t *from, unsigned length, struct uri_marks *marks)
{
    unsigned place = 0;
    *marks = (struct uri_marks){0};
    for (; place + VECTOR <= length; place += VECTOR)
        mark_piece(from + place, 0, place, marks);
    if (place < length)
        mark_piece(from + length - VECTOR, VECTOR - (length - place), place, marks);
}

// The first mark from a place on, or the end.
static inline unsigned next_of(uint64_t marks, unsigned place, unsigned end)
{
    return (unsigned)__builtin_ctzll((marks | (uint64_t)1 << end) & ~(uint64_t)0 << place);
}

// A sip URI with one "@" at most, at a name or an address of IPv4, right or wrong; false: of another form.
// What is read here uri_read() reads the same (tests/fuzz proves it).
static bool read_marked(const uint8_t *octets, struct span text, struct uri *uri, int *result)
{
    const uint8_t *from = octets + text.offset;
    const unsigned end = text.length;
    struct uri_marks marks;
    if (end <= 4 || end > MARKED_MAX || text.offset + end < VECTOR || memcmp(from, "sip:", 4) != 0)
        return false;
    mark_uri(from, end, &marks);
    if ((marks.at & (marks.at - 1)) != 0 || marks.outside != 0)
        return false;
    *uri = (struct uri){.scheme = URI_SIP,
                        .scheme_name = span_between(octets, from, from + 3),
                        .rest = span_between(octets, from + 4, from + end)};
    *result = -1;
    unsigned host = 4;
    if (marks.at != 0) {
        unsigned behind = next_of(marks.at, host, end), user_end = next_of(marks.colon, host, behind);
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
    unsigned question = next_of(marks.question, place, end);
    if (place < end && from[place] == ';')
        uri->parameters = span_between(octets, from + place + 1, from + question);
    else if (place != question)
        return true;
    if (question < end)
        uri->headers = span_between(octets, from + question + 1, from + end);
    *result = 0;
    return true;
}
#else
static bool read_marked(const uint8_t *octets, struct span text, struct uri *uri, int *result)
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

bool uri_parameter(const uint8_t *octets, struct span parameters, const char *name, struct span *value)
{
    struct span found, text;
    for (uint32_t at = 0; uri_parameter_next(octets, parameters, &at, &found, &text);)
        if (span_is(octets, found, name)) {
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
