// SPDX-License-Identifier: BSD-3-Clause
// Every line ends with a line feed, and no line feed stands within one. So the quick scan goes from line feed
// to line feed and looks at the octet behind: an empty line ends the headers, and a line that begins like a
// Call-ID is read as message_parse() reads it. Where that finds anything but a good Call-ID, or where there
// are so many lines that it might have stopped before, the slow walk decides.
#include "line.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// The same walk as message_parse(), which keeps the first Call-ID line whatever its value is worth; here it
// stops there.
static bool walk_all(const uint8_t *octets, uint32_t length, struct span *call_id)
{
    struct line_walk walk;
    struct start_line start;
    struct header_field field;
    if (line_open(&walk, octets, length) != MESSAGE_FINE)
        return false;
    line_mark(&walk);
    if (line_start(&walk, &start) == MESSAGE_NOT_SIP)
        return false;
    while (line_header(&walk, &field)) {
        if (field.kind != HEADER_CALL_ID)
            continue;
        *call_id = field.value;
        return field.value.length != 0;
    }
    return false;
}

enum look { LOOK_ON, LOOK_END, LOOK_HERE };

// What the line at `at` may be. It is not empty text: at < end.
static inline enum look look(const uint8_t *at, const uint8_t *end)
{
    switch (*at) {
    case '\n':
        return LOOK_END;
    case '\r':
        return end - at > 1 && at[1] == '\n' ? LOOK_END : LOOK_ON;
    case 'c':
    case 'C':
        return end - at > 7 && scan_same(at, "call-id", 7) ? LOOK_HERE : LOOK_ON;
    case 'i':
    case 'I':
        return end - at > 1 && (at[1] == ':' || at[1] == ' ' || at[1] == '\t') ? LOOK_HERE : LOOK_ON;
    default:
        return LOOK_ON;
    }
}

// Where the line feeds of 32 octets are.
static inline uint32_t feeds_of(const uint8_t *at)
{
#if defined(__SSE2__)
    const __m128i feed = _mm_set1_epi8('\n');
    __m128i low = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)at), feed);
    __m128i high = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(at + 16)), feed);
    return (uint32_t)_mm_movemask_epi8(high) << 16 | (uint32_t)_mm_movemask_epi8(low);
#else
    uint32_t feeds = 0;
    for (unsigned i = 0; i < 32; i++)
        feeds |= (uint32_t)(at[i] == '\n') << i;
    return feeds;
#endif
}

// The first line feed at or behind `at`, or end.
static const uint8_t *find_feed(const uint8_t *at, const uint8_t *end)
{
    for (; end - at >= 32; at += 32) {
        uint32_t feeds = feeds_of(at);
        if (feeds != 0)
            return at + __builtin_ctz(feeds);
    }
    while (at < end && *at != '\n')
        at++;
    return at;
}

// Looks at the lines from walk->at on, and leaves it at the first that is not LOOK_ON. *lines counts those
// passed.
static inline enum look look_along(struct line_walk *walk, unsigned *lines)
{
    const uint8_t *end = walk->end;
    // The line feed before the first line.
    const uint8_t *at = walk->at - 1;
    for (; end - at > 32; at += 32)
        for (uint32_t feeds = feeds_of(at); feeds != 0; feeds &= feeds - 1, ++*lines) {
            const uint8_t *line = at + __builtin_ctz(feeds) + 1;
            enum look found = look(line, end);
            if (found == LOOK_ON)
                continue;
            walk->at = line;
            return found;
        }
    for (; (at = find_feed(at, end)) < end - 1; at++, ++*lines) {
        enum look found = look(at + 1, end);
        if (found == LOOK_ON)
            continue;
        walk->at = at + 1;
        return found;
    }
    return LOOK_END;
}

// Name ":" [ SP ] value CRLF, without a fold behind, and with a value of octets that may stand in a URI.
static bool read_plain(const struct line_walk *walk, struct span *call_id)
{
    const uint8_t *end = walk->end;
    const uint8_t *colon = walk->at + ((*walk->at | 0x20) == 'i' ? 1 : 7);
    if (end - colon < 2 || *colon != ':')
        return false;
    const uint8_t *value = colon + 1 + (colon[1] == ' ');
    const uint8_t *feed = find_feed(value, end);
    if (end - feed < 2 || feed[1] == ' ' || feed[1] == '\t' || feed - value < 2 || feed[-1] != '\r' ||
        scan_while(value, feed - 1, SCAN_URI) != feed - 1)
        return false;
    *call_id = span_between(walk->octets, value, feed - 1);
    return true;
}

// What most lines are: one of which read_start() would not say MESSAGE_NOT_SIP.
static inline bool starts_plain(const uint8_t *at, const uint8_t *feed)
{
    static const char version[] = " SIP/2.0\r", status[] = "SIP/2.0 ";
    if (feed - at < 14)
        return false;
    if (memcmp(at, status, sizeof(status) - 1) == 0)
        return at[8] >= '1' && at[8] <= '6' && scan_is(at[9], SCAN_DIGIT) && scan_is(at[10], SCAN_DIGIT) &&
               at[11] == ' ';
    return feed - at > 24 && memcmp(feed - (sizeof(version) - 1), version, sizeof(version) - 1) == 0 &&
           (memcmp(at, "INVITE ", 7) == 0 || memcmp(at, "ACK ", 4) == 0 || memcmp(at, "BYE ", 4) == 0);
}

bool peek_call_id(const uint8_t *octets, uint32_t length, struct span *call_id)
{
    struct line_walk walk;
    struct start_line start;
    unsigned lines = 0;
    if (line_open(&walk, octets, length) != MESSAGE_FINE)
        return false;
    const uint8_t *feed = find_feed(walk.at, walk.end);
    if (feed == walk.end)
        return false;
    if (starts_plain(walk.at, feed))
        walk.at = feed + 1;
    else if (line_start_to(&walk, feed, &start) == MESSAGE_NOT_SIP)
        return false;
    enum look found = look_along(&walk, &lines);
    if (lines < MESSAGE_HEADERS_MAX) {
        if (found == LOOK_END)
            return false;
        if (read_plain(&walk, call_id))
            return true;
    }
    return walk_all(octets, length, call_id);
}
