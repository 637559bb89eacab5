// SPDX-License-Identifier: BSD-3-Clause
// Two passes: over the lines, which finds the headers and their kinds; and over the values that a proxy needs
// for each message, in a fixed order, so that no jump depends on the order of the headers. A value is read
// where the marks show its shape (plain.h), else by the reader of the whole grammar. Only the part of struct
// message before `headers` is cleared: the array is 1.3 kB, more than the message.
//
// What bounds it is the number of instructions, some 4,000 for an INVITE of 890 octets with AVX2, at six a
// cycle: 770 for marks (AVX-512: 400), 1,600 for 17 header lines (found, bounded, split, stored, looked up
// among 96 names), 1,300 for the start line and the values, 210 for the topmost Route and Contact. What
// mattered beside vectors: places instead of pointers, so that a span is a shift and an or; a second copy for
// processors with BMI2 (6 %); the far ends of mark_next() and address_next() out of line; numbers read as one
// word; no word put together in memory from parts just before it is read; no `rep stos`.
//
// Rejected: line ends taken out of the marks into a list (the list costs what the search saves); one pass in
// which each value is read where its line was found (the jump by kind, and too little room in registers).
//
// Of 8,000 messages of perf/wire read in turn (715 octets, 11 header lines) one takes 184 ns, and 161 ns
// where the same 128 come again and again: branches that are not foreseen are an eighth of it. A twentieth
// fewer instructions for lines (two words looked at for a line's end, both spans by multiplication, first and
// last of a kind without a branch: 3,085 to 2,940, and 14.7 instead of 19.8 branches missed by callgrind's
// model) left the time as it was.
#include "cseq.h"
#include "header.h"
#include "line.h"
#include "param.h"
#include "via.h"

#include <assert.h>

static_assert(MESSAGE_HEADERS_MAX <= 0x80 && MESSAGE_NO_HEADER == 0xff, "the highest bit tells an index");
static_assert(offsetof(struct message, last) == offsetof(struct message, first) + HEADER_INDEXED_COUNT + 1 &&
                  HEADER_INDEXED_COUNT + 1 >= sizeof(uint64_t),
              "cleared as one, read as words");

struct reading {
    struct message *message;
    struct plain plain; // of the values, if all are marked
    bool is_marked;
    int fault;         // the first one in the order of the message
    unsigned fault_at; // its place in that order
    uint32_t content_length;
    bool has_content_length;
};

// Places in the order of faults: of the start line, of what the walk met before line `index`, of the line, of
// what the message lacks.
#define AT_START           0u
#define BEFORE_LINE(index) (2u * (index) + 1)
#define AT_LINE(index)     (2u * (index) + 2)
#define AT_END             BEFORE_LINE(MESSAGE_HEADERS_MAX + 1)

// Octets of the first word of an index.
#define OCTET(kind) ((uint64_t)0xff << 8 * (kind))
#define MANDATORY                                                                                            \
    (OCTET(HEADER_VIA) | OCTET(HEADER_FROM) | OCTET(HEADER_TO) | OCTET(HEADER_CALL_ID) | OCTET(HEADER_CSEQ))
// RFC 3261 7.3.1: only headers defined as lists may stand more than once. Content-Length, which may not
// either, is not in this word.
#define SINGLE                                                                                               \
    (OCTET(HEADER_FROM) | OCTET(HEADER_TO) | OCTET(HEADER_CALL_ID) | OCTET(HEADER_CSEQ) |                    \
     OCTET(HEADER_MAX_FORWARDS))
#define INDEX_ABSENT 0x8080808080808080u // where an octet of it is MESSAGE_NO_HEADER
static_assert(HEADER_MAX_FORWARDS < sizeof(uint64_t) && HEADER_CONTENT_LENGTH >= sizeof(uint64_t),
              "one word");

static void note_fault(struct reading *reading, int fault, unsigned at)
{
    if (fault == MESSAGE_FINE || (reading->fault != MESSAGE_FINE && reading->fault_at <= at))
        return;
    reading->fault = fault;
    reading->fault_at = at;
}

static void note_value(struct reading *reading, unsigned kind, int fault)
{
    note_fault(reading, fault, AT_LINE(reading->message->first[kind]));
}

static void read_request_uri(struct reading *reading)
{
    struct message *message = reading->message;
    struct uri uri;
    // RFC 3261 19.1.1, table 1: headers are not allowed in a Request-URI.
    if (uri_parse(message->octets, message->request_uri, &uri) != 0 || uri.headers.offset != 0)
        note_fault(reading, MESSAGE_BAD_REQUEST_URI, AT_START);
    message->uri_scheme = uri.scheme;
}

static void take_start(struct message *message, const struct start_line *start)
{
    message->is_request = start->is_request;
    message->status = start->status;
    message->method_name = start->method;
    message->request_uri = start->request_uri;
    message->reason = start->reason;
    if (start->is_request)
        message->method = (uint8_t)method_find(message_at(message, start->method), start->method.length);
}

// Returns MESSAGE_NOT_SIP when there is no start line, and then there is no message.
ALWAYS_INLINE int read_start(struct reading *reading, struct line_walk *walk)
{
    struct start_line start = {.is_request = false};
    size_t end = plain_start(&walk->plain, (size_t)(walk->at - walk->octets), &start);
    if (end != 0) {
        walk->at = walk->octets + end;
        take_start(reading->message, &start);
        size_t uri = start.request_uri.offset;
        if (start.is_request && !plain_sip_uri(&walk->plain, uri, uri + start.request_uri.length))
            read_request_uri(reading);
        return MESSAGE_FINE;
    }
    int fault = line_start(walk, &start);
    if (fault == MESSAGE_NOT_SIP)
        return fault;
    take_start(reading->message, &start);
    note_fault(reading, fault, AT_START);
    if (fault == MESSAGE_FINE && start.is_request)
        read_request_uri(reading);
    return MESSAGE_FINE;
}

// No branch depends on the order in which headers come.
ALWAYS_INLINE void note_header(struct message *message, unsigned kind, unsigned index)
{
    unsigned slot = kind < HEADER_INDEXED_COUNT ? kind : HEADER_INDEXED_COUNT;
    unsigned first = message->first[slot];
    message->first[slot] = (uint8_t)(first < index ? first : index);
    message->last[slot] = (uint8_t)index;
}

// The empty line, as nearly all write it.
ALWAYS_INLINE bool take_empty_line(struct line_walk *walk)
{
    if (walk->end - walk->at < 2 || memcmp(walk->at, "\r\n", 2) != 0)
        return false;
    walk->at += 2;
    return walk->complete = true;
}

ALWAYS_INLINE void read_lines(struct reading *reading, struct line_walk *walk)
{
    struct message *message = reading->message;
    // Copies that stay in registers: what is stored in the message could be these, as far as compilers know.
    const struct plain plain = walk->plain;
    size_t place = (size_t)(walk->at - walk->octets);
    struct header_field *field = message->headers;
    // Up to here lines may be plain.
    const struct header_field *plain_end = place < plain.limit ? field + MESSAGE_HEADERS_MAX : field;
    for (unsigned count = 0;; count++, field++) {
        struct plain_line line;
        if (field < plain_end && plain_line(&plain, place, &line)) {
            place = line.end + 2;
            note_header(message, plain_field(&plain, &line, field), count);
            continue;
        }
        walk->at = plain.octets + place;
        walk->count = (uint16_t)count;
        if (take_empty_line(walk))
            break;
        bool more = line_header(walk, field);
        note_fault(reading, walk->fault, BEFORE_LINE(count));
        if (!more)
            break;
        note_header(message, field->kind, count);
        place = (size_t)(walk->at - plain.octets);
        if (place >= walk->plain.limit)
            plain_end = message->headers;
    }
    message->header_count = walk->count;
    reading->is_marked = walk->plain.limit != 0 && (size_t)(walk->at - walk->octets) <= walk->marks.length;
}

// A value that is to be read.
struct value {
    struct span span;
    size_t begin; // its places, when it is marked
    size_t end;
};

ALWAYS_INLINE bool find_value(const struct reading *reading, unsigned kind, struct value *value)
{
    const struct message *message = reading->message;
    uint8_t index = message->first[kind];
    if (index == MESSAGE_NO_HEADER)
        return false;
    const struct span *span = &message->headers[index].value;
    // As one word, as it was stored.
    uint64_t both = scan_load(span, sizeof(*span));
    value->begin = both & UINT16_MAX;
    value->end = value->begin + (both >> 16);
    value->span = *span;
    return true;
}

static void read_via(struct reading *reading, struct span value)
{
    struct cursor cursor = cursor_of(reading->message->octets, value);
    if (via_read(&cursor, &reading->message->via) != 1)
        note_value(reading, HEADER_VIA, MESSAGE_BAD_VIA);
}

// From and To hold one address. Returns false when this is something else.
static bool read_party(const struct message *message, struct span value, struct span *tag)
{
    struct cursor cursor = cursor_of(message->octets, value);
    struct address address;
    if (address_read(&cursor, &address, tag) == 1 && cursor.at == cursor.end && cursor.at[-1] != ',')
        return true;
    *tag = (struct span){0, 0};
    return false;
}

static bool read_call_id(const struct message *message, struct span value)
{
    struct cursor cursor = cursor_of(message->octets, value);
    return value.length != 0 && scan_while(cursor.at, cursor.end, SCAN_VISIBLE) == cursor.end;
}

static bool read_number(const struct message *message, struct span value, uint32_t limit, uint32_t *number)
{
    struct cursor cursor = cursor_of(message->octets, value);
    return scan_number(cursor.at, cursor.end, limit, number) == cursor.end;
}

// RFC 3261 8.1.1.5: it is the request's method.
ALWAYS_INLINE void take_cseq_method(struct reading *reading, struct span name)
{
    struct message *message = reading->message;
    const uint8_t *method = message_at(message, name);
    if (message->is_request && name.length == message->method_name.length &&
        scan_equal(method, message_at(message, message->method_name), name.length)) {
        message->cseq_method = message->method;
        return;
    }
    message->cseq_method = (uint8_t)method_find(method, name.length);
    if (message->is_request)
        note_value(reading, HEADER_CSEQ, MESSAGE_BAD_CSEQ);
    else
        message->method = message->cseq_method;
}

ALWAYS_INLINE void read_names(struct reading *reading)
{
    struct message *message = reading->message;
    const struct plain *plain = &reading->plain;
    struct value value;
    if (find_value(reading, HEADER_FROM, &value)) {
        message->from = value.span;
        if (!(reading->is_marked && plain_party(plain, value.begin, value.end, &message->from_tag)) &&
            !read_party(message, value.span, &message->from_tag))
            note_value(reading, HEADER_FROM, MESSAGE_BAD_FROM);
    }
    if (find_value(reading, HEADER_TO, &value)) {
        message->to = value.span;
        if (!(reading->is_marked && plain_party(plain, value.begin, value.end, &message->to_tag)) &&
            !read_party(message, value.span, &message->to_tag))
            note_value(reading, HEADER_TO, MESSAGE_BAD_TO);
    }
    if (find_value(reading, HEADER_CALL_ID, &value)) {
        message->call_id = value.span;
        if (!(reading->is_marked && plain_visible(plain, value.begin, value.end)) &&
            !read_call_id(message, value.span))
            note_value(reading, HEADER_CALL_ID, MESSAGE_BAD_CALL_ID);
    }
}

ALWAYS_INLINE void read_numbers(struct reading *reading)
{
    struct message *message = reading->message;
    const struct plain *plain = &reading->plain;
    struct value value;
    uint32_t number;
    if (find_value(reading, HEADER_CSEQ, &value)) {
        struct span name;
        message->cseq = value.span;
        if ((reading->is_marked && plain_cseq(plain, value.begin, value.end, &message->cseq_number, &name)) ||
            cseq_split(message->octets, value.span, &message->cseq_number, &name) == 0)
            take_cseq_method(reading, name);
        else
            note_value(reading, HEADER_CSEQ, MESSAGE_BAD_CSEQ);
    }
    // RFC 3261 20.22: 0 .. 255.
    if (find_value(reading, HEADER_MAX_FORWARDS, &value)) {
        if ((reading->is_marked && plain_digits(plain, value.begin, value.end, UINT8_MAX, &number)) ||
            read_number(message, value.span, UINT8_MAX, &number))
            message->max_forwards = (int16_t)number;
        else
            note_value(reading, HEADER_MAX_FORWARDS, MESSAGE_BAD_MAX_FORWARDS);
    }
    if (find_value(reading, HEADER_CONTENT_LENGTH, &value)) {
        if ((reading->is_marked &&
             plain_digits(plain, value.begin, value.end, MESSAGE_SIZE_MAX, &reading->content_length)) ||
            read_number(message, value.span, MESSAGE_SIZE_MAX, &reading->content_length))
            reading->has_content_length = true;
        else
            note_value(reading, HEADER_CONTENT_LENGTH, MESSAGE_BAD_CONTENT_LENGTH);
    }
}

static bool is_single(unsigned kind)
{
    return kind == HEADER_CONTENT_LENGTH || (kind < sizeof(uint64_t) && (SINGLE & OCTET(kind)) != 0);
}

static void note_repeated(struct reading *reading)
{
    const struct message *message = reading->message;
    for (unsigned i = 0; i < message->header_count; i++) {
        const struct header_field *field = &message->headers[i];
        if (!is_single(field->kind) || message->first[field->kind] == i)
            continue;
        bool same = field->kind != HEADER_CALL_ID ||
                    (field->value.length == message->call_id.length &&
                     memcmp(message_at(message, field->value), message_at(message, message->call_id),
                            field->value.length) == 0);
        note_fault(reading, same ? MESSAGE_REPEATED_HEADER : MESSAGE_BAD_CALL_ID, AT_LINE(i));
    }
}

static void note_missing(struct reading *reading)
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
            note_fault(reading, mandatory[i].fault, AT_END);
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
        note_fault(reading, MESSAGE_BAD_CONTENT_LENGTH, AT_END);
    else
        message->body.length = (uint16_t)reading->content_length;
}

#define CLEARED_FIRST 64

static void clear(struct message *message, const uint8_t *octets, uint32_t length)
{
    // In two parts: compilers clear more at once by an instruction that takes long to begin.
    memset(message, 0, CLEARED_FIRST);
    memset((uint8_t *)message + CLEARED_FIRST, 0, offsetof(struct message, first) - CLEARED_FIRST);
    memset(message->first, MESSAGE_NO_HEADER, sizeof(message->first) + sizeof(message->last));
    message->octets = octets;
    message->length = length;
    message->max_forwards = -1;
    message->method = METHOD_OTHER;
    message->cseq_method = METHOD_OTHER;
}

ALWAYS_INLINE int parse(const uint8_t *octets, uint32_t length, struct message *message)
{
    struct line_walk walk;
    struct value value;
    clear(message, octets, length);
    int fault = line_open(&walk, octets, length);
    if (fault != MESSAGE_FINE)
        return fault;
    line_mark(&walk);
    struct reading reading = {.message = message, .plain = walk.plain};
    uint16_t start = (uint16_t)(walk.at - octets);
    fault = read_start(&reading, &walk);
    if (fault != MESSAGE_FINE)
        return fault;
    message->start = start;
    read_lines(&reading, &walk);
    if (find_value(&reading, HEADER_VIA, &value) &&
        !(reading.is_marked && plain_via(&walk.plain, value.begin, value.end, &message->via)))
        read_via(&reading, value.span);
    read_names(&reading);
    read_numbers(&reading);
    uint64_t first = scan_load(message->first, 8);
    if (((first ^ scan_load(message->last, 8)) & SINGLE) != 0 ||
        message->first[HEADER_CONTENT_LENGTH] != message->last[HEADER_CONTENT_LENGTH])
        note_repeated(&reading);
    if ((first & MANDATORY & INDEX_ABSENT) != 0)
        note_missing(&reading);
    read_body(&reading, &walk);
    return reading.fault;
}

// The same twice: marks are read by shifts, and those of BMI2 take one instruction instead of three.
#if defined(__x86_64__)
__attribute__((target("bmi,bmi2"))) static int parse_bmi2(const uint8_t *octets, uint32_t length,
                                                          struct message *message)
{
    return parse(octets, length, message);
}
#endif

static int parse_base(const uint8_t *octets, uint32_t length, struct message *message)
{
    return parse(octets, length, message);
}

int message_parse(const uint8_t *octets, uint32_t length, struct message *message)
{
#if defined(__x86_64__)
    if (__atomic_load_n(&mark_has_bmi2, __ATOMIC_RELAXED))
        return parse_bmi2(octets, length, message);
#endif
    return parse_base(octets, length, message);
}

uint8_t message_first_header(const struct message *message, unsigned kind)
{
    if (kind < HEADER_INDEXED_COUNT)
        return message->first[kind];
    for (unsigned i = message->first[HEADER_INDEXED_COUNT]; i < message->header_count; i++)
        if (message->headers[i].kind == kind)
            return (uint8_t)i;
    return MESSAGE_NO_HEADER;
}

uint8_t message_next_header(const struct message *message, uint8_t after)
{
    if (after >= message->header_count)
        return MESSAGE_NO_HEADER;
    uint16_t kind = message->headers[after].kind;
    // Most come once, or one behind the other.
    if (kind < HEADER_INDEXED_COUNT && after >= message->last[kind])
        return MESSAGE_NO_HEADER;
    for (unsigned i = after + 1u; i < message->header_count; i++)
        if (message->headers[i].kind == kind)
            return (uint8_t)i;
    return MESSAGE_NO_HEADER;
}
