// SPDX-License-Identifier: BSD-3-Clause
// One walk over the lines; each header that a proxy needs is read where it stands. Nothing is looked at twice
// but the few values that have a syntax of their own. Only the part of struct message before `headers` is
// cleared: the array is 1.3 kB, more than the message.
#include "cseq.h"
#include "header.h"
#include "line.h"
#include "param.h"
#include "plain.h"
#include "via.h"

#include <assert.h>

static_assert(HEADER_INDEXED_COUNT < 32, "kinds that are read fit a 32-bit set");
static_assert(MESSAGE_HEADERS_MAX < MESSAGE_NO_HEADER, "indexes fit an octet");

struct reading {
    struct message *message;
    const struct marks *marks;
    int fault;
    bool has_content_length;
    uint32_t content_length;
};

static void note_fault(struct reading *reading, int fault)
{
    if (reading->fault == MESSAGE_FINE)
        reading->fault = fault;
}

static void read_start(struct reading *reading, const struct start_line *start, int fault)
{
    struct message *message = reading->message;
    message->start = start->offset;
    message->is_request = start->is_request;
    message->status = start->status;
    message->method_name = start->method;
    message->request_uri = start->request_uri;
    message->reason = start->reason;
    if (start->is_request)
        message->method = (uint8_t)method_find(message_at(message, start->method), start->method.length);
    note_fault(reading, fault);
    if (fault != MESSAGE_FINE || !start->is_request)
        return;
    message->uri_scheme = URI_SIP;
    if (plain_sip_uri(reading->marks, message->octets, start->request_uri))
        return;
    struct uri uri;
    // RFC 3261 19.1.1, table 1: headers are not allowed in a Request-URI.
    if (uri_parse(message->octets, start->request_uri, &uri) != 0 || uri.headers.offset != 0)
        note_fault(reading, MESSAGE_BAD_REQUEST_URI);
    message->uri_scheme = uri.scheme;
}

static void read_call_id(struct reading *reading, struct span value)
{
    reading->message->call_id = value;
    if (plain_visible(reading->marks, reading->message->octets, value))
        return;
    struct cursor cursor = cursor_of(reading->message->octets, value);
    if (value.length == 0 || scan_while(cursor.at, cursor.end, SCAN_VISIBLE) != cursor.end)
        note_fault(reading, MESSAGE_BAD_CALL_ID);
}

// From and To hold one address.
static void read_party(struct reading *reading, struct span value, struct span *tag, int fault)
{
    if (plain_party(reading->marks, reading->message->octets, value, tag))
        return;
    struct cursor cursor = cursor_of(reading->message->octets, value);
    struct address address;
    if (address_read(&cursor, &address, tag) != 1 || cursor.at != cursor.end || cursor.at[-1] == ',') {
        *tag = (struct span){0, 0};
        note_fault(reading, fault);
    }
}

static void read_cseq(struct reading *reading, struct span value)
{
    struct message *message = reading->message;
    struct span name;
    message->cseq = value;
    if (!plain_cseq(reading->marks, message->octets, value, &message->cseq_number, &name) &&
        cseq_split(message->octets, value, &message->cseq_number, &name) != 0) {
        note_fault(reading, MESSAGE_BAD_CSEQ);
        return;
    }
    const uint8_t *method = message_at(message, name);
    // RFC 3261 8.1.1.5: it is the request's method.
    if (message->is_request && name.length == message->method_name.length &&
        memcmp(method, message_at(message, message->method_name), name.length) == 0) {
        message->cseq_method = message->method;
        return;
    }
    message->cseq_method = (uint8_t)method_find(method, name.length);
    if (message->is_request)
        note_fault(reading, MESSAGE_BAD_CSEQ);
    else
        message->method = message->cseq_method;
}

static bool read_whole_number(const struct reading *reading, struct span value, uint32_t limit,
                              uint32_t *number)
{
    if (plain_number(reading->message->octets, value, limit, number))
        return true;
    struct cursor cursor = cursor_of(reading->message->octets, value);
    return scan_number(cursor.at, cursor.end, limit, number) == cursor.end;
}

static void read_via(struct reading *reading, struct span value)
{
    if (plain_via(reading->marks, reading->message->octets, value, &reading->message->via))
        return;
    struct cursor cursor = cursor_of(reading->message->octets, value);
    if (via_read(&cursor, &reading->message->via) != 1)
        note_fault(reading, MESSAGE_BAD_VIA);
}

// The first header of its kind.
static void read_first(struct reading *reading, const struct header_field *field)
{
    struct message *message = reading->message;
    uint32_t number;
    switch (field->kind) {
    case HEADER_VIA:
        read_via(reading, field->value);
        break;
    case HEADER_FROM:
        message->from = field->value;
        read_party(reading, field->value, &message->from_tag, MESSAGE_BAD_FROM);
        break;
    case HEADER_TO:
        message->to = field->value;
        read_party(reading, field->value, &message->to_tag, MESSAGE_BAD_TO);
        break;
    case HEADER_CALL_ID:
        read_call_id(reading, field->value);
        break;
    case HEADER_CSEQ:
        read_cseq(reading, field->value);
        break;
    case HEADER_MAX_FORWARDS:
        // RFC 3261 20.22: 0 .. 255.
        if (read_whole_number(reading, field->value, UINT8_MAX, &number))
            message->max_forwards = (int16_t)number;
        else
            note_fault(reading, MESSAGE_BAD_MAX_FORWARDS);
        break;
    case HEADER_CONTENT_LENGTH:
        if (read_whole_number(reading, field->value, MESSAGE_SIZE_MAX, &reading->content_length))
            reading->has_content_length = true;
        else
            note_fault(reading, MESSAGE_BAD_CONTENT_LENGTH);
        break;
    default:
        break;
    }
}

// A further header of its kind. RFC 3261 7.3.1: only headers defined as lists may stand more than once.
static void read_repeated(struct reading *reading, const struct header_field *field)
{
    const struct message *message = reading->message;
    const uint32_t single = 1u << HEADER_FROM | 1u << HEADER_TO | 1u << HEADER_CALL_ID | 1u << HEADER_CSEQ |
                            1u << HEADER_MAX_FORWARDS | 1u << HEADER_CONTENT_LENGTH;
    if (field->kind == HEADER_CALL_ID &&
        (field->value.length != message->call_id.length ||
         memcmp(message_at(message, field->value), message_at(message, message->call_id),
                field->value.length) != 0))
        note_fault(reading, MESSAGE_BAD_CALL_ID);
    else if ((single >> field->kind & 1) != 0)
        note_fault(reading, MESSAGE_REPEATED_HEADER);
}

static void read_headers(struct reading *reading, struct line_walk *walk)
{
    struct message *message = reading->message;
    unsigned count = 0;
    for (; line_header(walk, &message->headers[count]); count++) {
        const struct header_field *field = &message->headers[count];
        unsigned kind = field->kind;
        // The walk may have met a fault in a line before this one.
        if (walk->fault != MESSAGE_FINE)
            note_fault(reading, walk->fault);
        if (kind >= HEADER_INDEXED_COUNT)
            continue;
        if (message->first[kind] != MESSAGE_NO_HEADER) {
            read_repeated(reading, field);
            continue;
        }
        message->first[kind] = (uint8_t)count;
        read_first(reading, field);
    }
    message->header_count = (uint16_t)count;
    note_fault(reading, walk->fault);
}

static void check_mandatory(struct reading *reading)
{
    static const struct {
        uint8_t kind;
        int8_t fault;
    } mandatory[] = {
        {HEADER_VIA, MESSAGE_NO_VIA},         {HEADER_FROM, MESSAGE_NO_FROM}, {HEADER_TO, MESSAGE_NO_TO},
        {HEADER_CALL_ID, MESSAGE_NO_CALL_ID}, {HEADER_CSEQ, MESSAGE_NO_CSEQ},
    };
    for (unsigned i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++)
        if (reading->message->first[mandatory[i].kind] == MESSAGE_NO_HEADER)
            note_fault(reading, mandatory[i].fault);
}

// RFC 3261 18.3: in a datagram Content-Length may say less than is there, the rest is discarded; more is a
// fault.
static void read_body(struct reading *reading, const struct line_walk *walk)
{
    struct message *message = reading->message;
    if (!walk->complete)
        return;
    message->header_end = (uint16_t)(walk->at - walk->octets);
    message->body = span_between(walk->octets, walk->at, walk->end);
    if (!reading->has_content_length)
        return;
    if (reading->content_length > message->body.length)
        note_fault(reading, MESSAGE_BAD_CONTENT_LENGTH);
    else
        message->body.length = (uint16_t)reading->content_length;
}

#define CLEARED_FIRST 64

int message_parse(const uint8_t *octets, uint32_t length, struct message *message)
{
    struct line_walk walk;
    struct reading reading = {.message = message, .marks = &walk.marks};
    struct start_line start;

    // In two parts: compilers clear more at once by an instruction that takes long to begin.
    memset(message, 0, CLEARED_FIRST);
    memset((uint8_t *)message + CLEARED_FIRST, 0, offsetof(struct message, first) - CLEARED_FIRST);
    memset(message->first, MESSAGE_NO_HEADER, sizeof(message->first));
    message->octets = octets;
    message->length = length;
    message->max_forwards = -1;
    message->method = METHOD_OTHER;
    message->cseq_method = METHOD_OTHER;
    int fault = line_open(&walk, octets, length);
    if (fault != MESSAGE_FINE)
        return fault;
    line_mark(&walk, MARK_WINDOW);
    fault = line_start(&walk, &start);
    if (fault == MESSAGE_NOT_SIP)
        return fault;
    read_start(&reading, &start, fault);
    read_headers(&reading, &walk);
    check_mandatory(&reading);
    read_body(&reading, &walk);
    return reading.fault;
}

uint8_t message_first_header(const struct message *message, unsigned kind)
{
    if (kind < HEADER_INDEXED_COUNT)
        return message->first[kind];
    for (unsigned i = 0; i < message->header_count; i++)
        if (message->headers[i].kind == kind)
            return (uint8_t)i;
    return MESSAGE_NO_HEADER;
}

uint8_t message_next_header(const struct message *message, uint8_t after)
{
    if (after >= message->header_count)
        return MESSAGE_NO_HEADER;
    uint16_t kind = message->headers[after].kind;
    for (unsigned i = after + 1u; i < message->header_count; i++)
        if (message->headers[i].kind == kind)
            return (uint8_t)i;
    return MESSAGE_NO_HEADER;
}
