// SPDX-License-Identifier: BSD-3-Clause
// One pass over octets leaves a bit for each: where is a control octet, where does a word end, where does a
// URI end. Who reads the text afterwards goes from bit to bit. Marks only skip ahead: what stands at a mark
// is decided by the octet and scan_class. Private to dataplane/sip.
#ifndef DIALGATE_SIP_MARK_H
#define DIALGATE_SIP_MARK_H

#include "scan.h"

#define MARK_BLOCK 64u // octets marked at a time
#define MARK_WINDOW                                                                                          \
    4096u // octets marked at most: nearly every header part; of what lies behind, lines are marked again
#define MARK_WORDS (MARK_WINDOW / MARK_BLOCK)

enum mark_class {
    MARK_CONTROL, // scan_is_control()
    MARK_WORD,    // not SCAN_HOST
    MARK_URI,     // not SCAN_URI, and the backslash, at which quoted strings stop
    MARK_CLASS_COUNT
};

// Places are offsets from `from`. Bits are in the order of octets, so that they can be loaded from any octet
// of the arrays on.

struct marks {
    const uint8_t *from;
    uint32_t length; // octets from `from` on that are marked. All bits of the block behind them are set, and
                     // so are those behind the end of the text in its last block
    uint64_t bits[MARK_CLASS_COUNT][MARK_WORDS + 1];
};

// Ways to do the same. The first marks nothing: then the octet loops read everything, and still faster than
// by the marks of the second, which is there to compare with. The last two take a processor with BMI2 too.
enum mark_level { MARK_NONE, MARK_SCALAR, MARK_SSE, MARK_AVX2, MARK_AVX512, MARK_LEVEL_COUNT };

// Marks octets from `from` on: up to `end`, to the end of the window, or to about the first empty line,
// whichever comes first; at least one block or up to `end`. Uses the best level of this processor.
void mark_fill(struct marks *marks, const uint8_t *from, const uint8_t *end);

// The same without what lies before the block of a place in the window, whose marks are then undefined.
void mark_fill_part(struct marks *marks, const uint8_t *from, size_t place, const uint8_t *end);

// Whether the level in use is one of the last two. Written with the level, read by all.
HIDDEN extern bool mark_has_bmi2;

// For tests: makes mark_fill() use this level. Returns false, and changes nothing, where the processor lacks
// it.
bool mark_use(enum mark_level level);

// mark_next() where the next 57 octets have no bit.
size_t mark_next_far(const struct marks *marks, enum mark_class class, size_t place);

// The first place at or behind `place` with a mark of a class, or the place behind the last one marked.
// `place` must not be more than 7 behind marks->length.
ALWAYS_INLINE size_t mark_next(const struct marks *marks, enum mark_class class, size_t place)
{
    // 57 bits at least, wherever the edges of blocks are: a branch there could not be foreseen.
    uint64_t word = scan_load((const uint8_t *)marks->bits[class] + place / 8, 8) >> place % 8;
    if (__builtin_expect(word == 0, 0))
        return mark_next_far(marks, class, place);
    return place + (size_t)__builtin_ctzll(word);
}

// mark_next() of what is mostly farther away than one word reaches, and within two.
ALWAYS_INLINE size_t mark_next_line(const struct marks *marks, enum mark_class class, size_t place)
{
    const uint8_t *at = (const uint8_t *)marks->bits[class] + place / 8;
    uint64_t word = scan_load(at, 8) >> place % 8;
    if (word != 0)
        return place + (size_t)__builtin_ctzll(word);
    // Where the first has no bit, the block behind the last one is not before the second.
    word = scan_load(at + 8, 8);
    if (__builtin_expect(word == 0, 0))
        return mark_next_far(marks, class, place);
    return place / 8 * 8 + 64 + (size_t)__builtin_ctzll(word);
}

// The first octet at or behind `at` with a mark of a class, or end; `at` itself where nothing is marked.
static inline const uint8_t *mark_skip(const struct marks *marks, enum mark_class class, const uint8_t *at,
                                       const uint8_t *end)
{
    if (at < marks->from || (size_t)(at - marks->from) >= marks->length)
        return at;
    const uint8_t *next = marks->from + mark_next(marks, class, (size_t)(at - marks->from));
    return next < end ? next : end;
}

#endif
