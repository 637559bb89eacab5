// SPDX-License-Identifier: BSD-3-Clause
// The lines are walked as in message.c, by plain.h, and the first that has another shape ends the walk. What
// makes it quicker is what it leaves out: of most lines nothing is kept, and there is one answer to all that
// is odd. The name of each line is looked up all the same, and numbers are read, since a message with a fault
// gets an answer that names it (judge.h), from message_parse().
#include "glance.h"
#include "line.h"
#include "uri.h"

#define BIT(kind) (1u << (kind))
#define MANDATORY                                                                                            \
    (BIT(HEADER_VIA) | BIT(HEADER_FROM) | BIT(HEADER_TO) | BIT(HEADER_CALL_ID) | BIT(HEADER_CSEQ))
// As in message.c: who stands twice is a fault.
#define SINGLE                                                                                               \
    (BIT(HEADER_FROM) | BIT(HEADER_TO) | BIT(HEADER_CALL_ID) | BIT(HEADER_CSEQ) | BIT(HEADER_MAX_FORWARDS) | \
     BIT(HEADER_CONTENT_LENGTH))
#define KINDS         (HEADER_CONTENT_LENGTH + 1) // those that are read are below
#define CLEARED_FIRST 64

struct places {
    size_t begin;
    size_t end;
};

struct glance {
    struct places values[KINDS]; // the last of each kind; of Via the first
    uint32_t seen;
    uint32_t repeated;
};

// Lengths of the names that are read, compact forms too, by the low bits of the first letter: most of the
// others need not be looked up.
static const uint32_t lengths[32] = {['c' & 31] = BIT(4) | BIT(7) | BIT(14), // CSeq, Call-ID, Content-Length
                                     ['f' & 31] = BIT(4) | BIT(1),
                                     ['i' & 31] = BIT(1),
                                     ['l' & 31] = BIT(1),
                                     ['m' & 31] = BIT(12), // Max-Forwards
                                     ['t' & 31] = BIT(2) | BIT(1),
                                     ['v' & 31] = BIT(3) | BIT(1)};
static_assert(HEADER_NAME_MAX <= 32, "of the longest the bit is that of none");

ALWAYS_INLINE bool may_be_read(const uint8_t *name, size_t length)
{
    return (lengths[*name & 31] >> (length & 31) & 1) != 0;
}

// Returns the place of the empty line, or 0.
ALWAYS_INLINE size_t read_lines(const struct plain *plain, size_t place, struct glance *glance,
                                struct message *message)
{
    const uint8_t *octets = plain->octets;
    struct plain_line line;
    uint32_t seen = 0, repeated = 0;
    unsigned vias = 0, count = 0;
    for (; plain_line(plain, place, &line); place = line.end + 2) {
        if (++count == MESSAGE_HEADERS_MAX)
            return 0;
        if (!may_be_read(octets + line.begin, line.colon - line.begin))
            continue;
        enum sip_header kind = header_find_word(octets + line.begin, line.colon - line.begin);
        if (kind == HEADER_OTHER || kind >= KINDS)
            continue;
        repeated |= seen & BIT(kind);
        seen |= BIT(kind);
        if (kind == HEADER_VIA) {
            if (vias == GLANCE_VIAS_MAX)
                return 0;
            plain_spans(&line, &message->headers[vias]);
            message->headers[vias].kind = HEADER_VIA;
            if (vias++ != 0)
                continue;
        }
        glance->values[kind] = (struct places){line.value, line.end};
    }
    message->header_count = (uint16_t)vias;
    glance->seen = seen;
    glance->repeated = repeated;
    return place;
}

ALWAYS_INLINE bool read_number(const struct plain *plain, const struct glance *glance, enum sip_header kind,
                               uint32_t limit, uint32_t *number)
{
    return (glance->seen & BIT(kind)) == 0 ||
           plain_digits(plain, glance->values[kind].begin, glance->values[kind].end, limit, number);
}

ALWAYS_INLINE struct span span_of(struct places places)
{
    return plain_span(places.begin, places.end);
}

ALWAYS_INLINE bool read_values(const struct plain *plain, const struct glance *glance,
                               struct message *message)
{
    const struct places *values = glance->values;
    struct span method = message->method_name, name;
    message->from = span_of(values[HEADER_FROM]);
    message->to = span_of(values[HEADER_TO]);
    message->call_id = span_of(values[HEADER_CALL_ID]);
    message->cseq = span_of(values[HEADER_CSEQ]);
    return plain_via(plain, values[HEADER_VIA].begin, values[HEADER_VIA].end, &message->via) &&
           plain_party(plain, values[HEADER_FROM].begin, values[HEADER_FROM].end, &message->from_tag) &&
           plain_party(plain, values[HEADER_TO].begin, values[HEADER_TO].end, &message->to_tag) &&
           plain_visible(plain, values[HEADER_CALL_ID].begin, values[HEADER_CALL_ID].end) &&
           plain_cseq(plain, values[HEADER_CSEQ].begin, values[HEADER_CSEQ].end, &message->cseq_number,
                      &name) &&
           name.length == method.length &&
           scan_equal(plain->octets + name.offset, plain->octets + method.offset, name.length);
}

ALWAYS_INLINE bool read_numbers(const struct plain *plain, const struct glance *glance,
                                struct message *message)
{
    uint32_t forwards = UINT32_MAX, body = message->body.length;
    if (!read_number(plain, glance, HEADER_MAX_FORWARDS, UINT8_MAX, &forwards) ||
        !read_number(plain, glance, HEADER_CONTENT_LENGTH, MESSAGE_SIZE_MAX, &body) ||
        body > message->body.length)
        return false;
    message->max_forwards = (int16_t)forwards;
    message->body.length = (uint16_t)body;
    return true;
}

ALWAYS_INLINE bool glance_at(const uint8_t *octets, uint32_t length, struct message *message)
{
    struct line_walk walk;
    struct glance glance;
    struct start_line start = {.is_request = false};
    if (line_open(&walk, octets, length) != MESSAGE_FINE || walk.at != octets)
        return false;
    line_mark(&walk);
    const struct plain plain = walk.plain;
    size_t place = plain_start(&plain, 0, &start);
    if (place == 0 || !start.is_request || start.method.length != 6 || memcmp(octets, "INVITE", 6) != 0 ||
        !plain_sip_uri(&plain, start.request_uri.offset,
                       (size_t)start.request_uri.offset + start.request_uri.length))
        return false;
    // In parts: see message.c.
    memset(message, 0, CLEARED_FIRST);
    memset((uint8_t *)message + CLEARED_FIRST, 0, offsetof(struct message, first) - CLEARED_FIRST);
    memset(message->first, MESSAGE_NO_HEADER, sizeof(message->first));
    message->octets = octets;
    message->length = length;
    message->is_request = true;
    message->is_unfolded = true;
    message->method = message->cseq_method = METHOD_INVITE;
    message->uri_scheme = URI_SIP;
    message->method_name = start.method;
    message->request_uri = start.request_uri;
    place = place < plain.limit ? read_lines(&plain, place, &glance, message) : 0;
    // The end of the last line is followed by an octet, if not by two.
    if (place == 0 || place + 2 > length || memcmp(octets + place, "\r\n", 2) != 0 ||
        place + 2 > walk.marks.length || (glance.seen & MANDATORY) != MANDATORY ||
        (glance.repeated & SINGLE) != 0)
        return false;
    message->first[HEADER_VIA] = 0;
    message->header_end = (uint16_t)(place + 2);
    message->body = plain_span(place + 2, length);
    return read_values(&plain, &glance, message) && read_numbers(&plain, &glance, message);
}

// Twice, as message_parse().
#if defined(__x86_64__)
__attribute__((target("bmi,bmi2"))) static bool glance_bmi2(const uint8_t *octets, uint32_t length,
                                                            struct message *message)
{
    return glance_at(octets, length, message);
}
#endif

static bool glance_base(const uint8_t *octets, uint32_t length, struct message *message)
{
    return glance_at(octets, length, message);
}

bool message_glance(const uint8_t *octets, uint32_t length, struct message *message)
{
#if defined(__x86_64__)
    if (__atomic_load_n(&mark_has_bmi2, __ATOMIC_RELAXED))
        return glance_bmi2(octets, length, message);
#endif
    return glance_base(octets, length, message);
}
