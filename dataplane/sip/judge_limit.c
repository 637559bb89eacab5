// SPDX-License-Identifier: BSD-3-Clause
// A table of checks: each has a limit, which may be off, a measure of the message, and what is said when the
// measure is larger. Measures stop as soon as they are over the limit.
#include "judge_limit.h"
#include "scan.h"
#include "uri.h"

const struct judge_limits judge_limits_ua = {
    .message = MESSAGE_SIZE_MAX,
    .header_line = 8192,
    .body = 65536,
    .uri = 2048,
    .call_id = 256,
    .tag = 128,
    .replaces = 512,
    .vias = 10,
    .routes = 10,
    .refer_to_parameters = 20,
    .media_lines = 10,
};

static bool is_over_message(const struct message *message, uint32_t limit)
{
    return message->length > limit;
}

static bool is_over_header_line(const struct message *message, uint32_t limit)
{
    for (unsigned i = 0; i < message->header_count; i++)
        if (message->headers[i].line.length > limit)
            return true;
    return false;
}

static bool is_over_body(const struct message *message, uint32_t limit)
{
    return message->body.length > limit;
}

static bool is_over_uri(const struct message *message, uint32_t limit)
{
    static const uint8_t kinds[] = {HEADER_FROM, HEADER_TO, HEADER_CONTACT, HEADER_REFER_TO};
    for (unsigned i = 0; i < sizeof(kinds); i++)
        for (uint8_t field = message_first_header(message, kinds[i]); field != MESSAGE_NO_HEADER;
             field = message_next_header(message, field)) {
            uint32_t at = 0;
            struct address address;
            while (address_next(message->octets, message->headers[field].value, &at, &address) == 1)
                if (address.uri.length > limit)
                    return true;
        }
    return false;
}

static bool is_over_call_id(const struct message *message, uint32_t limit)
{
    return message->call_id.length > limit;
}

static bool is_over_tag(const struct message *message, uint32_t limit)
{
    return message->from_tag.length > limit || message->to_tag.length > limit;
}

static bool is_over_vias(const struct message *message, uint32_t limit)
{
    uint32_t count = 0;
    for (uint8_t field = message->first[HEADER_VIA]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        uint32_t at = 0;
        struct via via;
        while (via_next(message->octets, message->headers[field].value, &at, &via) == 1)
            if (++count > limit)
                return true;
    }
    return false;
}

static bool is_over_routes(const struct message *message, uint32_t limit)
{
    uint32_t count = 0;
    for (uint8_t field = message->first[HEADER_ROUTE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        uint32_t at = 0;
        struct address address;
        while (address_next(message->octets, message->headers[field].value, &at, &address) == 1)
            if (++count > limit)
                return true;
    }
    return false;
}

// Reads the URI of the first Refer-To. Returns false when there is none.
static bool read_refer_to(const struct message *message, struct address *address, struct uri *uri)
{
    uint8_t field = message_first_header(message, HEADER_REFER_TO);
    uint32_t at = 0;
    return field != MESSAGE_NO_HEADER &&
           address_next(message->octets, message->headers[field].value, &at, address) == 1 &&
           uri_parse(message->octets, address->uri, uri) == 0;
}

static bool is_over_replaces(const struct message *message, uint32_t limit)
{
    uint8_t field = message_first_header(message, HEADER_REPLACES);
    struct address address;
    struct uri uri;
    struct span name, value;
    uint32_t at = 0;
    if (field != MESSAGE_NO_HEADER && message->headers[field].value.length > limit)
        return true;
    if (!read_refer_to(message, &address, &uri))
        return false;
    while (uri_header_next(message->octets, uri.headers, &at, &name, &value) == 1)
        if (span_is(message->octets, name, "Replaces") && value.length > limit)
            return true;
    return false;
}

static bool is_over_refer_to_parameters(const struct message *message, uint32_t limit)
{
    struct address address;
    struct uri uri;
    struct span name, value;
    uint32_t count = 0;
    if (!read_refer_to(message, &address, &uri))
        return false;
    for (uint32_t at = 0; uri_parameter_next(message->octets, uri.parameters, &at, &name, &value);)
        if (++count > limit)
            return true;
    for (uint32_t at = 0; uri_parameter_next(message->octets, address.parameters, &at, &name, &value);)
        if (++count > limit)
            return true;
    for (uint32_t at = 0; uri_header_next(message->octets, uri.headers, &at, &name, &value) == 1;)
        if (++count > limit)
            return true;
    return false;
}

static bool has_sdp(const struct message *message)
{
    uint8_t field = message->first[HEADER_CONTENT_TYPE];
    static const char type[] = "application/sdp";
    if (field == MESSAGE_NO_HEADER || message->body.length == 0)
        return false;
    struct span value = message->headers[field].value;
    if (value.length < sizeof(type) - 1)
        return false;
    value.length = sizeof(type) - 1;
    return span_is(message->octets, value, type);
}

// RFC 4566 5: the body starts with v=0; each medium is a line that starts with m=.
static bool is_over_media_lines(const struct message *message, uint32_t limit)
{
    if (!has_sdp(message))
        return false;
    const uint8_t *at = message_at(message, message->body);
    const uint8_t *end = at + message->body.length;
    uint32_t count = 0;
    if (end - at < 3 || memcmp(at, "v=0", 3) != 0)
        return true;
    for (;;) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL || end - ++at < 2)
            return false;
        if (memcmp(at, "m=", 2) == 0 && ++count > limit)
            return true;
    }
}

static const struct {
    size_t limit; // offset in struct judge_limits
    bool (*is_over)(const struct message *message, uint32_t limit);
    uint16_t status;
    const char *reason;
} checks[] = {
    {offsetof(struct judge_limits, message), is_over_message, 513, "Message Too Large"},
    {offsetof(struct judge_limits, body), is_over_body, 413, "Request Entity Too Large"},
    {offsetof(struct judge_limits, header_line), is_over_header_line, 400, "Header Line Too Long"},
    {offsetof(struct judge_limits, call_id), is_over_call_id, 400, "Call-ID Too Long"},
    {offsetof(struct judge_limits, tag), is_over_tag, 400, "Tag Too Long"},
    {offsetof(struct judge_limits, uri), is_over_uri, 400, "URI Too Long"},
    {offsetof(struct judge_limits, vias), is_over_vias, 400, "Too Many Vias"},
    {offsetof(struct judge_limits, routes), is_over_routes, 400, "Too Many Routes"},
    {offsetof(struct judge_limits, replaces), is_over_replaces, 400, "Replaces Too Long"},
    {offsetof(struct judge_limits, refer_to_parameters), is_over_refer_to_parameters, 400,
     "Too Many Refer-To Parameters"},
    {offsetof(struct judge_limits, media_lines), is_over_media_lines, 400, "Bad SDP"},
};

struct judge_excess judge_limit(const struct message *message, const struct judge_limits *limits)
{
    for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        uint32_t limit;
        memcpy(&limit, (const uint8_t *)limits + checks[i].limit, sizeof(limit));
        if (limit != 0 && checks[i].is_over(message, limit))
            return (struct judge_excess){checks[i].status, checks[i].reason};
    }
    return (struct judge_excess){0, NULL};
}
