// SPDX-License-Identifier: BSD-3-Clause
// A value ends before white space or a line end, which are marked as ends of words and of URIs alike: a walk
// from a place in a marked value never passes its end, and the octet there may be looked at.
#include "plain.h"

#define DIGITS_MAX 9 // what fits 32 bits whatever the digits are

struct piece {
    const uint8_t *name;
    const uint8_t *name_end;
    const uint8_t *value; // name_end when there is none
    const uint8_t *value_end;
};

static inline bool is_marked(const struct marks *marks, const uint8_t *from, const uint8_t *to)
{
    return from >= marks->from && to < marks->from + marks->length;
}

static inline const uint8_t *word_end(const struct marks *marks, const uint8_t *at)
{
    return mark_next(marks, marks->word, at);
}

static inline bool read_digits(const uint8_t *at, const uint8_t *end, uint32_t limit, uint32_t *number)
{
    uint32_t value = 0;
    if (at == end || end - at > DIGITS_MAX)
        return false;
    for (; at < end; at++) {
        uint32_t digit = (uint32_t)*at - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return value <= limit;
}

// ";" name [ "=" value ] at `at`. Returns the octet behind it, which is end or a semicolon, or NULL.
static inline const uint8_t *read_param(const struct marks *marks, const uint8_t *at, const uint8_t *end,
                                        struct piece *piece)
{
    piece->name = at + 1;
    piece->name_end = piece->value = piece->value_end = word_end(marks, at + 1);
    if (piece->name_end == piece->name)
        return NULL;
    if (*piece->name_end == '=') {
        const uint8_t *behind = word_end(marks, piece->name_end + 1);
        // What is more than a word in most values is a mark or two.
        while (scan_is(*behind, SCAN_VALUE))
            behind = word_end(marks, behind + 1);
        piece->value = piece->name_end + 1;
        piece->value_end = behind;
        if (behind == piece->value)
            return NULL;
    }
    return piece->value_end == end || *piece->value_end == ';' ? piece->value_end : NULL;
}

static inline bool is_name(const struct piece *piece, const char *name, size_t length)
{
    return (size_t)(piece->name_end - piece->name) == length && scan_same(piece->name, name, length);
}

static inline bool take(const uint8_t *octets, const struct piece *piece, struct span *value)
{
    if (value->length != 0 || piece->value == piece->value_end)
        return false;
    *value = span_between(octets, piece->value, piece->value_end);
    return true;
}

static bool take_rport(const uint8_t *octets, const struct piece *piece, struct via *via)
{
    uint32_t port = 0;
    if (via->has_rport)
        return false;
    if (piece->value != piece->value_end && !read_digits(piece->value, piece->value_end, UINT16_MAX, &port))
        return false;
    via->has_rport = true;
    via->rport_port = (uint16_t)port;
    via->rport = span_between(octets, piece->name, piece->value_end);
    return true;
}

static inline bool take_via_param(const uint8_t *octets, const struct piece *piece, struct via *via)
{
    if (is_name(piece, "branch", 6))
        return take(octets, piece, &via->branch);
    if (is_name(piece, "rport", 5))
        return take_rport(octets, piece, via);
    if (is_name(piece, "received", 8))
        return take(octets, piece, &via->received);
    return true;
}

#define PROTOCOL        "SIP/2.0/UDP "
#define PROTOCOL_LENGTH 12

bool plain_via(const struct marks *marks, const uint8_t *octets, struct span value, struct via *via)
{
    const uint8_t *start = octets + value.offset;
    const uint8_t *end = start + value.length;
    memset(via, 0, sizeof(*via));
    if (!is_marked(marks, start, end) || value.length <= PROTOCOL_LENGTH ||
        memcmp(start, PROTOCOL, PROTOCOL_LENGTH) != 0)
        return false;
    const uint8_t *host = start + PROTOCOL_LENGTH;
    const uint8_t *at = word_end(marks, host);
    if (at == host)
        return false;
    via->transport = span_between(octets, start + 8, start + 11);
    via->host = span_between(octets, host, at);
    if (*at == ':') {
        const uint8_t *digits = at + 1;
        uint32_t port;
        at = word_end(marks, digits);
        if (!read_digits(digits, at, UINT16_MAX, &port) || port == 0)
            return false;
        via->port = (uint16_t)port;
    }
    if (at != end && *at != ';')
        return false;
    if (at != end)
        via->parameters = span_between(octets, at + 1, end);
    while (at != end) {
        struct piece piece;
        at = read_param(marks, at, end, &piece);
        if (at == NULL || !take_via_param(octets, &piece, via))
            return false;
    }
    via->whole = span_between(octets, start, end);
    return true;
}

// A quoted string without escapes, or words with single spaces between and behind them. Returns the octet
// behind it, which is "<", or NULL.
static inline const uint8_t *skip_display(const struct marks *marks, const uint8_t *at, const uint8_t *end)
{
    if (*at == '"') {
        // Only the quote, the backslash and a control octet tell more than that the string goes on.
        for (at++;; at++) {
            at = mark_next(marks, marks->uri, at);
            if (at >= end || *at == '\\')
                return NULL;
            if (*at == '"')
                break;
        }
        at += 1 + (at[1] == ' ');
    } else {
        for (at = word_end(marks, at); at < end && *at == ' '; at = word_end(marks, at + 1))
            ;
    }
    return at < end && *at == '<' ? at : NULL;
}

bool plain_party(const struct marks *marks, const uint8_t *octets, struct span value, struct span *tag)
{
    const uint8_t *at = octets + value.offset;
    const uint8_t *end = at + value.length;
    *tag = (struct span){0, 0};
    if (!is_marked(marks, at, end) || value.length == 0)
        return false;
    if (*at != '<')
        at = skip_display(marks, at, end);
    if (at == NULL)
        return false;
    const uint8_t *uri = at + 1;
    const uint8_t *uri_end = mark_next(marks, marks->uri, uri);
    const uint8_t *colon = word_end(marks, uri);
    if (*uri_end != '>' || *colon != ':' || uri_end - colon < 2 || (*uri | 0x20) < 'a' || (*uri | 0x20) > 'z')
        return false;
    at = uri_end + 1;
    if (at != end && *at != ';')
        return false;
    while (at != end) {
        struct piece piece;
        at = read_param(marks, at, end, &piece);
        if (at == NULL || (is_name(&piece, "tag", 3) && !take(octets, &piece, tag)))
            return false;
    }
    return true;
}

// The first "@" between words and plus signs, or NULL.
static inline const uint8_t *find_at_sign(const struct marks *marks, const uint8_t *at)
{
    do
        at = word_end(marks, at);
    while (*at++ == '+');
    return at[-1] == '@' ? at - 1 : NULL;
}

bool plain_sip_uri(const struct marks *marks, const uint8_t *octets, struct span text)
{
    const uint8_t *at = octets + text.offset;
    const uint8_t *end = at + text.length;
    if (text.length < 5 || !is_marked(marks, at, end) || memcmp(at, "sip:", 4) != 0)
        return false;
    at += 4;
    const uint8_t *sign = find_at_sign(marks, at);
    if (sign == at)
        return false;
    const uint8_t *host = sign == NULL ? at : sign + 1;
    at = word_end(marks, host);
    if (at == host)
        return false;
    if (*at == ':') {
        const uint8_t *digits = at + 1;
        uint32_t port;
        at = word_end(marks, digits);
        if (!read_digits(digits, at, UINT16_MAX, &port) || port == 0)
            return false;
    }
    while (at != end && *at == ';') {
        struct piece piece;
        at = read_param(marks, at, end, &piece);
        if (at == NULL || memchr(piece.value, '@', (size_t)(piece.value_end - piece.value)) != NULL ||
            memchr(piece.value, '?', (size_t)(piece.value_end - piece.value)) != NULL)
            return false;
    }
    return at == end;
}

bool plain_visible(const struct marks *marks, const uint8_t *octets, struct span value)
{
    const uint8_t *at = octets + value.offset;
    return value.length != 0 && is_marked(marks, at, at + value.length) &&
           mark_next(marks, marks->uri, at) == at + value.length;
}

bool plain_cseq(const struct marks *marks, const uint8_t *octets, struct span value, uint32_t *number,
                struct span *method_name)
{
    const uint8_t *at = octets + value.offset;
    const uint8_t *end = at + value.length;
    if (!is_marked(marks, at, end))
        return false;
    const uint8_t *blank = word_end(marks, at);
    if (*blank != ' ' || word_end(marks, blank + 1) != end || blank + 1 == end)
        return false;
    if (!read_digits(at, blank, INT32_MAX, number))
        return false;
    *method_name = span_between(octets, blank + 1, end);
    return true;
}

bool plain_number(const uint8_t *octets, struct span value, uint32_t limit, uint32_t *number)
{
    return read_digits(octets + value.offset, octets + value.offset + value.length, limit, number);
}
