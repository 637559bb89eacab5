// SPDX-License-Identifier: BSD-3-Clause
// Lines and values in the shape that nearly all have, read from mark to mark: CRLF, no white space but where
// everybody writes one, no fold, comment, escape, IPv6 reference or list. Each function returns false where
// the shape is another, right or wrong: the readers of the whole grammar decide then, and where it returns
// true they would have read the same (tests/fuzz proves it).
//
// The functions are here and not in a file of their own because message.c compiles them into one, and that
// for more than one instruction set. A value ends before white space or a line end, which are marked as ends
// of words and of URIs alike: a walk from a place in a marked value never passes its end, and the octet there
// may be looked at. Private to dataplane/sip.
#ifndef DIALGATE_SIP_PLAIN_H
#define DIALGATE_SIP_PLAIN_H

#include "header.h"
#include "mark.h"

#include <assert.h>

// A message whose marks begin where it does, so that places and offsets are the same.
struct plain {
    const uint8_t *octets;
    const struct marks *marks;
    size_t limit; // a line that ends before it is marked, and so are 3 octets from its end on
};

struct start_line {
    struct span method;
    struct span request_uri; // not yet checked
    struct span reason;
    uint16_t status; // 0 of a request
    bool is_request;
};

// A header line that ends with CRLF. The name is not empty, and the value has no white space at its ends.
struct plain_line {
    size_t begin;
    size_t colon;
    size_t value;
    size_t end; // of the value
};

struct plain_param {
    size_t name;
    size_t name_end;
    size_t value; // name_end when there is none
    size_t value_end;
};

#define PLAIN_DIGITS_MAX 8 // what is read as one word

ALWAYS_INLINE size_t plain_word_end(const struct plain *plain, size_t place)
{
    return mark_next(plain->marks, MARK_WORD, place);
}

ALWAYS_INLINE struct span plain_span(size_t begin, size_t end)
{
    // As one word: who copies a span that was stored as two halves waits for both to reach the cache.
    uint32_t both = (uint32_t)begin | (uint32_t)(end - begin) << 16;
    struct span span;
    memcpy(&span, &both, sizeof(span));
    return span;
}

// Reads the line at `begin`.
ALWAYS_INLINE bool plain_line(const struct plain *plain, size_t begin, struct plain_line *line)
{
    const uint8_t *octets = plain->octets;
    size_t end = mark_next_line(plain->marks, MARK_CONTROL, begin);
    if (end >= plain->limit || memcmp(octets + end, "\r\n", 2) != 0)
        return false;
    // A fold, or nothing that begins a line; but the empty line follows the last one.
    if (__builtin_expect(octets[end + 2] <= ' ', 0) && octets[end + 2] != '\r')
        return false;
    // Control octets end words too: this is not behind the line's end.
    size_t colon = plain_word_end(plain, begin);
    if (colon - begin - 1 >= HEADER_NAME_MAX)
        return false;
    size_t value = colon + 2;
    if (memcmp(octets + colon, ": ", 2) != 0) {
        if (octets[colon] != ':')
            return false;
        value = colon + 1;
    }
    // An empty value, or white space that does not belong to one, at either end.
    if (octets[value] <= ' ' || octets[end - 1] <= ' ')
        return false;
    *line = (struct plain_line){begin, colon, value, end};
    return true;
}

ALWAYS_INLINE void plain_spans(const struct plain_line *line, struct header_field *field)
{
    // Both spans as one word: four numbers of 16 bits, two of them differences, so that what is borrowed from
    // one is given back by the next.
    const uint64_t line_length = 1ull << 16, value_offset = 1ull << 32, value_length = 1ull << 48;
    uint64_t both = line->begin * (1 - line_length) + (line->end + 2) * line_length +
                    line->value * (value_offset - value_length) + line->end * value_length;
    static_assert(offsetof(struct header_field, line) == 0 && offsetof(struct header_field, value) == 4, "");
    memcpy(field, &both, sizeof(both));
}

// Returns the kind.
ALWAYS_INLINE enum sip_header plain_field(const struct plain *plain, const struct plain_line *line,
                                          struct header_field *field)
{
    plain_spans(line, field);
    enum sip_header kind = header_find_word(plain->octets + line->begin, line->colon - line->begin);
    field->kind = (uint16_t)kind;
    return kind;
}

// All digits at once: a loop would be left after a number of them that nobody can foresee. Octets before the
// number are read too, and there are always some.
ALWAYS_INLINE bool plain_digits(const struct plain *plain, size_t begin, size_t end, uint32_t limit,
                                uint32_t *number)
{
    size_t length = end - begin;
    if (length - 1 >= PLAIN_DIGITS_MAX)
        return false;
    // The first digit is in the lowest octet that is not 0; those below are leading zeros.
    uint64_t digits = scan_load(plain->octets + end - 8, 8) ^ 0x3030303030303030u;
    digits &= ~(uint64_t)0 << (64 - 8 * length);
    if (((digits | (digits + 0x7676767676767676u)) & 0x8080808080808080u) != 0)
        return false;
    // Pairs, then fours, then all.
    digits = digits * 10 + (digits >> 8);
    digits = (digits & 0x00ff00ff00ff00ffu) * 100 + (digits >> 16 & 0x00ff00ff00ff00ffu);
    *number = (uint32_t)((digits & 0xffff) * 10000 + (digits >> 32 & 0xffff));
    return *number <= limit;
}

// [ ":" port ] at `place`. Returns the place behind it, or 0.
ALWAYS_INLINE size_t plain_port(const struct plain *plain, size_t place, uint16_t *port)
{
    uint32_t number;
    if (plain->octets[place] != ':')
        return place;
    size_t end = plain_word_end(plain, place + 1);
    if (!plain_digits(plain, place + 1, end, UINT16_MAX, &number) || number == 0)
        return 0;
    *port = (uint16_t)number;
    return end;
}

// ";" name [ "=" value ] at `place`. Returns the place behind it, which is `end` or a semicolon's, or 0.
ALWAYS_INLINE size_t plain_param(const struct plain *plain, size_t place, size_t end,
                                 struct plain_param *param)
{
    const uint8_t *octets = plain->octets;
    size_t name = place + 1;
    size_t behind = plain_word_end(plain, name);
    if (behind == name)
        return 0;
    *param = (struct plain_param){name, behind, behind, behind};
    if (octets[behind] == '=') {
        size_t value = behind + 1;
        behind = plain_word_end(plain, value);
        // What is more than a word in most values is a mark or two.
        while (scan_is(octets[behind], SCAN_VALUE))
            behind = plain_word_end(plain, behind + 1);
        if (behind == value)
            return 0;
        param->value = value;
        param->value_end = behind;
    }
    return behind == end || octets[behind] == ';' ? behind : 0;
}

ALWAYS_INLINE bool plain_take(const struct plain_param *param, struct span *value)
{
    if (value->length != 0 || param->value == param->value_end)
        return false;
    *value = plain_span(param->value, param->value_end);
    return true;
}

ALWAYS_INLINE bool plain_rport(const struct plain *plain, const struct plain_param *param, struct via *via)
{
    uint32_t port = 0;
    if (via->has_rport)
        return false;
    if (param->value != param->value_end &&
        !plain_digits(plain, param->value, param->value_end, UINT16_MAX, &port))
        return false;
    via->has_rport = true;
    via->rport_port = (uint16_t)port;
    via->rport = plain_span(param->name, param->value_end);
    return true;
}

ALWAYS_INLINE bool plain_via_param(const struct plain *plain, const struct plain_param *param,
                                   struct via *via)
{
    const uint8_t *name = plain->octets + param->name;
    switch (param->name_end - param->name) {
    case 6:
        return !scan_same(name, "branch", 6) || plain_take(param, &via->branch);
    case 5:
        return !scan_same(name, "rport", 5) || plain_rport(plain, param, via);
    case 8:
        return !scan_same(name, "received", 8) || plain_take(param, &via->received);
    default:
        return true;
    }
}

#define PLAIN_PROTOCOL        "SIP/2.0/UDP "
#define PLAIN_PROTOCOL_LENGTH 12

// One Via value, as via_read(). via has been cleared.
ALWAYS_INLINE bool plain_via(const struct plain *plain, size_t begin, size_t end, struct via *via)
{
    size_t host = begin + PLAIN_PROTOCOL_LENGTH;
    if (host >= end || memcmp(plain->octets + begin, PLAIN_PROTOCOL, PLAIN_PROTOCOL_LENGTH) != 0)
        return false;
    size_t place = plain_word_end(plain, host);
    if (place == host)
        return false;
    via->transport = plain_span(begin + 8, begin + 11);
    via->host = plain_span(host, place);
    place = plain_port(plain, place, &via->port);
    if (place != end) {
        if (place == 0 || plain->octets[place] != ';')
            return false;
        via->parameters = plain_span(place + 1, end);
    }
    while (place != end) {
        struct plain_param param;
        place = plain_param(plain, place, end, &param);
        if (place == 0 || !plain_via_param(plain, &param, via))
            return false;
    }
    via->whole = plain_span(begin, end);
    return true;
}

// A quoted string without escapes, or words with single spaces between and behind them. Returns the place
// behind it, which is that of "<", or 0.
ALWAYS_INLINE size_t plain_display(const struct plain *plain, size_t place, size_t end)
{
    const uint8_t *octets = plain->octets;
    if (octets[place] == '"') {
        // Only the quote, the backslash and a control octet tell more than that the string goes on.
        for (place++;; place++) {
            place = mark_next(plain->marks, MARK_URI, place);
            if (place >= end || octets[place] == '\\')
                return 0;
            if (octets[place] == '"')
                break;
        }
        place += 1 + (octets[place + 1] == ' ');
    } else {
        for (place = plain_word_end(plain, place); place < end && octets[place] == ' ';
             place = plain_word_end(plain, place + 1))
            ;
    }
    return place < end && octets[place] == '<' ? place : 0;
}

// Whether a URI of more than 4 octets begins with a scheme, a colon and something.
ALWAYS_INLINE bool plain_scheme(const struct plain *plain, size_t begin, size_t end)
{
    const uint8_t *octets = plain->octets;
    if (memcmp(octets + begin, "sip:", 4) == 0)
        return true;
    size_t colon = plain_word_end(plain, begin);
    uint8_t first = octets[begin] | 0x20;
    return first >= 'a' && first <= 'z' && octets[colon] == ':' && colon + 1 < end;
}

// One name-addr with its parameters, as address_read().
ALWAYS_INLINE bool plain_party(const struct plain *plain, size_t begin, size_t end, struct span *tag)
{
    const uint8_t *octets = plain->octets;
    size_t place = begin;
    if (octets[place] != '<')
        place = plain_display(plain, place, end);
    if (place == 0)
        return false;
    size_t uri = place + 1;
    size_t uri_end = mark_next(plain->marks, MARK_URI, uri);
    if (octets[uri_end] != '>' || uri_end - uri <= 4 || !plain_scheme(plain, uri, uri_end))
        return false;
    place = uri_end + 1;
    if (place != end && octets[place] != ';')
        return false;
    while (place != end) {
        struct plain_param param;
        place = plain_param(plain, place, end, &param);
        if (place == 0)
            return false;
        if (param.name_end - param.name == 3 && scan_same(octets + param.name, "tag", 3) &&
            !plain_take(&param, tag))
            return false;
    }
    return true;
}

// Octets that may stand in a URI, one at least, and no backslash.
ALWAYS_INLINE bool plain_visible(const struct plain *plain, size_t begin, size_t end)
{
    return begin != end && mark_next(plain->marks, MARK_URI, begin) == end;
}

// CSeq, as cseq_split().
ALWAYS_INLINE bool plain_cseq(const struct plain *plain, size_t begin, size_t end, uint32_t *number,
                              struct span *method_name)
{
    size_t blank = plain_word_end(plain, begin);
    if (plain->octets[blank] != ' ' || plain_word_end(plain, blank + 1) != end || blank + 1 >= end ||
        !plain_digits(plain, begin, blank, INT32_MAX, number))
        return false;
    *method_name = plain_span(blank + 1, end);
    return true;
}

// A sip URI without headers, as uri_parse().
ALWAYS_INLINE bool plain_sip_uri(const struct plain *plain, size_t begin, size_t end)
{
    const uint8_t *octets = plain->octets;
    uint16_t port;
    if (end - begin < 5 || memcmp(octets + begin, "sip:", 4) != 0)
        return false;
    // A user of words and plus signs.
    size_t host = begin + 4;
    size_t place = plain_word_end(plain, host);
    while (octets[place] == '+')
        place = plain_word_end(plain, place + 1);
    if (octets[place] == '@') {
        if (place == host)
            return false;
        host = place + 1;
    }
    place = plain_word_end(plain, host);
    if (place == host)
        return false;
    place = plain_port(plain, place, &port);
    while (place != 0 && place != end && octets[place] == ';') {
        struct plain_param param;
        place = plain_param(plain, place, end, &param);
        if (place == 0)
            return false;
        // Neither may stand here (RFC 3261 25.1), and a word holds neither.
        size_t length = param.value_end - param.value;
        if (plain_word_end(plain, param.value) < param.value_end &&
            (memchr(octets + param.value, '@', length) != NULL ||
             memchr(octets + param.value, '?', length) != NULL))
            return false;
    }
    return place == end;
}

// "200 " at `place`. Returns the number, or 0.
ALWAYS_INLINE unsigned plain_status(const struct plain *plain, size_t place)
{
    const uint8_t *digits = plain->octets + place;
    unsigned hundreds = digits[0] - (unsigned)'0';
    unsigned tens = digits[1] - (unsigned)'0';
    unsigned ones = digits[2] - (unsigned)'0';
    return hundreds - 1 < 6 && tens < 10 && ones < 10 && digits[3] == ' ' ? hundreds * 100 + tens * 10 + ones
                                                                          : 0;
}

#define PLAIN_VERSION        " SIP/2.0"
#define PLAIN_VERSION_LENGTH 8

// The line at `begin`, which starts with "SIP/".
ALWAYS_INLINE size_t plain_status_line(const struct plain *plain, size_t begin, struct start_line *start)
{
    const uint8_t *octets = plain->octets;
    size_t end = mark_next(plain->marks, MARK_CONTROL, begin);
    size_t reason = begin + 12; // the shortest line has none
    if (end >= plain->limit || end < reason || memcmp(octets + begin, "SIP/2.0 ", 8) != 0 ||
        memcmp(octets + end, "\r\n", 2) != 0)
        return 0;
    start->status = (uint16_t)plain_status(plain, begin + 8);
    start->reason = plain_span(reason, end);
    return start->status == 0 ? 0 : end + 2;
}

// The start line at `begin`. start has been cleared. Returns the place of the next line, or 0.
ALWAYS_INLINE size_t plain_start(const struct plain *plain, size_t begin, struct start_line *start)
{
    const uint8_t *octets = plain->octets;
    if (begin >= plain->limit)
        return 0;
    size_t word = plain_word_end(plain, begin);
    if (word >= plain->limit || word == begin)
        return 0;
    // "SIP" is followed by a slash.
    if (octets[word] == '/')
        return plain_status_line(plain, begin, start);
    size_t uri_end = mark_next(plain->marks, MARK_URI, word + 1);
    size_t end = uri_end + PLAIN_VERSION_LENGTH;
    if (end >= plain->limit || octets[word] != ' ' || uri_end == word + 1 ||
        memcmp(octets + uri_end, PLAIN_VERSION, PLAIN_VERSION_LENGTH) != 0 ||
        memcmp(octets + end, "\r\n", 2) != 0)
        return 0;
    start->is_request = true;
    start->method = plain_span(begin, word);
    start->request_uri = plain_span(word + 1, uri_end);
    return end + 2;
}

#endif
