// SPDX-License-Identifier: BSD-3-Clause
// Reading what text_pack() wrote. A cursor walks the pieces from the first one and remembers where the first
// numbered ones lie, so that a copy is found without a second walk. Tags and Call-IDs are packed first: the
// way to them is one to three pieces. Each step checks its bounds again, which costs less than to say where
// it may be left out.
#include "text.h"

#include <string.h>

#include "text_code.h"
#include "text_octets.h"

enum piece_kind {
    PIECE_LITERAL,
    PIECE_TOKEN,
    PIECE_NAME,
    PIECE_HEX,
    PIECE_HEX_UPPER,
    PIECE_DIGITS,
    PIECE_UUID,
    PIECE_UUID_UPPER,
    PIECE_INTERN,
    PIECE_COPY,
    PIECE_CONSTANT,
    PIECE_EMPTY
};

#define NO_PREFIX TEXT_CONSTANTS

// What a code means: one word, since every piece that is passed begins with a look at it. For copies and
// constants length is which one.
struct code {
    uint8_t kind;
    uint8_t length; // of the text; 0: an octet or two behind the code say it, or the region
    uint8_t octets; // of the piece with its code; 0: a length behind the code says it
    uint8_t prefix; // enum text_constant before it, or NO_PREFIX
};
static_assert(sizeof(struct code) == 4, "one word");

#define EIGHT(row, n)                                                                                        \
    row((n)), row((n) + 1), row((n) + 2), row((n) + 3), row((n) + 4), row((n) + 5), row((n) + 6), row((n) + 7)
#define SIXTEEN(row, n) EIGHT(row, n), EIGHT(row, (n) + 8)
#define LITERAL(n)                                                                                           \
    {                                                                                                        \
        PIECE_LITERAL, (n), 1 + (n), NO_PREFIX                                                               \
    }
#define TOKEN(n)                                                                                             \
    {                                                                                                        \
        PIECE_TOKEN, (n), 1 + ((n)*6 + 7) / 8, NO_PREFIX                                                     \
    }
#define HEX(n)                                                                                               \
    {                                                                                                        \
        PIECE_HEX, 2 * (n), 1 + (n), NO_PREFIX                                                               \
    }
#define DIGITS(n)                                                                                            \
    {                                                                                                        \
        PIECE_DIGITS, 2 * (n), 1 + (n), NO_PREFIX                                                            \
    }
#define SIP_DIGITS(n)                                                                                        \
    {                                                                                                        \
        PIECE_DIGITS, 2 * (n), 1 + (n), TEXT_IS_SIP                                                          \
    }
#define LT_SIP_DIGITS(n)                                                                                     \
    {                                                                                                        \
        PIECE_DIGITS, 2 * (n), 1 + (n), TEXT_IS_LT_SIP                                                       \
    }
#define COPY(n)                                                                                              \
    {                                                                                                        \
        PIECE_COPY, (n), 1, NO_PREFIX                                                                        \
    }
#define SIP_COPY(n)                                                                                          \
    {                                                                                                        \
        PIECE_COPY, (n), 1, TEXT_IS_SIP                                                                      \
    }
#define NAME(n)                                                                                              \
    {                                                                                                        \
        PIECE_NAME, (n) + 3, 1 + ((n)*6 + 7) / 8, NO_PREFIX                                                  \
    }
#define CONSTANT(n)                                                                                          \
    {                                                                                                        \
        PIECE_CONSTANT, 0, 1, (n)                                                                            \
    }

static const struct code codes[TEXT_CODES] = {
    SIXTEEN(LITERAL, 1),
    SIXTEEN(TOKEN, TEXT_TOKEN_MIN),
    SIXTEEN(HEX, TEXT_HEX_MIN / 2),
    EIGHT(DIGITS, 2),
    EIGHT(SIP_DIGITS, 2),
    EIGHT(LT_SIP_DIGITS, 2),
    SIXTEEN(COPY, 0),
    EIGHT(SIP_COPY, TEXT_SIP_COPY_FIRST),
    SIXTEEN(NAME, TEXT_NAME_MIN),
    EIGHT(CONSTANT, 0),
    [TEXT_EMPTY] = {PIECE_EMPTY, 0, 1, NO_PREFIX},
    [TEXT_UUID] = {PIECE_UUID, TEXT_UUID_LENGTH, 1 + TEXT_UUID_PACKED, NO_PREFIX},
    [TEXT_UUID_UPPER] = {PIECE_UUID_UPPER, TEXT_UUID_LENGTH, 1 + TEXT_UUID_PACKED, NO_PREFIX},
    [TEXT_INTERN3] = {PIECE_INTERN, 0, 1 + 3, NO_PREFIX},
    [TEXT_INTERN4] = {PIECE_INTERN, 0, 1 + 4, NO_PREFIX},
    [TEXT_LITERAL_LONG] = {PIECE_LITERAL, 0, 0, NO_PREFIX},
    [TEXT_HEX_LONG] = {PIECE_HEX, 0, 0, NO_PREFIX},
    [TEXT_HEX_UPPER_LONG] = {PIECE_HEX_UPPER, 0, 0, NO_PREFIX},
};

const struct text_constant_octets text_constants[TEXT_CONSTANTS + 1] = {
    [TEXT_IS_SIP] = {4, "sip:"},
    [TEXT_IS_LT_SIP] = {5, "<sip:"},
    [TEXT_IS_GT] = {1, ">"},
    [TEXT_IS_AT] = {1, "@"},
    [TEXT_IS_LR] = {3, ";lr"},
    [TEXT_IS_FTAG] = {6, ";ftag="},
    [TEXT_IS_TRANSPORT_UDP] = {14, ";transport=udp"},
    [TEXT_IS_SIPS] = {5, "sips:"},
    [NO_PREFIX] = {0, ""},
};

#define BUFFER (TEXT_HEX_MAX + 1 + TEXT_VECTOR) // of one piece, as text_octets.h wants it
static_assert(BUFFER % TEXT_VECTOR == 0, "what is packed longest fits as well");

struct piece {
    uint8_t kind;
    uint8_t prefix;
    bool last;
    uint16_t length; // of the text without prefix; unknown for PIECE_INTERN
    const uint8_t *packed;
};

struct cursor {
    const struct text_source *source;
    uint32_t at;
    uint32_t numbered;
    uint16_t places[TEXT_COPIES]; // of the numbered pieces passed
};

// A piece with its length behind its code.
static uint32_t long_piece_at(const uint8_t *octets, uint32_t left, struct piece *piece)
{
    uint32_t head = piece->kind == PIECE_LITERAL ? TEXT_LITERAL_HEAD : TEXT_HEX_HEAD;
    if (left < head)
        return 0;
    uint32_t length = octets[1];
    uint32_t packed = (length + 1) / 2;
    if (piece->kind == PIECE_LITERAL)
        packed = length |= (uint32_t)octets[2] << 8;
    if (left - head < packed)
        return 0;
    piece->length = (uint16_t)length;
    piece->packed = octets + head;
    return head + packed;
}

// Decodes the piece at `at`. Returns the octets that it takes, or 0 when it is damaged.
static inline uint32_t piece_at(const struct text_source *source, uint32_t at, struct piece *piece)
{
    const uint8_t *octets = source->packed + at;
    uint32_t left = source->length - at;
    if (left == 0)
        return 0;
    struct code code = codes[octets[0] & ~TEXT_LAST];
    piece->kind = code.kind;
    piece->prefix = code.prefix;
    piece->last = (octets[0] & TEXT_LAST) != 0;
    piece->length = code.length;
    piece->packed = octets + 1;
    if (code.octets == 0)
        return long_piece_at(octets, left, piece);
    if (left < code.octets)
        return 0;
    if (code.kind == PIECE_DIGITS)
        piece->length -= (octets[code.octets - 1] & 15u) == TEXT_DIGIT_NONE;
    return code.octets;
}

// Passes a numbered piece of this size.
static inline void cursor_number(struct cursor *cursor, uint32_t size)
{
    if (cursor->numbered < TEXT_COPIES)
        cursor->places[cursor->numbered++] = (uint16_t)cursor->at;
    cursor->at += size;
}

// The next piece; a copy is what it is a copy of. False at the end and at damage.
static inline bool piece_next(struct cursor *cursor, struct piece *piece)
{
    uint32_t size = piece_at(cursor->source, cursor->at, piece);
    if (size == 0)
        return false;
    if (piece->kind == PIECE_COPY) {
        struct piece copy = *piece;
        if (copy.length >= cursor->numbered ||
            piece_at(cursor->source, cursor->places[copy.length], piece) == 0)
            return false;
        piece->prefix = copy.prefix;
        piece->last = copy.last;
        cursor->at++;
    } else if (piece->kind < PIECE_COPY) {
        cursor_number(cursor, size);
    } else {
        cursor->at += size;
    }
    return true;
}

// Octets of the piece at `at`, of which nothing is looked at but how long it is; 0 when it is damaged.
static inline uint32_t piece_size(const struct text_source *source, uint32_t at, struct code *code)
{
    uint32_t left = source->length - at;
    if (left == 0)
        return 0;
    *code = codes[source->packed[at] & ~TEXT_LAST];
    if (code->octets != 0)
        return code->octets <= left ? code->octets : 0;
    struct piece piece = {.kind = code->kind};
    return long_piece_at(source->packed + at, left, &piece);
}

// Passes one text.
static bool cursor_pass(struct cursor *cursor)
{
    const struct text_source *source = cursor->source;
    bool last;
    do {
        struct code code;
        uint32_t size = piece_size(source, cursor->at, &code);
        if (size == 0 || (code.kind == PIECE_COPY && code.length >= cursor->numbered))
            return false;
        last = (source->packed[cursor->at] & TEXT_LAST) != 0;
        if (code.kind < PIECE_COPY)
            cursor_number(cursor, size);
        else
            cursor->at += size;
    } while (!last);
    return true;
}

static bool cursor_to(struct cursor *cursor, const struct text_source *source, unsigned which)
{
    cursor->source = source;
    cursor->at = 0;
    cursor->numbered = 0;
    while (which-- > 0) {
        if (!cursor_pass(cursor))
            return false;
    }
    return true;
}

static arena_ref piece_ref(const struct piece *piece)
{
    uint32_t ref = piece->packed[0] | (uint32_t)piece->packed[1] << 8 | (uint32_t)piece->packed[2] << 16;
    if ((piece->packed[-1] & ~TEXT_LAST) == TEXT_INTERN4)
        ref |= (uint32_t)piece->packed[3] << 24;
    return ref;
}

// The octets that a piece stands for: where they lie, or restored into buffer.
static const uint8_t *piece_octets(const struct piece *piece, struct region region, uint8_t buffer[BUFFER],
                                   uint32_t *length)
{
    static const char *const digits[] = {"0123456789abcdef", "0123456789ABCDEF"};
    const uint8_t *octets = buffer;
    *length = piece->length;
    switch ((enum piece_kind)piece->kind) {
    case PIECE_LITERAL:
        return piece->packed;
    case PIECE_INTERN:
        if (!intern_look(region, piece_ref(piece), &octets, length))
            *length = 0;
        return octets;
    case PIECE_HEX:
    case PIECE_HEX_UPPER:
        text_octets_halves(piece->packed, piece->length, buffer, digits[piece->kind == PIECE_HEX_UPPER]);
        break;
    case PIECE_UUID:
    case PIECE_UUID_UPPER:
        text_octets_uuid(piece->packed, buffer, digits[piece->kind == PIECE_UUID_UPPER]);
        break;
    case PIECE_DIGITS:
        text_octets_halves(piece->packed, piece->length, buffer, TEXT_DIGIT_SYMBOLS);
        break;
    case PIECE_TOKEN:
        text_octets_sixes(piece->packed, piece->length, buffer, TEXT_TOKEN_SYMBOLS);
        break;
    case PIECE_NAME:
        buffer[0] = '"';
        text_octets_sixes(piece->packed, piece->length - 3u, buffer + 1, TEXT_NAME_SYMBOLS);
        memcpy(buffer + piece->length - 2, "\" ", 2);
        break;
    case PIECE_COPY:
    case PIECE_CONSTANT:
    case PIECE_EMPTY:
        *length = 0;
        break;
    }
    return octets;
}

// Length of the text at the cursor, which is behind it afterwards. False when it is damaged.
static bool text_measure(struct cursor *cursor, bool whole, uint32_t *total)
{
    struct piece piece;
    *total = 0;
    do {
        if (!piece_next(cursor, &piece))
            return false;
        uint32_t length = piece.length;
        const uint8_t *octets;
        *total += text_constants[piece.prefix].length;
        if (piece.kind == PIECE_INTERN &&
            !(whole ? intern_read(cursor->source->region, piece_ref(&piece), &octets, &length)
                    : intern_look(cursor->source->region, piece_ref(&piece), &octets, &length)))
            return false;
        *total += length;
        if (*total > TEXT_LENGTH_MAX)
            return false;
    } while (!piece.last);
    return true;
}

bool text_check(const struct text_source *source, unsigned count)
{
    struct cursor cursor;
    uint32_t all = 0;
    uint32_t length;
    if (source->length > TEXT_PACKED_MAX)
        return false;
    cursor_to(&cursor, source, 0);
    for (unsigned i = 0; i < count; i++) {
        if (!text_measure(&cursor, true, &length))
            return false;
        all += length;
    }
    return all <= TEXT_LENGTH_MAX && cursor.at == source->length;
}

// Writes the text at the cursor, which is behind it afterwards; text_measure() has found that it is whole and
// fits.
static void cursor_write(struct cursor *cursor, uint8_t *to)
{
    uint8_t buffer[BUFFER];
    struct piece piece;
    do {
        uint32_t length;
        if (!piece_next(cursor, &piece))
            return;
        const struct text_constant_octets *prefix = &text_constants[piece.prefix];
        memcpy(to, prefix->octets, prefix->length);
        to += prefix->length;
        const uint8_t *octets = piece_octets(&piece, cursor->source->region, buffer, &length);
        if (length != 0)
            memcpy(to, octets, length);
        to += length;
    } while (!piece.last);
}

uint32_t text_unpack(const struct text_source *source, unsigned which, void *out, uint32_t room)
{
    struct cursor cursor;
    uint32_t total;
    if (!cursor_to(&cursor, source, which))
        return 0;
    struct cursor start = cursor;
    if (text_measure(&cursor, false, &total) && total <= room)
        cursor_write(&start, out);
    return total;
}

// Restores the text at the cursor, which is behind it afterwards. What is one piece that lies somewhere whole
// is not copied. False when it is damaged, or longer than room.
static bool cursor_restore(struct cursor *cursor, uint8_t *out, uint32_t room, struct dialog_string *text)
{
    uint8_t buffer[BUFFER];
    struct piece piece;
    uint32_t used = 0;
    do {
        uint32_t length;
        if (!piece_next(cursor, &piece))
            return false;
        const struct text_constant_octets *prefix = &text_constants[piece.prefix];
        const uint8_t *octets = piece_octets(&piece, cursor->source->region, buffer, &length);
        if (prefix->length + length > room - used)
            return false;
        if (used == 0 && piece.last && prefix->length == 0 && octets != buffer) {
            *text = (struct dialog_string){octets, length};
            return true;
        }
        memcpy(out + used, prefix->octets, prefix->length);
        used += prefix->length;
        memcpy(out + used, octets, length);
        used += length;
    } while (!piece.last);
    *text = (struct dialog_string){out, used};
    return true;
}

void text_unpack_others(const struct text_source *source, unsigned count, struct dialog_string *texts,
                        uint8_t *out)
{
    struct cursor cursor;
    uint32_t used = 0; // all of one packing together fit TEXT_LENGTH_MAX
    cursor_to(&cursor, source, 0);
    for (unsigned i = 0; i < count; i++) {
        if (texts[i].octets != NULL) {
            cursor_pass(&cursor);
            continue;
        }
        if (!cursor_restore(&cursor, out + used, TEXT_LENGTH_MAX - used, &texts[i]))
            texts[i] = (struct dialog_string){out, 0};
        else if (texts[i].octets == out + used)
            used += texts[i].length;
    }
}

// Compares the beginning of what is left, and takes it off.
static bool begins_with(struct dialog_string *left, const void *octets, uint32_t length)
{
    if (length == 0)
        return true;
    if (left->length < length || !text_same(left->octets, octets, length))
        return false;
    left->octets = (const uint8_t *)left->octets + length;
    left->length -= length;
    return true;
}

// The text at the cursor, which is behind it afterwards if this is true.
static bool cursor_equal(struct cursor *cursor, struct dialog_string wanted)
{
    uint8_t buffer[BUFFER];
    struct piece piece;
    do {
        uint32_t length;
        if (!piece_next(cursor, &piece))
            return false;
        if (piece.prefix != NO_PREFIX &&
            !begins_with(&wanted, text_constants[piece.prefix].octets, text_constants[piece.prefix].length))
            return false;
        if (piece.kind != PIECE_INTERN && piece.length > wanted.length)
            return false;
        const uint8_t *octets = piece_octets(&piece, cursor->source->region, buffer, &length);
        if (!begins_with(&wanted, octets, length))
            return false;
    } while (!piece.last);
    return wanted.length == 0;
}

bool text_equal(const struct text_source *source, unsigned which, struct dialog_string wanted)
{
    struct cursor cursor;
    return cursor_to(&cursor, source, which) && cursor_equal(&cursor, wanted);
}

// Octets NULL: any text will do.
static bool cursor_takes(struct cursor *cursor, struct dialog_string wanted)
{
    return wanted.octets == NULL ? cursor_pass(cursor) : cursor_equal(cursor, wanted);
}

bool text_equal_all(const struct text_source *source, unsigned count, const struct dialog_string *texts)
{
    struct cursor cursor;
    cursor_to(&cursor, source, 0);
    for (unsigned i = 0; i < count; i++) {
        if (!cursor_takes(&cursor, texts[i]))
            return false;
    }
    return true;
}

enum text_order text_order(const struct text_source *source, struct dialog_string first,
                           struct dialog_string a, struct dialog_string b)
{
    struct cursor cursor;
    cursor_to(&cursor, source, 0);
    if (!cursor_equal(&cursor, first))
        return TEXT_NO_ORDER;
    // What a comparison that fails has numbered behind here is numbered anew by the other.
    uint32_t at = cursor.at, numbered = cursor.numbered;
    if (cursor_takes(&cursor, a) && cursor_takes(&cursor, b))
        return TEXT_IN_ORDER;
    cursor.at = at;
    cursor.numbered = numbered;
    return cursor_takes(&cursor, b) && cursor_takes(&cursor, a) ? TEXT_OTHER_ORDER : TEXT_NO_ORDER;
}

void text_release(struct intern *intern, const uint8_t *packed, uint32_t length)
{
    const struct text_source source = {.packed = packed, .length = length};
    struct code code;
    uint32_t size;
    for (uint32_t at = 0; (size = piece_size(&source, at, &code)) != 0; at += size) {
        struct piece piece = {.packed = packed + at + 1};
        if (code.kind == PIECE_INTERN)
            intern_put(intern, piece_ref(&piece));
    }
}
