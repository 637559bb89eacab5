// SPDX-License-Identifier: BSD-3-Clause
// Reading what text_pack() wrote. A cursor walks the pieces from the first one and remembers where the first
// numbered ones lie, so that a copy is found without a second walk. Tags and Call-IDs are packed first: the
// way to them is one to three pieces. Each step checks its bounds again, which costs less than to say where
// it may be left out.
#include "text.h"

#include <string.h>

#include "text_code.h"

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

// What a code means. For copies and constants length is which one.
struct code {
    uint8_t kind;
    uint8_t length;        // of the text; 0: an octet or two behind the code say it, or the region
    uint8_t packed;        // octets behind the code (and the length)
    uint8_t length_octets; // of a length behind the code
    uint8_t prefix;        // enum text_constant before it, or NO_PREFIX
};

#define EIGHT(row, n)                                                                                        \
    row((n)), row((n) + 1), row((n) + 2), row((n) + 3), row((n) + 4), row((n) + 5), row((n) + 6), row((n) + 7)
#define SIXTEEN(row, n) EIGHT(row, n), EIGHT(row, (n) + 8)
#define LITERAL(n)                                                                                           \
    {                                                                                                        \
        PIECE_LITERAL, (n), (n), 0, NO_PREFIX                                                                \
    }
#define TOKEN(n)                                                                                             \
    {                                                                                                        \
        PIECE_TOKEN, (n), ((n)*6 + 7) / 8, 0, NO_PREFIX                                                      \
    }
#define HEX(n)                                                                                               \
    {                                                                                                        \
        PIECE_HEX, 2 * (n), (n), 0, NO_PREFIX                                                                \
    }
#define DIGITS(n)                                                                                            \
    {                                                                                                        \
        PIECE_DIGITS, 2 * (n), (n), 0, NO_PREFIX                                                             \
    }
#define SIP_DIGITS(n)                                                                                        \
    {                                                                                                        \
        PIECE_DIGITS, 2 * (n), (n), 0, TEXT_IS_SIP                                                           \
    }
#define LT_SIP_DIGITS(n)                                                                                     \
    {                                                                                                        \
        PIECE_DIGITS, 2 * (n), (n), 0, TEXT_IS_LT_SIP                                                        \
    }
#define COPY(n)                                                                                              \
    {                                                                                                        \
        PIECE_COPY, (n), 0, 0, NO_PREFIX                                                                     \
    }
#define SIP_COPY(n)                                                                                          \
    {                                                                                                        \
        PIECE_COPY, (n), 0, 0, TEXT_IS_SIP                                                                   \
    }
#define NAME(n)                                                                                              \
    {                                                                                                        \
        PIECE_NAME, (n) + 3, ((n)*6 + 7) / 8, 0, NO_PREFIX                                                   \
    }
#define CONSTANT(n)                                                                                          \
    {                                                                                                        \
        PIECE_CONSTANT, 0, 0, 0, (n)                                                                         \
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
    [TEXT_EMPTY] = {PIECE_EMPTY, 0, 0, 0, NO_PREFIX},
    [TEXT_UUID] = {PIECE_UUID, TEXT_UUID_LENGTH, TEXT_UUID_PACKED, 0, NO_PREFIX},
    [TEXT_UUID_UPPER] = {PIECE_UUID_UPPER, TEXT_UUID_LENGTH, TEXT_UUID_PACKED, 0, NO_PREFIX},
    [TEXT_INTERN3] = {PIECE_INTERN, 0, 3, 0, NO_PREFIX},
    [TEXT_INTERN4] = {PIECE_INTERN, 0, 4, 0, NO_PREFIX},
    [TEXT_LITERAL_LONG] = {PIECE_LITERAL, 0, 0, 2, NO_PREFIX},
    [TEXT_HEX_LONG] = {PIECE_HEX, 0, 0, 1, NO_PREFIX},
    [TEXT_HEX_UPPER_LONG] = {PIECE_HEX_UPPER, 0, 0, 1, NO_PREFIX},
};

const struct text_constant_octets text_constants[TEXT_CONSTANTS] = {
    [TEXT_IS_SIP] = {4, "sip:"},
    [TEXT_IS_LT_SIP] = {5, "<sip:"},
    [TEXT_IS_GT] = {1, ">"},
    [TEXT_IS_AT] = {1, "@"},
    [TEXT_IS_LR] = {3, ";lr"},
    [TEXT_IS_FTAG] = {6, ";ftag="},
    [TEXT_IS_TRANSPORT_UDP] = {14, ";transport=udp"},
    [TEXT_IS_SIPS] = {5, "sips:"},
};

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

// Decodes the piece at `at`. Returns the octets that it takes, or 0 when it is damaged.
static inline uint32_t piece_at(const struct text_source *source, uint32_t at, struct piece *piece)
{
    const uint8_t *octets = source->packed + at;
    uint32_t left = source->length - at;
    if (left == 0)
        return 0;
    const struct code *code = &codes[octets[0] & ~TEXT_LAST];
    uint32_t packed = code->packed;
    uint32_t head = 1u + code->length_octets;
    *piece = (struct piece){.kind = code->kind,
                            .prefix = code->prefix,
                            .last = (octets[0] & TEXT_LAST) != 0,
                            .length = code->length,
                            .packed = octets + head};
    if (left < head)
        return 0;
    if (code->length_octets != 0) {
        packed = octets[1];
        if (code->length_octets == 2)
            packed |= (uint32_t)octets[2] << 8;
        piece->length = (uint16_t)packed;
        if (code->kind != PIECE_LITERAL)
            packed = (packed + 1) / 2;
    }
    if (left - head < packed)
        return 0;
    if (code->kind == PIECE_DIGITS && (piece->packed[packed - 1] & 15u) == TEXT_DIGIT_NONE)
        piece->length--;
    return head + packed;
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
        size = 1;
    } else if (piece->kind < PIECE_COPY && cursor->numbered < TEXT_COPIES) {
        cursor->places[cursor->numbered++] = (uint16_t)cursor->at;
    }
    cursor->at += size;
    return true;
}

static bool cursor_to(struct cursor *cursor, const struct text_source *source, unsigned which)
{
    struct piece piece;
    cursor->source = source;
    cursor->at = 0;
    cursor->numbered = 0;
    while (which > 0) {
        if (!piece_next(cursor, &piece))
            return false;
        which -= piece.last;
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

// Eight digits of four octets, the first one in the lowest octet. A half octet over 9 needs `letters` more.
static uint64_t hex_eight(const uint8_t *packed, uint64_t letters)
{
    uint32_t word;
    memcpy(&word, packed, sizeof(word));
    uint64_t x = word;
    x = (x | x << 16) & 0x0000ffff0000ffffull;
    x = (x | x << 8) & 0x00ff00ff00ff00ffull;
    x = (x >> 4 & 0x000f000f000f000full) | (x & 0x000f000f000f000full) << 8;
    uint64_t over = (x + 0x0606060606060606ull) >> 4 & 0x0101010101010101ull;
    return x + 0x3030303030303030ull + over * letters;
}

static void hex_unpack(const uint8_t *packed, uint32_t length, uint8_t *out, bool upper)
{
    const uint64_t letters = upper ? 'A' - '9' - 1 : 'a' - '9' - 1;
    uint32_t at = 0;
    for (; at + 8 <= length; at += 8) {
        uint64_t eight = hex_eight(packed + at / 2, letters);
        memcpy(out + at, &eight, sizeof(eight));
    }
    if (at < length) {
        uint8_t rest[4] = {0};
        memcpy(rest, packed + at / 2, (length - at + 1) / 2);
        uint64_t eight = hex_eight(rest, letters);
        memcpy(out + at, &eight, length - at);
    }
}

static void uuid_unpack(const uint8_t *packed, uint8_t *out, bool upper)
{
    uint8_t digits[2 * TEXT_UUID_PACKED];
    hex_unpack(packed, sizeof(digits), digits, upper);
    memcpy(out, digits, 8);
    memcpy(out + 9, digits + 8, 4);
    memcpy(out + 14, digits + 12, 4);
    memcpy(out + 19, digits + 16, 4);
    memcpy(out + 24, digits + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
}

static void sixes_unpack(const uint8_t *packed, uint32_t length, uint8_t *out, const char *symbols)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (uint32_t i = 0; i < length; i++) {
        if (have < 6) {
            bits = bits << 8 | *packed++;
            have += 8;
        }
        have -= 6;
        out[i] = (uint8_t)symbols[bits >> have & 63u];
    }
}

static void digits_unpack(const uint8_t *packed, uint32_t length, uint8_t *out)
{
    for (uint32_t i = 0; i < length; i++)
        out[i] = (uint8_t)TEXT_DIGIT_SYMBOLS[i % 2 == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15u];
}

// The octets that a piece stands for: where they lie, or restored into buffer.
static const uint8_t *piece_octets(const struct piece *piece, struct region region,
                                   uint8_t buffer[TEXT_HEX_MAX], uint32_t *length)
{
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
        hex_unpack(piece->packed, piece->length, buffer, piece->kind == PIECE_HEX_UPPER);
        break;
    case PIECE_UUID:
    case PIECE_UUID_UPPER:
        uuid_unpack(piece->packed, buffer, piece->kind == PIECE_UUID_UPPER);
        break;
    case PIECE_DIGITS:
        digits_unpack(piece->packed, piece->length, buffer);
        break;
    case PIECE_TOKEN:
        sixes_unpack(piece->packed, piece->length, buffer, TEXT_TOKEN_SYMBOLS);
        break;
    case PIECE_NAME:
        buffer[0] = '"';
        sixes_unpack(piece->packed, piece->length - 3u, buffer + 1, TEXT_NAME_SYMBOLS);
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
        if (piece.prefix != NO_PREFIX)
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

uint32_t text_unpack(const struct text_source *source, unsigned which, void *out, uint32_t room)
{
    uint8_t buffer[TEXT_HEX_MAX];
    struct cursor cursor;
    struct piece piece;
    uint32_t total;
    uint8_t *to = out;
    if (!cursor_to(&cursor, source, which))
        return 0;
    struct cursor start = cursor;
    if (!text_measure(&cursor, false, &total) || total > room)
        return total;
    do {
        uint32_t length;
        piece_next(&start, &piece);
        if (piece.prefix != NO_PREFIX) {
            const struct text_constant_octets *prefix = &text_constants[piece.prefix];
            memcpy(to, prefix->octets, prefix->length);
            to += prefix->length;
        }
        const uint8_t *octets = piece_octets(&piece, source->region, buffer, &length);
        if (length != 0)
            memcpy(to, octets, length);
        to += length;
    } while (!piece.last);
    return total;
}

// Compares the beginning of what is left, and takes it off.
static bool begins_with(struct dialog_string *left, const void *octets, uint32_t length)
{
    if (length == 0)
        return true;
    if (left->length < length || memcmp(left->octets, octets, length) != 0)
        return false;
    left->octets = (const uint8_t *)left->octets + length;
    left->length -= length;
    return true;
}

bool text_equal(const struct text_source *source, unsigned which, struct dialog_string wanted)
{
    uint8_t buffer[TEXT_HEX_MAX];
    struct cursor cursor;
    struct piece piece;
    if (!cursor_to(&cursor, source, which))
        return false;
    do {
        uint32_t length;
        if (!piece_next(&cursor, &piece))
            return false;
        if (piece.prefix != NO_PREFIX &&
            !begins_with(&wanted, text_constants[piece.prefix].octets, text_constants[piece.prefix].length))
            return false;
        if (piece.kind != PIECE_INTERN && piece.length > wanted.length)
            return false;
        const uint8_t *octets = piece_octets(&piece, source->region, buffer, &length);
        if (!begins_with(&wanted, octets, length))
            return false;
    } while (!piece.last);
    return wanted.length == 0;
}

void text_release(struct intern *intern, const uint8_t *packed, uint32_t length)
{
    const struct text_source source = {.packed = packed, .length = length};
    struct piece piece;
    uint32_t size;
    for (uint32_t at = 0; (size = piece_at(&source, at, &piece)) != 0; at += size)
        if (piece.kind == PIECE_INTERN)
            intern_put(intern, piece_ref(&piece));
}
