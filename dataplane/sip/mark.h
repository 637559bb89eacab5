// SPDX-License-Identifier: BSD-3-Clause
// One pass over octets leaves a bit for each: where is a control octet, where does a word end, where does a
// URI end. Who reads the text afterwards goes from bit to bit. Marks only skip ahead: what stands at a mark
// is decided by the octet and scan_class. Private to dataplane/sip.
#ifndef DIALGATE_SIP_MARK_H
#define DIALGATE_SIP_MARK_H

#include "scan.h"

#define MARK_BLOCK 64u // octets marked at a time
#define MARK_WINDOW                                                                                          \
    2048u // octets marked at most: nearly every header part; what lies behind is read by the octet loops
#define MARK_WORDS (MARK_WINDOW / MARK_BLOCK)

struct marks {
    const uint8_t *from;
    uint32_t length; // octets from `from` on that are marked. The bit behind the last is set in all three
    uint64_t control[MARK_WORDS + 1]; // scan_is_control()
    uint64_t word[MARK_WORDS + 1];    // not SCAN_HOST
    uint64_t uri[MARK_WORDS + 1];     // not SCAN_URI, and the backslash, at which quoted strings stop
};

// Ways to do the same, from the slowest to the fastest. The first marks nothing: then the octet loops read
// everything.
enum mark_level { MARK_NONE, MARK_SCALAR, MARK_SSE, MARK_AVX2, MARK_AVX512, MARK_LEVEL_COUNT };

// Marks octets from `from` on: up to `end`, to the end of the window, or to about the first empty line,
// whichever comes first; at least one block or up to `end`. Uses the best level of this processor.
void mark_fill(struct marks *marks, const uint8_t *from, const uint8_t *end);

// For tests: makes mark_fill() use this level. Returns false, and changes nothing, where the processor lacks
// it.
bool mark_use(enum mark_level level);

// The first octet at or behind `at` with a bit in bits, which is one of marks' three, or the octet behind the
// last one marked. `at` must lie within the marks.
static inline const uint8_t *mark_next(const struct marks *marks, const uint64_t *bits, const uint8_t *at)
{
    size_t place = (size_t)(at - marks->from);
    size_t index = place / 64;
    uint64_t word = bits[index] >> place % 64;
    if (word != 0)
        return at + (unsigned)__builtin_ctzll(word);
    // Ends at the bit behind the last.
    do
        word = bits[++index];
    while (word == 0);
    return marks->from + index * 64 + (unsigned)__builtin_ctzll(word);
}

// The same up to `end`, and `at` itself where nothing is marked.
static inline const uint8_t *mark_skip(const struct marks *marks, const uint64_t *bits, const uint8_t *at,
                                       const uint8_t *end)
{
    if ((size_t)(at - marks->from) >= marks->length)
        return at;
    const uint8_t *next = mark_next(marks, bits, at);
    return next < end ? next : end;
}

#endif
