// SPDX-License-Identifier: BSD-3-Clause
#include "uri.h"
#include "scan.h"

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

int uri_parse(const uint8_t *octets, struct span text, struct uri *uri)
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
