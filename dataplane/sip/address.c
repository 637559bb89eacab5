// SPDX-License-Identifier: BSD-3-Clause
// name-addr and addr-spec. Without angle brackets a semicolon begins header parameters and a comma ends the
// value, even where a URI could go on (RFC 3261 20.10).
#include "param.h"

// Whether [at, end) begins like a URI: scheme, colon, something.
static bool names_scheme(const uint8_t *at, const uint8_t *end)
{
    if (at == end || (*at | 0x20) < 'a' || (*at | 0x20) > 'z')
        return false;
    // The octets of a scheme are octets of a host but for "+" and "_"; whoever needs the scheme calls
    // uri_parse().
    while (at < end && (scan_is(*at, SCAN_HOST) || *at == '+'))
        at++;
    return end - at >= 2 && *at == ':';
}

// "<" URI ">" at the cursor.
static int read_bracketed(struct cursor *cursor, struct address *address)
{
    const uint8_t *uri = cursor->at + 1;
    const uint8_t *uri_end = scan_while(uri, cursor->end, SCAN_URI);
    if (uri_end == cursor->end || *uri_end != '>' || !names_scheme(uri, uri_end))
        return -1;
    address->uri = span_between(cursor->base, uri, uri_end);
    cursor->at = uri_end + 1;
    return 0;
}

static int read_bare(struct cursor *cursor, struct address *address)
{
    const uint8_t *uri = cursor->at;
    const uint8_t *at = uri;
    while (at < cursor->end && scan_is(*at, SCAN_URI) && *at != ',' && *at != ';' && *at != '?')
        at++;
    if (!names_scheme(uri, at))
        return -1;
    address->uri = span_between(cursor->base, uri, at);
    cursor->at = at;
    return 0;
}

static int read_uri(struct cursor *cursor, struct address *address)
{
    if (cursor_has(cursor, '<'))
        return read_bracketed(cursor, address);
    const uint8_t *display_end;
    if (cursor_has(cursor, '"')) {
        display_end = scan_quoted(cursor->at, cursor->end);
        if (display_end == NULL)
            return -1;
        address->display = span_between(cursor->base, cursor->at, display_end);
        display_end = scan_while(display_end, cursor->end, SCAN_LWS);
        if (display_end == cursor->end || *display_end != '<')
            return -1;
    } else {
        display_end = scan_while(cursor->at, cursor->end, SCAN_DISPLAY);
        if (display_end == cursor->end || *display_end != '<')
            return read_bare(cursor, address);
        const uint8_t *name_end = display_end;
        while (name_end > cursor->at && scan_is(name_end[-1], SCAN_LWS))
            name_end--;
        address->display = span_between(cursor->base, cursor->at, name_end);
    }
    cursor->at = display_end;
    return read_bracketed(cursor, address);
}

int address_read(struct cursor *cursor, struct address *address, struct span *tag)
{
    memset(address, 0, sizeof(*address));
    *tag = (struct span){0, 0};
    int more = param_list_open(cursor);
    if (more <= 0)
        return more;
    const uint8_t *start = cursor->at;
    if (read_uri(cursor, address) != 0)
        return -1;
    const uint8_t *whole_end = cursor->at;
    const uint8_t *parameters = NULL;
    cursor_skip_lws(cursor);
    while (cursor_has(cursor, ';')) {
        struct param param;
        if (parameters == NULL)
            parameters = cursor->at + 1;
        if (param_read(cursor, &param) != 0)
            return -1;
        whole_end = cursor->base + param.whole.offset + param.whole.length;
        if (param.name.length == 3 && scan_same(cursor->base + param.name.offset, "tag", 3)) {
            // RFC 3261 19.3: one tag, and never an empty one; with two, each reader would choose its own.
            if (tag->length != 0 || param.value.length == 0)
                return -1;
            *tag = param.value;
        }
    }
    if (parameters != NULL)
        address->parameters = span_between(cursor->base, parameters, whole_end);
    address->whole = span_between(cursor->base, start, whole_end);
    return param_list_close(cursor);
}

static bool names_sip(const uint8_t *at, const uint8_t *end)
{
    return end - at > 4 && memcmp(at, "sip:", 4) == 0;
}

// "<" URI ">" and nothing else, as most of Route, Record-Route and Contact are.
static inline bool read_lone(const uint8_t *octets, struct span value, struct address *address)
{
    const uint8_t *uri = octets + value.offset + 1;
    const uint8_t *uri_end = octets + value.offset + value.length - 1;
    if (value.length < 2 || uri[-1] != '<' || *uri_end != '>' ||
        scan_while(uri, uri_end, SCAN_URI) != uri_end ||
        !(names_sip(uri, uri_end) || names_scheme(uri, uri_end)))
        return false;
    *address = (struct address){.whole = value, .uri = span_between(octets, uri, uri_end)};
    return true;
}

// A value of any shape, or of a list. Apart, so that a lone one does not pay for what this needs.
__attribute__((noinline)) static int read_next(const uint8_t *octets, struct span value, uint32_t *at,
                                               struct address *address)
{
    struct cursor cursor = cursor_of(octets, value);
    struct span tag;
    if (*at > value.length)
        return 0;
    cursor.at += *at;
    int result = address_read(&cursor, address, &tag);
    *at = (uint32_t)(cursor.at - (octets + value.offset));
    return result;
}

int address_next(const uint8_t *octets, struct span value, uint32_t *at, struct address *address)
{
    if (*at != 0 || !read_lone(octets, value, address))
        return read_next(octets, value, at, address);
    *at = value.length;
    return 1;
}
