// SPDX-License-Identifier: BSD-3-Clause
// Packing. A text is cut where URIs are cut: the part from "@" on (host, port, short parameters, ">") and
// whole URIs without a user are interned, what lies between is packed by the kind of its octets. Everything
// is found in one pass that looks ahead at most one URI. Which octets a piece covers is a matter of size
// only: any text comes back whole, SIP or not.
//
// Octets are looked at 16 at a time: once for what they can be part of (text_scan.h), once where they are
// written (text_symbols.h).
//
// A parameter with a value longer than five octets is taken for one that is made for each call and not
// interned, or each call would fill the table of interned texts for itself.
#include "text.h"

#include <assert.h>
#include <string.h>

#include "text_write.h"

#define VALUE_MAX     5u  // longest value of a parameter that is interned
#define PARAMETER_MAX 16u // longest name

static bool has(struct stretch text, uint32_t at, const char *octets, uint32_t length)
{
    return text.length - at >= length && memcmp(text.octets + at, octets, length) == 0;
}

static uint32_t pass(const struct text_writer *writer, uint32_t at, uint8_t kind)
{
    return text_scan_while(writer->kinds, at, writer->text.length, kind);
}

// Passes host, port, parameters that are not made for a call, and ">".
static uint32_t pass_host(const struct text_writer *writer, uint32_t at)
{
    struct stretch text = writer->text;
    at = pass(writer, at, IS_HOST);
    while (at < text.length && text.octets[at] == ';') {
        uint32_t end = pass(writer, at + 1, IS_HOST);
        if (end - at > 1 + PARAMETER_MAX)
            return at;
        if (end < text.length && text.octets[end] == '=') {
            uint32_t value = end + 1;
            end = pass(writer, value, IS_HOST);
            if (end - value > VALUE_MAX)
                return at;
        }
        at = end;
    }
    return at < text.length && text.octets[at] == '>' ? at + 1 : at;
}

// A copy, or interned, or else by its kinds.
static void shared_pack(struct text_writer *writer, struct stretch span)
{
    if (text_write_copy(writer, span) || text_write_interned(writer, span))
        return;
    uint32_t at = 0;
    if (has(span, 0, "@", 1)) {
        text_write_constant(writer, TEXT_IS_AT);
        at = 1;
    }
    text_write_run(writer, stretch_of(span.octets + at, span.length - at));
}

// A list of URIs without users from `at` on. Returns its end.
static uint32_t pass_userless(const struct text_writer *writer, uint32_t at, uint32_t prefix)
{
    struct stretch text = writer->text;
    uint32_t end = pass_host(writer, at + prefix);
    while (has(text, end, ",<sip:", 6)) {
        uint32_t next = pass_host(writer, end + 6);
        if (next - at > INTERN_LENGTH_MAX || text.octets[next - 1] != '>')
            break;
        end = next;
    }
    return end;
}

// A URI at `at`, behind its "sip:" or "<sip:". Returns where packing goes on: the user's "@", or the end of
// what was interned.
static uint32_t uri_pack(struct text_writer *writer, uint32_t at, enum text_constant constant)
{
    struct stretch text = writer->text;
    uint32_t prefix = text_constants[constant].length;
    uint32_t user = at + prefix;
    // A "<" ends the search too, or a text of many would be searched to its end from each.
    uint32_t end = text_scan_until(writer->kinds, user, text.length, IS_URI_EDGE);
    if (end < text.length && text.octets[end] == '@') {
        text_write_constant(writer, constant);
        text_write_run(writer, stretch_of(text.octets + user, end - user));
        return end;
    }
    end = pass_userless(writer, at, prefix);
    shared_pack(writer, stretch_of(text.octets + at, end - at));
    return end;
}

// From "@" on. In a Call-ID, which has no "sip:", what is no address or domain may be made for one call.
static uint32_t host_pack(struct text_writer *writer, uint32_t at, bool is_uri)
{
    uint32_t end = pass_host(writer, at + 1);
    struct stretch span = stretch_of(writer->text.octets + at, end - at);
    if (span.length >= INTERN_LENGTH_MIN && (is_uri || memchr(span.octets, '.', span.length) != NULL ||
                                             memchr(span.octets, ':', span.length) != NULL))
        shared_pack(writer, span);
    else
        text_write_run(writer, span);
    return end;
}

// A display name in quotes (RFC 3261 25.1) and its space. Returns its end, or `at`.
static uint32_t name_pack(struct text_writer *writer, uint32_t at)
{
    struct stretch text = writer->text;
    uint32_t end = pass(writer, at + 1, IS_NAME);
    uint32_t length = end - at - 1;
    if (length < TEXT_NAME_MIN || length > TEXT_NAME_MAX || !has(text, end, "\" ", 2))
        return at;
    text_write_name(writer, stretch_of(text.octets + at, length + 3));
    return end + 2;
}

// A constant at `at`, or TEXT_CONSTANTS. The short one would cost a literal before it another code.
static enum text_constant constant_at(struct stretch text, uint32_t at, bool in_literal)
{
    if (text.octets[at] == '>')
        return in_literal ? TEXT_CONSTANTS : TEXT_IS_GT;
    if (text.octets[at] != ';')
        return TEXT_CONSTANTS;
    if (has(text, at, ";ftag=", 6))
        return TEXT_IS_FTAG;
    if (has(text, at, ";transport=udp", 14))
        return TEXT_IS_TRANSPORT_UDP;
    return has(text, at, ";lr", 3) ? TEXT_IS_LR : TEXT_CONSTANTS;
}

// An octet that ends runs, and what it begins. Returns where packing goes on.
static uint32_t edge_pack(struct text_writer *writer, uint32_t at)
{
    enum text_constant constant = constant_at(writer->text, at, writer->literal.length != 0);
    if (constant != TEXT_CONSTANTS) {
        text_write_constant(writer, constant);
        return at + text_constants[constant].length;
    }
    text_write_literal(writer, stretch_of(writer->text.octets + at, 1));
    return at + 1;
}

static void text_cut(struct text_writer *writer)
{
    struct stretch text = writer->text;
    uint32_t at = 0;
    bool is_uri = false;
    while (at < text.length && !writer->failed) {
        uint32_t from = at;
        if (at == 0 && has(text, at, "sip:", 4)) {
            is_uri = true;
            at = uri_pack(writer, at, TEXT_IS_SIP);
        } else if (at == 0 && has(text, at, "sips:", 5)) {
            is_uri = true;
            at = uri_pack(writer, at, TEXT_IS_SIPS);
        } else if (text.octets[at] == '<' && has(text, at, "<sip:", 5)) {
            is_uri = true;
            at = uri_pack(writer, at, TEXT_IS_LT_SIP);
        } else if (text.octets[at] == '@') {
            at = host_pack(writer, at, is_uri);
        } else if (text.octets[at] == '"') {
            at = name_pack(writer, at);
        }
        if (at != from)
            continue;
        at = text_scan_until(writer->kinds, at, text.length, IS_EDGE);
        if (at == from) {
            at = edge_pack(writer, at);
            continue;
        }
        text_write_run(writer, stretch_of(text.octets + from, at - from));
    }
    text_write_flush(writer);
}

static void text_add(struct text_writer *writer, struct stretch text)
{
    uint32_t start = writer->used;
    uint32_t numbered = writer->numbered;
    unsigned interned = writer->interned;
    writer->limit = start + TEXT_LITERAL_HEAD + text.length;
    writer->code = start;
    writer->failed = false;
    writer->text = text;
    if (text.length == 0) {
        text_write_empty(writer);
    } else {
        text_kinds_of(text.octets, text.length, writer->kinds);
        text_cut(writer);
    }
    if (writer->failed) {
        while (writer->interned > interned)
            intern_put(writer->intern, writer->refs[--writer->interned]);
        writer->used = start;
        writer->numbered = numbered;
        writer->literal = stretch_of(NULL, 0);
        writer->failed = false;
        text_write_literal(writer, text);
        text_write_flush(writer);
    }
    writer->out[writer->code] |= TEXT_LAST;
}

static bool are_too_long(const struct dialog_string *texts, unsigned count)
{
    uint32_t total = 0;
    assert(count <= TEXT_COUNT_MAX);
    for (unsigned i = 0; i < count; i++) {
        if (texts[i].length > TEXT_LENGTH_MAX - total)
            return true;
        total += texts[i].length;
    }
    return false;
}

uint32_t text_copy(const struct dialog_string *texts, unsigned count, uint8_t *out)
{
    uint8_t *at = out;
    if (are_too_long(texts, count))
        return 0;
    for (unsigned i = 0; i < count; i++) {
        uint32_t length = texts[i].length;
        if (length == 0) {
            *at++ = TEXT_EMPTY | TEXT_LAST;
            continue;
        }
        *at++ = TEXT_LITERAL_LONG | TEXT_LAST;
        *at++ = (uint8_t)length;
        *at++ = (uint8_t)(length >> 8);
        memcpy(at, texts[i].octets, length);
        at += length;
    }
    return (uint32_t)(at - out);
}

uint32_t text_pack(struct intern *intern, const struct dialog_string *texts, unsigned count, uint8_t *out)
{
    struct text_writer writer;
    if (are_too_long(texts, count))
        return 0;
    text_write_init(&writer, intern, out);
    for (unsigned i = 0; i < count; i++)
        text_add(&writer, stretch_of(texts[i].octets, texts[i].length));
    return writer.used;
}
