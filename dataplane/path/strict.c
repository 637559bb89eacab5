// SPDX-License-Identifier: BSD-3-Clause
// What comes from a strict router is made anew and parsed again before anything else looks at it, so that all
// other stages know loose routing alone; what goes to one is changed when it is rendered. Both are rare: any
// other request costs a search for a semicolon in its Request-URI.
#include "strict.h"
#include <string.h>
#include "route_set.h"

bool strict_is(const uint8_t *octets, struct span uri)
{
    struct uri parts;
    struct span value;
    return uri_parse(octets, uri, &parts) == 0 && !uri_parameter(octets, parts.parameters, "lr", &value);
}

void strict_write_uri(struct writer *writer, const uint8_t *octets, struct span uri)
{
    struct uri parts;
    struct span name, value;
    uint32_t at = 0, end = (uint32_t)uri.offset + uri.length;
    if (uri_parse(octets, uri, &parts) != 0) {
        write_octets(writer, octets + uri.offset, uri.length);
        return;
    }
    if (parts.headers.offset != 0)
        end = parts.headers.offset - 1u;
    if (parts.parameters.offset != 0)
        end = parts.parameters.offset - 1u;
    write_octets(writer, octets + uri.offset, end - uri.offset);
    while (uri_parameter_next(octets, parts.parameters, &at, &name, &value)) { // each turn moves on
        uint32_t last = value.offset != 0 ? value.offset + value.length : name.offset + name.length;
        if (span_is(octets, name, "method"))
            continue;
        write_text(writer, ";");
        write_octets(writer, octets + name.offset, last - name.offset);
    }
}

// Takes over what was rendered, when it is a message.
static bool take_restored(struct worker *worker, struct work *work)
{
    uint8_t *room = worker->restored[work->message->octets == worker->restored[0]];
    int length = edits_render(&worker->edits, work->message, room, sizeof(worker->restored[0]));
    if (length <= 0 || message_parse(room, (uint32_t)length, &worker->kept) != MESSAGE_FINE)
        return false;
    *work->message = worker->kept;
    return true;
}

static void replace_uri(struct worker *worker, const struct message *message, const uint8_t *octets,
                        struct span uri)
{
    struct span was = message->request_uri;
    strict_write_uri(edit_open(&worker->edits, was.offset, was.length), octets, uri);
    edit_close(&worker->edits);
}

// The lowest Route value, and what its removal takes away.
struct last_route {
    struct span uri; // length 0: there is none
    struct span removal;
};

static struct last_route last_route(const struct message *message)
{
    struct last_route last = {{0, 0}, {0, 0}};
    for (uint8_t field = message->first[HEADER_ROUTE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        const struct header_field *line = &message->headers[field];
        struct address address;
        uint32_t at = 0, before = 0;
        while (address_next(message->octets, line->value, &at, &address) ==
               1) { // each turn moves on in the line
            uint32_t end = line->value.offset + line->value.length;
            last.uri = address.uri;
            last.removal =
                before == 0 ? line->line : (struct span){(uint16_t)before, (uint16_t)(end - before)};
            before = address.whole.offset + address.whole.length;
        }
    }
    return last;
}

static bool is_our_value(const struct worker *worker, const struct message *message,
                         struct cookie_route *cookie)
{
    return route_set_cookie(worker, message, &(struct address){.uri = message->request_uri}, cookie);
}

// 16.4: a maddr that names the place where the request came in has done its work, and so has a port that is
// not the default one.
static void restore_maddr(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    uint16_t listener = work->packet->source.listener;
    struct span value;
    struct uri uri;
    struct ip_address address;
    if (uri_parse(message->octets, message->request_uri, &uri) != 0 || uri.scheme != URI_SIP ||
        !uri_parameter(message->octets, uri.parameters, "maddr", &value) ||
        uri_host_ip(message->octets, value, &address) != 0 ||
        rules_listener_named(worker->rules, &address, uri.port != 0 ? uri.port : SIP_PORT) != listener)
        return;
    edits_init(&worker->edits);
    const uint16_t name = sizeof(";maddr=") - 1; // a value without white space around "=": 19.1.1
    edit_remove(&worker->edits,
                (struct span){(uint16_t)(value.offset - name), (uint16_t)(value.length + name)});
    uint32_t host_end = uri.host.offset + uri.host.length;
    if (uri.has_port && uri.port != SIP_PORT)
        edit_remove(&worker->edits,
                    (struct span){(uint16_t)host_end, (uint16_t)(uri.parameters.offset - 1 - host_end)});
    (void)take_restored(worker, work);
}

// One of its parameters may be our dg, or maddr, by what stands behind the semicolon.
static bool may_concern_us(const struct message *message)
{
    const uint8_t *at = message_at(message, message->request_uri);
    const uint8_t *last = at + message->request_uri.length - 1; // a URI is not empty
    while (at < last && (at = memchr(at, ';', (size_t)(last - at))) != NULL) {
        uint8_t octet = *++at, letter = octet | 0x20;
        if (letter == 'd' || letter == 'm' || octet <= ' ')
            return true;
    }
    return false;
}

uint16_t strict_restore(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    struct endpoint at;
    if (!may_concern_us(message))
        return NUMBER_NONE;
    if (!is_our_value(worker, message, &work->cookie)) {
        restore_maddr(worker, work);
        return NUMBER_NONE;
    }
    work->has_cookie = true;
    endpoint_of_uri(message, message->request_uri, &at); // it could be read before
    struct last_route last = last_route(message);
    if (last.uri.length != 0) {
        edits_init(&worker->edits);
        replace_uri(worker, message, message->octets, last.uri);
        edit_remove(&worker->edits, last.removal);
        (void)take_restored(worker, work);
    }
    return rules_listener_named(worker->rules, &at.address, at.port);
}

bool strict_restore_target(struct worker *worker, struct work *work)
{
    const struct message *message = work->message;
    struct cookie_route cookie;
    struct uri uri;
    enum dialog_text which =
        work->side == DIALOG_CALLER ? DIALOG_TEXT_CALLEE_TARGET : DIALOG_TEXT_CALLER_TARGET;
    if (!is_our_value(worker, message, &cookie))
        return false;
    uint32_t length =
        dialog_text(&worker->dialogs, work->dialog, which, worker->scratch, sizeof(worker->scratch));
    struct span target = {0, (uint16_t)length};
    if (length == 0 || length > sizeof(worker->scratch) || uri_parse(worker->scratch, target, &uri) != 0)
        return false;
    edits_init(&worker->edits);
    replace_uri(worker, message, worker->scratch, target);
    return take_restored(worker, work);
}

static bool is_separator(uint8_t octet)
{
    return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n' || octet == ',';
}

// What a Route line still lists from this offset on, with a comma behind it.
static void write_rest(struct writer *writer, const struct message *message, struct span value, uint32_t from)
{
    uint32_t end = value.offset + value.length;
    while (from < end && is_separator(message->octets[from]))
        from++;
    if (from == end)
        return;
    write_octets(writer, message->octets + from, end - from);
    write_text(writer, ",");
}

// Whether an offset lies behind a span's begin and not behind its end.
static bool holds(struct span span, uint32_t offset)
{
    return offset >= span.offset && offset < (uint32_t)span.offset + span.length;
}

// All Route lines; those that follow each other are one edit, of which there may be EDITS_MAX.
static void remove_lines(struct edits *edits, const struct message *message)
{
    struct span run = {0, 0};
    for (uint8_t field = message->first[HEADER_ROUTE]; field != MESSAGE_NO_HEADER;
         field = message_next_header(message, field)) {
        struct span line = message->headers[field].line;
        if (run.length != 0 && run.offset + run.length == line.offset) {
            run.length += line.length;
            continue;
        }
        if (run.length != 0)
            edit_remove(edits, run);
        run = line;
    }
    edit_remove(edits, run);
}

void strict_edit(struct worker *worker, const struct work *work, const struct snapshot_route *route)
{
    const struct message *message = work->message;
    struct edits *edits = &worker->edits;
    uint8_t first = message->first[HEADER_ROUTE];
    bool behind = false; // what stands before the next value was ours
    replace_uri(worker, message, message->octets, work->next_route);
    struct writer *writer = edit_open(edits, message->headers[first].line.offset, 0);
    write_text(writer, "Route: ");
    for (uint8_t field = first; field != MESSAGE_NO_HEADER; field = message_next_header(message, field)) {
        struct span value = message->headers[field].value;
        uint32_t next_end = work->next_route_value.offset + work->next_route_value.length;
        if (holds(value, work->next_route.offset))
            write_rest(writer, message, value, next_end);
        else if (behind)
            write_rest(writer, message, value, value.offset);
        behind = behind || holds(value, work->next_route.offset);
    }
    write_text(writer, "<");
    rewrite_request_uri(worker, message, route, writer);
    write_text(writer, ">\r\n");
    edit_close(edits);
    remove_lines(edits, message);
}
