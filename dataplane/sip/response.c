// SPDX-License-Identifier: BSD-3-Clause
// Responses by RFC 3261 8.2.6, and what the topmost Via of a request gets on arrival: received (18.2.1) and
// rport (RFC 3581 4), and in a response what its sender is to hold back (RFC 7339 4). All uses share one list
// of at most four changes.
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "uri.h"
#include "write.h"

enum via_change_kind { CHANGE_RPORT, CHANGE_RECEIVED_VALUE, CHANGE_RECEIVED, CHANGE_TEXT };

struct via_change {
    enum via_change_kind kind;
    struct span where; // what it takes the place of
    const char *text;  // of CHANGE_TEXT
};

struct via_changes {
    unsigned count;
    struct via_change list[4]; // by offset
};

static void add_change(struct via_changes *changes, struct via_change change)
{
    unsigned at = changes->count++;
    for (; at > 0 && changes->list[at - 1].where.offset > change.where.offset; at--)
        changes->list[at] = changes->list[at - 1];
    changes->list[at] = change;
}

// RFC 7339 4.1, 4.2: oc gets its value, and what goes with it; of the algorithms one stays.
static void list_overload(const uint8_t *octets, const struct via *via, const char *overload,
                          struct via_changes *changes)
{
    struct via_parameters parameters;
    if (overload == NULL || !via_takes_overload(octets, via, &parameters))
        return;
    struct span value = parameters.oc;
    if (value.length > 0) { // with the equals sign before it
        value.offset--;
        value.length++;
    }
    add_change(changes, (struct via_change){CHANGE_TEXT, value, overload});
    add_change(changes, (struct via_change){CHANGE_TEXT, parameters.oc_algorithm, "loss"});
}

static bool names_source(const struct message *request, const struct ip_address *address, const char *text)
{
    struct span host = request->via.host;
    struct ip_address own;
    if (text != NULL && strlen(text) == host.length &&
        memcmp(message_at(request, host), text, host.length) == 0)
        return true;
    return uri_host_ip(request->octets, host, &own) == 0 && ip_equal(&own, address);
}

// text: the address as a host, or NULL.
static void list_changes(const struct message *request, const struct ip_address *address, const char *text,
                         struct via_changes *changes)
{
    const struct via *via = &request->via;
    struct via_change received = {CHANGE_RECEIVED, {via->whole.offset + via->whole.length, 0}, NULL};
    changes->count = 0;
    if (via->whole.length == 0)
        return;
    if (via->has_rport)
        add_change(changes, (struct via_change){CHANGE_RPORT, via->rport, NULL});
    // A value that the sender wrote itself would misdirect the response.
    if (via->received.length != 0)
        received = (struct via_change){CHANGE_RECEIVED_VALUE, via->received, NULL};
    else if (!via->has_rport && names_source(request, address, text))
        return;
    add_change(changes, received);
}

static void write_change(struct writer *writer, const struct via_change *change,
                         const struct ip_address *address, uint16_t port)
{
    if (change->kind == CHANGE_TEXT) {
        write_text(writer, change->text);
        return;
    }
    if (change->kind == CHANGE_RPORT) {
        write_text(writer, "rport=");
        write_number(writer, port);
        return;
    }
    if (change->kind == CHANGE_RECEIVED)
        write_text(writer, ";received=");
    write_ip(writer, address); // without brackets: RFC 5118 4.5
}

void edit_via_source(struct edits *edits, const struct message *request, const struct ip_address *address,
                     uint16_t port)
{
    struct via_changes changes;
    list_changes(request, address, NULL, &changes);
    for (unsigned i = 0; i < changes.count; i++) {
        const struct via_change *change = &changes.list[i];
        struct writer *writer = edit_open(edits, change->where.offset, change->where.length);
        write_change(writer, change, address, port);
        edit_close(edits);
    }
}

void edit_via_overload(struct edits *edits, const struct message *message, const struct via *via,
                       const char *overload)
{
    struct via_changes changes = {.count = 0};
    list_overload(message->octets, via, overload, &changes);
    for (unsigned i = 0; i < changes.count; i++)
        edit_replace(edits, changes.list[i].where, changes.list[i].text,
                     (uint32_t)strlen(changes.list[i].text));
}

#if defined(__SSE2__)
// Returns the line ends of 16 octets.
static inline __m128i copy_piece(uint8_t *to, const uint8_t *at)
{
    __m128i piece = _mm_loadu_si128((const __m128i *)at);
    _mm_storeu_si128((__m128i *)to, piece);
    return _mm_or_si128(_mm_cmpeq_epi8(piece, _mm_set1_epi8('\r')),
                        _mm_cmpeq_epi8(piece, _mm_set1_epi8('\n')));
}
#endif

// Returns whether there is a line end among what is copied.
static bool copy_value(uint8_t *to, const uint8_t *at, uint32_t length)
{
#if defined(__SSE2__)
    if (length >= 16) {
        __m128i found = copy_piece(to + length - 16, at + length - 16); // covers some twice
        for (uint32_t i = 0; i < length - 16; i += 16)
            found = _mm_or_si128(found, copy_piece(to + i, at + i));
        return _mm_movemask_epi8(found) != 0;
    }
#endif
    bool found = false;
    for (uint32_t i = 0; i < length; i++) {
        to[i] = at[i];
        found |= at[i] == '\r' || at[i] == '\n';
    }
    return found;
}

// A value with its folds as spaces (RFC 3261 7.3.1: the same value), whatever line ends the sender used.
static void write_value(struct writer *writer, const struct message *message, struct span value)
{
    if (writer->overflow || value.length > writer->size - writer->used) {
        writer->overflow = true;
        return;
    }
    uint8_t *to = writer->octets + writer->used;
    writer->used += value.length;
    if (!copy_value(to, message_at(message, value), value.length))
        return; // nearly always
    for (uint32_t i = 0; i < value.length; i++)
        if (to[i] == '\r' || to[i] == '\n')
            to[i] = ' ';
}

// Values go out as one run with the names between them, as long as they lie so in the request: what has to be
// copied value by value is the Via that changes, the To that gets a tag, and what is folded.
struct run {
    struct writer *writer;
    const struct message *request;
    uint32_t begin, end; // of what is not yet written
};

static void run_end(struct run *run)
{
    uint32_t length = run->end - run->begin;
    if (run->request->is_unfolded)
        write_octets(run->writer, run->request->octets + run->begin, length);
    else
        write_value(run->writer, run->request, (struct span){(uint16_t)run->begin, (uint16_t)length});
    run->begin = run->end = 0;
}

// `length` octets of name, which the value follows.
static inline void run_add(struct run *run, const char *name, uint32_t length, struct span value)
{
    if (run->request->is_unfolded && run->end != 0 && value.offset == run->end + length &&
        memcmp(run->request->octets + run->end, name, length) == 0) {
        run->end = (uint32_t)value.offset + value.length;
        return;
    }
    run_end(run);
    write_octets(run->writer, name, length);
    run->begin = value.offset;
    run->end = (uint32_t)value.offset + value.length;
}

#define RUN_ADD(run, name, value) run_add(run, name, sizeof(name) - 1, value)

static void add_top_via(struct run *run, struct span value, const struct response_parts *parts)
{
    struct via_changes changes;
    const struct message *request = run->request;
    list_changes(request, &parts->source_address, parts->source_text, &changes);
    list_overload(request->octets, &request->via, parts->overload, &changes);
    RUN_ADD(run, "\r\nVia: ", value);
    for (unsigned i = 0; i < changes.count; i++) {
        struct span where = changes.list[i].where;
        run->end = where.offset;
        run_end(run);
        write_change(run->writer, &changes.list[i], &parts->source_address, parts->source_port);
        run->begin = (uint32_t)where.offset + where.length;
        run->end = (uint32_t)value.offset + value.length;
    }
}

static void add_vias(struct run *run, const struct response_parts *parts)
{
    const struct message *request = run->request;
    uint8_t top = request->first[HEADER_VIA];
    for (uint8_t i = top; i != MESSAGE_NO_HEADER; i = message_next_header(request, i)) {
        if (i == top)
            add_top_via(run, request->headers[i].value, parts);
        else
            RUN_ADD(run, "\r\nVia: ", request->headers[i].value);
    }
}

static void add_to(struct run *run, const char *tag)
{
    const struct message *request = run->request;
    if (request->to.length == 0)
        return;
    RUN_ADD(run, "\r\nTo: ", request->to);
    if (request->to_tag.length != 0 || tag == NULL || tag[0] == '\0')
        return;
    run_end(run);
    write_text(run->writer, ";tag=");
    write_text(run->writer, tag);
}

void write_response_head(struct writer *writer, const struct message *request,
                         const struct response_parts *parts)
{
    struct run run = {.writer = writer, .request = request};
    uint16_t status = parts->status; // three digits (RFC 3261 7.2)
    const char digits[] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
                           (char)('0' + status % 10), ' '};
    write_text(writer, "SIP/2.0 ");
    write_octets(writer, digits, sizeof(digits));
    write_text(writer, parts->reason);
    add_vias(&run, parts);
    if (request->from.length != 0)
        RUN_ADD(&run, "\r\nFrom: ", request->from);
    add_to(&run, parts->to_tag);
    if (request->call_id.length != 0)
        RUN_ADD(&run, "\r\nCall-ID: ", request->call_id);
    if (request->cseq.length != 0)
        RUN_ADD(&run, "\r\nCSeq: ", request->cseq);
    // RFC 3261 8.2.6.1: a 100 carries the request's Timestamp.
    uint8_t timestamp = request->first[HEADER_TIMESTAMP];
    if (parts->status == 100 && timestamp != MESSAGE_NO_HEADER &&
        request->headers[timestamp].value.length != 0)
        RUN_ADD(&run, "\r\nTimestamp: ", request->headers[timestamp].value);
    run_end(&run);
    write_text(writer, "\r\n");
    if (parts->extra != NULL)
        write_text(writer, parts->extra);
}

void write_response(struct writer *writer, const struct message *request, const struct response_parts *parts)
{
    write_response_head(writer, request, parts);
    write_text(writer, "Content-Length: 0\r\n\r\n");
}

// Of write_refusal(): what is written lies behind `at`, for which there is room.
struct refusing {
    uint8_t *at;
    const uint8_t *octets; // the request's
    uint32_t begin, end;   // of what is not yet written
};

static inline void refuse_put(struct refusing *out, const void *octets, uint32_t length)
{
    memcpy(out->at, octets, length);
    out->at += length;
}

static inline void refuse_end(struct refusing *out)
{
    refuse_put(out, out->octets + out->begin, out->end - out->begin);
    out->begin = out->end;
}

// As run_add().
static inline __attribute__((always_inline)) void refuse_add(struct refusing *out, const char *name,
                                                             uint32_t length, struct span value)
{
    if (value.offset != out->end + length || memcmp(out->octets + out->end, name, length) != 0) {
        refuse_end(out);
        refuse_put(out, name, length);
        out->begin = value.offset;
    }
    out->end = (uint32_t)value.offset + value.length;
}

#define REFUSE_ADD(out, name, value) refuse_add(out, name, sizeof(name) - 1, value)

static void refuse_change_via(struct refusing *out, const struct message *request,
                              const struct response_parts *parts)
{
    struct writer writer;
    struct via_changes changes;
    uint32_t end = out->end;
    list_changes(request, &parts->source_address, parts->source_text, &changes);
    list_overload(request->octets, &request->via, parts->overload, &changes);
    for (unsigned i = 0; i < changes.count; i++) {
        struct span where = changes.list[i].where;
        out->end = where.offset;
        refuse_end(out);
        writer_init(&writer, out->at, REFUSAL_ROOM);
        write_change(&writer, &changes.list[i], &parts->source_address, parts->source_port);
        out->at += writer.used;
        out->begin = (uint32_t)where.offset + where.length;
        out->end = end;
    }
}

void write_refusal(struct writer *writer, const struct message *request, const struct response_parts *parts,
                   const struct refusal_tail *tail)
{
    static const char status[] = "SIP/2.0 503 Service Unavailable", tag[] = ";tag=";
    // Each line but the status line is one of the request's; its name may have been shorter.
    uint32_t room = request->header_end + sizeof(status) + 8 * request->header_count + REFUSAL_ROOM +
                    tail->length + tail->tag_length;
    if (room > writer->size - writer->used) {
        writer->overflow = true;
        return;
    }
    struct refusing out = {.at = writer->octets + writer->used, .octets = request->octets};
    refuse_put(&out, status, sizeof(status) - 1);
    const struct via *via = &request->via;
    REFUSE_ADD(&out, "\r\nVia: ", request->headers[0].value);
    if (parts->overload != NULL || via->has_rport || via->received.length != 0 ||
        !names_source(request, &parts->source_address, parts->source_text))
        refuse_change_via(&out, request, parts);
    for (unsigned i = 1; i < request->header_count; i++)
        REFUSE_ADD(&out, "\r\nVia: ", request->headers[i].value);
    REFUSE_ADD(&out, "\r\nFrom: ", request->from);
    REFUSE_ADD(&out, "\r\nTo: ", request->to);
    refuse_end(&out);
    refuse_put(&out, tag, sizeof(tag) - 1);
    refuse_put(&out, parts->to_tag, tail->tag_length);
    REFUSE_ADD(&out, "\r\nCall-ID: ", request->call_id);
    REFUSE_ADD(&out, "\r\nCSeq: ", request->cseq);
    refuse_end(&out);
    refuse_put(&out, tail->octets, tail->length);
    writer->used = (uint32_t)(out.at - writer->octets);
}
