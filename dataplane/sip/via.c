// SPDX-License-Identifier: BSD-3-Clause
// Via (RFC 3261 20.42). White space may stand around the slashes, the colon and the parameters; a comment
// behind a value, which RFC 2543 knew, is skipped.
#include "via.h"
#include "param.h"

#define PROTOCOL_UDP        "SIP/2.0/UDP "
#define PROTOCOL_UDP_LENGTH 12

static struct span read_token(struct cursor *cursor)
{
    const uint8_t *start = cursor->at;
    cursor->at = scan_while(start, cursor->end, SCAN_TOKEN);
    return span_between(cursor->base, start, cursor->at);
}

static bool read_slash(struct cursor *cursor)
{
    cursor_skip_lws(cursor);
    if (!cursor_has(cursor, '/'))
        return false;
    cursor->at++;
    cursor_skip_lws(cursor);
    return true;
}

// Protocol name and version other than SIP/2.0 are a fault, but what follows is still read, so that it can be
// answered. Returns -1 when there is nothing to go on with.
static int read_protocol(struct cursor *cursor, struct via *via, bool *bad)
{
    const uint8_t *at = cursor->at;
    if (cursor->end - at > PROTOCOL_UDP_LENGTH && memcmp(at, PROTOCOL_UDP, PROTOCOL_UDP_LENGTH) == 0) {
        via->transport = span_between(cursor->base, at + 8, at + 11);
        cursor->at = at + PROTOCOL_UDP_LENGTH;
        cursor_skip_lws(cursor);
        return 0;
    }
    struct span name = read_token(cursor);
    if (!read_slash(cursor))
        return -1;
    struct span version = read_token(cursor);
    if (!read_slash(cursor))
        return -1;
    via->transport = read_token(cursor);
    const uint8_t *blank = cursor->at;
    cursor_skip_lws(cursor);
    if (via->transport.length == 0 || cursor->at == blank)
        return -1;
    *bad = !span_is(cursor->base, name, "sip") || !span_is(cursor->base, version, "2.0");
    return 0;
}

// host [ ":" port ]. Returns the octet behind it, or NULL.
static const uint8_t *read_sent_by(struct cursor *cursor, struct via *via)
{
    const uint8_t *end = scan_host(cursor->at, cursor->end);
    if (end == NULL)
        return NULL;
    via->host = span_between(cursor->base, cursor->at, end);
    cursor->at = end;
    cursor_skip_lws(cursor);
    if (!cursor_has(cursor, ':'))
        return end;
    cursor->at = scan_while(cursor->at + 1, cursor->end, SCAN_LWS);
    uint32_t port;
    end = scan_number(cursor->at, cursor->end, UINT16_MAX, &port);
    if (end == NULL || port == 0) {
        via->host = (struct span){0, 0};
        return NULL;
    }
    via->port = (uint16_t)port;
    cursor->at = end;
    cursor_skip_lws(cursor);
    return end;
}

// RFC 3581 3: rport in a request has no value; in a response it has.
static int take_rport(const struct cursor *cursor, const struct param *param, struct via *via)
{
    const uint8_t *value = cursor->base + param->value.offset;
    uint32_t port = 0;
    if (via->has_rport)
        return -1;
    if (param->value.length != 0 &&
        scan_number(value, value + param->value.length, UINT16_MAX, &port) != value + param->value.length)
        return -1;
    via->has_rport = true;
    via->rport = param->whole;
    via->rport_port = (uint16_t)port;
    return 0;
}

// A second branch, received or rport is a fault: each reader would choose its own.
static int take_param(const struct cursor *cursor, const struct param *param, struct via *via)
{
    const uint8_t *name = cursor->base + param->name.offset;
    if (param->name.length == 6 && scan_same(name, "branch", 6))
        return param_take(param, &via->branch);
    if (param->name.length == 5 && scan_same(name, "rport", 5))
        return take_rport(cursor, param, via);
    if (param->name.length == 8 && scan_same(name, "received", 8))
        return param_take(param, &via->received);
    return 0;
}

int via_read(struct cursor *cursor, struct via *via)
{
    memset(via, 0, sizeof(*via));
    int more = param_list_open(cursor);
    if (more <= 0)
        return more;
    const uint8_t *start = cursor->at;
    bool bad = false;
    if (read_protocol(cursor, via, &bad) != 0)
        return -1;
    const uint8_t *whole_end = read_sent_by(cursor, via);
    if (whole_end == NULL)
        return -1;
    via->whole = span_between(cursor->base, start, whole_end);
    const uint8_t *parameters = cursor->at + 1;
    while (cursor_has(cursor, ';')) {
        struct param param;
        if (param_read(cursor, &param) != 0 || take_param(cursor, &param, via) != 0)
            return -1;
        whole_end = cursor->base + param.whole.offset + param.whole.length;
        via->whole = span_between(cursor->base, start, whole_end);
        via->parameters = span_between(cursor->base, parameters, whole_end);
    }
    struct span comment;
    if (cursor_has(cursor, '(') && param_comment(cursor, &comment) != 0)
        return -1;
    more = param_list_close(cursor);
    return bad ? -1 : more;
}

int via_next(const uint8_t *octets, struct span value, uint32_t *at, struct via *via)
{
    struct cursor cursor = cursor_of(octets, value);
    if (*at > value.length)
        return 0;
    cursor.at += *at;
    int result = via_read(&cursor, via);
    *at = (uint32_t)(cursor.at - (octets + value.offset));
    return result;
}
