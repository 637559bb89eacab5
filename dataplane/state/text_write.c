// SPDX-License-Identifier: BSD-3-Clause
// The choice among kinds is greedy, the one that saves most from here on: an octet is lost in places ("as"
// and eight hex digits take nine octets, two pieces would take eight), and each octet is looked at a few
// times.
#include "text_write.h"

#include <string.h>

#include "copy_short.h"
#include "text_symbols.h"

#define COPY_MIN 2u

static uint8_t *slot_of(struct text_writer *writer, struct stretch span)
{
    uint32_t head = span.octets[0];
    uint32_t tail = span.octets[span.length - 1];
    if (span.length >= sizeof(head)) {
        memcpy(&head, span.octets, sizeof(head));
        memcpy(&tail, span.octets + span.length - sizeof(tail), sizeof(tail));
    }
    uint32_t hash = (head ^ (tail << 13 | tail >> 19) ^ span.length) * 0x9e3779b1u;
    return &writer->slots[hash >> 26];
}
static_assert(TEXT_SLOTS == 1u << (32 - 26), "slot_of()");

// Room for a piece of this many octets, whose first one is the code; NULL when the text grew too long.
static uint8_t *piece_room(struct text_writer *writer, enum text_code code, uint32_t octets)
{
    if (writer->failed || writer->limit - writer->used < octets) {
        writer->failed = true;
        return NULL;
    }
    uint8_t *at = writer->out + writer->used;
    writer->code = writer->used;
    writer->used += octets;
    *at = (uint8_t)code;
    return at + 1;
}

// Whether the last piece of this text is this constant, so that the next piece can be joined to it.
static bool prefix_is(const struct text_writer *writer, enum text_constant constant)
{
    return !writer->failed && writer->code + 1 == writer->used &&
           writer->out[writer->code] == TEXT_CONSTANT + constant;
}

// Number of the piece that says these octets, or TEXT_COPIES.
static unsigned copy_find(struct text_writer *writer, struct stretch octets)
{
    if (octets.length < COPY_MIN)
        return TEXT_COPIES;
    unsigned next = *slot_of(writer, octets);
    if (next == 0 || next > writer->numbered)
        return TEXT_COPIES;
    const struct stretch *piece = &writer->pieces[next - 1];
    bool same = piece->length == octets.length && text_same(piece->octets, octets.octets, octets.length);
    return same ? next - 1 : TEXT_COPIES;
}

static void copy_put(struct text_writer *writer, unsigned number)
{
    unsigned joined = number - TEXT_SIP_COPY_FIRST; // wraps when it is below
    if (joined < TEXT_SIP_COPY_COUNT && prefix_is(writer, TEXT_IS_SIP)) {
        writer->used--;
        piece_room(writer, TEXT_SIP_COPY + joined, 1);
    } else {
        piece_room(writer, TEXT_COPY + number, 1);
    }
}

// The piece that was written last says these octets.
static void piece_number(struct text_writer *writer, struct stretch span)
{
    if (writer->numbered == TEXT_COPIES || writer->failed)
        return;
    writer->pieces[writer->numbered++] = span;
    if (span.length >= COPY_MIN)
        *slot_of(writer, span) = (uint8_t)writer->numbered;
}

void text_write_kept(struct text_writer *writer)
{
    struct stretch span = writer->literal;
    uint8_t *at;
    writer->literal = stretch_of(NULL, 0);
    unsigned number = copy_find(writer, span);
    if (number != TEXT_COPIES) {
        copy_put(writer, number);
        return;
    }
    if (span.length <= TEXT_LITERAL_MAX) {
        at = piece_room(writer, TEXT_LITERAL + span.length - 1, 1 + span.length);
    } else {
        at = piece_room(writer, TEXT_LITERAL_LONG, TEXT_LITERAL_HEAD + span.length);
        if (at != NULL) {
            *at++ = (uint8_t)span.length;
            *at++ = (uint8_t)(span.length >> 8);
        }
    }
    if (at == NULL)
        return;
    copy_short(at, span.octets, span.length);
    piece_number(writer, span);
}

void text_write_literal(struct text_writer *writer, struct stretch octets)
{
    if (writer->literal.length == 0)
        writer->literal = stretch_of(octets.octets, 0);
    writer->literal.length += octets.length;
}

bool text_write_copy(struct text_writer *writer, struct stretch octets)
{
    unsigned number = copy_find(writer, octets);
    if (number == TEXT_COPIES)
        return false;
    text_write_flush(writer);
    copy_put(writer, number);
    return true;
}

void text_write_empty(struct text_writer *writer)
{
    piece_room(writer, TEXT_EMPTY, 1);
}

void text_write_constant(struct text_writer *writer, enum text_constant constant)
{
    text_write_flush(writer);
    piece_room(writer, TEXT_CONSTANT + constant, 1);
}

static void digits_write(struct text_writer *writer, struct stretch span)
{
    uint32_t octets = (span.length + 1) / 2;
    enum text_code code = prefix_is(writer, TEXT_IS_SIP)      ? TEXT_SIP_DIGITS
                          : prefix_is(writer, TEXT_IS_LT_SIP) ? TEXT_LT_SIP_DIGITS
                                                              : TEXT_DIGITS;
    writer->used -= code != TEXT_DIGITS;
    uint8_t *at = piece_room(writer, code + octets - 2, 1 + octets);
    if (at != NULL)
        text_symbols_digits(span.octets, span.length, at);
}

static bool hex_is_short(uint32_t length)
{
    return length % 2 == 0 && length <= TEXT_HEX_SHORT;
}

static void hex_write(struct text_writer *writer, struct stretch span, bool upper)
{
    uint32_t octets = (span.length + 1) / 2;
    uint8_t *at;
    if (!upper && hex_is_short(span.length)) {
        at = piece_room(writer, TEXT_HEX + (span.length - TEXT_HEX_MIN) / 2, 1 + octets);
    } else {
        at = piece_room(writer, upper ? TEXT_HEX_UPPER_LONG : TEXT_HEX_LONG, 2 + octets);
        if (at != NULL)
            *at++ = (uint8_t)span.length;
    }
    if (at != NULL)
        text_symbols_hex(span.octets, span.length, at);
}

static void sixes_write(struct text_writer *writer, enum text_code code, struct stretch span)
{
    uint8_t *at = piece_room(writer, code, 1 + text_sixes(span.length));
    if (at != NULL)
        text_symbols_sixes(span.octets, span.length, at);
}

// Where the kinds of these octets stand, which are some of the text's.
static const uint8_t *kinds_of(const struct text_writer *writer, const uint8_t *octets)
{
    return writer->kinds + (octets - writer->text.octets);
}

static bool all_are(const uint8_t *kinds, uint32_t from, uint32_t end, uint8_t kind)
{
    return text_scan_while(kinds, from, end, kind) == end;
}

// Whether the digits of what has a UUID's dashes are of this kind.
static bool is_uuid(const uint8_t *kinds, uint8_t kind)
{
    return all_are(kinds, 0, 8, kind) && all_are(kinds, 9, 13, kind) && all_are(kinds, 14, 18, kind) &&
           all_are(kinds, 19, 23, kind) && all_are(kinds, 24, TEXT_UUID_LENGTH, kind);
}

// A UUID (RFC 4122 section 3) of one case at the beginning of the run.
static bool uuid_write(struct text_writer *writer, struct stretch run)
{
    const uint8_t *from = run.octets;
    uint8_t digits[2 * TEXT_UUID_PACKED];
    if (run.length < TEXT_UUID_LENGTH || from[8] != '-' || from[13] != '-' || from[18] != '-' ||
        from[23] != '-')
        return false;
    const uint8_t *kinds = kinds_of(writer, from);
    bool lower = is_uuid(kinds, IS_HEX);
    if (!lower && !is_uuid(kinds, IS_HEX_UPPER))
        return false;
    struct stretch uuid = stretch_of(from, TEXT_UUID_LENGTH);
    if (text_write_copy(writer, uuid))
        return true;
    text_write_flush(writer);
    uint8_t *at = piece_room(writer, lower ? TEXT_UUID : TEXT_UUID_UPPER, 1 + TEXT_UUID_PACKED);
    memcpy(digits, from, 8);
    memcpy(digits + 8, from + 9, 4);
    memcpy(digits + 12, from + 14, 4);
    memcpy(digits + 16, from + 19, 4);
    memcpy(digits + 20, from + 24, 12);
    if (at != NULL)
        text_symbols_hex(digits, sizeof(digits), at);
    piece_number(writer, uuid);
    return true;
}

// How far each kind goes from the beginning of the run, cut at what one piece can have.
static void run_extents(const struct text_writer *writer, struct stretch run,
                        uint32_t extents[TEXT_RUN_KINDS])
{
    static const uint8_t most[TEXT_RUN_KINDS] = {TEXT_DIGITS_MAX, TEXT_HEX_MAX, TEXT_HEX_MAX, TEXT_TOKEN_MAX};
    const uint8_t *kinds = kinds_of(writer, run.octets);
    for (unsigned i = 0; i < TEXT_RUN_KINDS; i++) {
        uint32_t end = run.length < most[i] ? run.length : most[i];
        extents[i] = text_scan_while(kinds, 0, end, (uint8_t)(1u << i));
    }
}

// Octets that a piece of this kind saves against a literal that is there anyway.
static int run_saves(unsigned kind, uint32_t extent)
{
    int length = (int)extent;
    switch (1u << kind) {
    case IS_DIGIT:
        return extent < TEXT_DIGITS_MIN ? -1 : length - 1 - (length + 1) / 2;
    case IS_TOKEN:
        return extent < TEXT_TOKEN_MIN ? -1 : length - 1 - (int)text_sixes(extent);
    case IS_HEX:
        return extent < TEXT_HEX_MIN ? -1 : length - (hex_is_short(extent) ? 1 : 2) - (length + 1) / 2;
    default:
        return length - 2 - (length + 1) / 2;
    }
}

// Octets that a piece has to save: it costs the literal behind it another code when it ends one.
static int run_price(const struct text_writer *writer, struct stretch run, uint32_t extent)
{
    if (writer->literal.length != 0)
        return 2;
    return extent == run.length ? 0 : 1;
}

// The kind that saves most from the beginning of the run on, and how far it goes. False when none saves.
static bool run_best(const struct text_writer *writer, struct stretch run, unsigned *kind, uint32_t *extent)
{
    uint32_t extents[TEXT_RUN_KINDS];
    int saved = -1;
    run_extents(writer, run, extents);
    for (unsigned i = 0; i < TEXT_RUN_KINDS; i++) {
        int saves = run_saves(i, extents[i]);
        if (saves > saved) {
            saved = saves;
            *kind = 1u << i;
            *extent = extents[i];
        }
    }
    return saved >= 0 && saved >= run_price(writer, run, *extent);
}

// The common case of run_best(): all of the run is digits of one kind, and short. Returns the kind, or 0.
static unsigned run_whole(const struct text_writer *writer, struct stretch run)
{
    if (run.length < TEXT_DIGITS_MIN || run.length > TEXT_HEX_SHORT)
        return 0;
    const uint8_t *kinds = kinds_of(writer, run.octets);
    if (run.length <= TEXT_DIGITS_MAX && all_are(kinds, 0, run.length, IS_DIGIT))
        return IS_DIGIT;
    bool fits = hex_is_short(run.length) && run.length >= TEXT_HEX_MIN;
    return fits && all_are(kinds, 0, run.length, IS_HEX) ? IS_HEX : 0;
}

// Writes one piece of the run. Returns the octets that it covers.
static uint32_t run_step(struct text_writer *writer, struct stretch run)
{
    uint32_t extent = run.length;
    unsigned kind = 0;
    if (uuid_write(writer, run))
        return TEXT_UUID_LENGTH;
    if (writer->literal.length == 0)
        kind = run_whole(writer, run);
    if (kind == 0 && !run_best(writer, run, &kind, &extent)) {
        text_write_literal(writer, stretch_of(run.octets, 1));
        return 1;
    }
    struct stretch span = stretch_of(run.octets, extent);
    if (text_write_copy(writer, span))
        return span.length;
    text_write_flush(writer);
    if (kind == IS_DIGIT)
        digits_write(writer, span);
    else if (kind == IS_TOKEN)
        sixes_write(writer, TEXT_TOKEN + span.length - TEXT_TOKEN_MIN, span);
    else
        hex_write(writer, span, kind == IS_HEX_UPPER);
    piece_number(writer, span);
    return span.length;
}

void text_write_run(struct text_writer *writer, struct stretch run)
{
    for (uint32_t at = 0; at < run.length && !writer->failed;)
        at += run_step(writer, stretch_of(run.octets + at, run.length - at));
}

bool text_write_interned(struct text_writer *writer, struct stretch octets)
{
    if (writer->interned == TEXT_INTERNED_MAX || writer->failed)
        return false;
    arena_ref ref = intern_get(writer->intern, octets.octets, octets.length);
    if (ref == ARENA_NONE)
        return false;
    writer->refs[writer->interned++] = ref;
    text_write_flush(writer);
    uint32_t size = ref < 1u << 24 ? 3 : 4;
    uint8_t *at = piece_room(writer, size == 3 ? TEXT_INTERN3 : TEXT_INTERN4, 1 + size);
    if (at == NULL)
        return true;
    for (uint32_t i = 0; i < size; i++)
        at[i] = (uint8_t)(ref >> 8 * i);
    piece_number(writer, octets);
    return true;
}

void text_write_name(struct text_writer *writer, struct stretch whole)
{
    if (text_write_copy(writer, whole))
        return;
    uint32_t length = whole.length - 3;
    text_write_flush(writer);
    sixes_write(writer, TEXT_NAME + length - TEXT_NAME_MIN, stretch_of(whole.octets + 1, length));
    piece_number(writer, whole);
}

void text_write_init(struct text_writer *writer, struct intern *intern, uint8_t *out)
{
    writer->intern = intern;
    writer->out = out;
    writer->used = 0;
    writer->numbered = 0;
    writer->interned = 0;
    writer->failed = false;
    writer->literal = stretch_of(NULL, 0);
    memset(writer->slots, 0, sizeof(writer->slots));
}
