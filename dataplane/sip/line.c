// SPDX-License-Identifier: BSD-3-Clause
// A line ends with CRLF; a lone LF ends one too, as in most stacks. A lone CR does not: those who forward and
// those who receive read it in different ways, and an edit could turn it into half of a CRLF. It is a fault.
// A line whose first octet is white space goes on with the header before it (RFC 3261 7.3.1). Line ends are
// control octets, so that the marks of control octets find both them and what no header may hold; no octet of
// a value that nobody reads is looked at again.
#include "line.h"
#include "header.h"
#include "scan.h"

static bool is_line_end(const uint8_t *at, const uint8_t *end)
{
    return *at == '\n' || (*at == '\r' && end - at > 1 && at[1] == '\n');
}

static bool is_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t';
}

static const uint8_t *behind_line_end(const uint8_t *at)
{
    return *at == '\r' ? at + 2 : at + 1;
}

#define READ_BEHIND 3 // octets from the end of a line on that plain_line() looks at

void line_mark(struct line_walk *walk)
{
    struct marks *marks = &walk->marks;
    size_t length = (size_t)(walk->end - walk->octets);
    mark_fill(marks, walk->octets, walk->end);
    size_t limit = length < READ_BEHIND ? 0 : length - READ_BEHIND + 1;
    walk->plain = (struct plain){walk->octets, marks, limit < marks->length ? limit : marks->length};
}

// First control octet but HTAB at or behind `at`, or the end.
static const uint8_t *next_control(const struct line_walk *walk, const uint8_t *at)
{
    const struct marks *marks = &walk->marks;
    const uint8_t *behind = marks->from + marks->length;
    if (at < behind)
        at = marks->from + mark_next(marks, MARK_CONTROL, (size_t)(at - marks->from));
    // At the last mark the text ends, or the window does.
    return at < behind || at == walk->end ? at : scan_control(at, walk->end);
}

// First line end at or behind `at`, or end. Sets *bad when a control octet stands before it; all but CR and
// LF may be part of a quoted pair, behind a backslash (RFC 3261 25.1).
static const uint8_t *find_line_end(const struct line_walk *walk, const uint8_t *at, bool *bad)
{
    const uint8_t *end = walk->end;
    for (;;) {
        at = next_control(walk, at);
        if (at == end || is_line_end(at, end))
            return at;
        if (*at == '\r' || at[-1] != '\\')
            *bad = true;
        at++;
    }
}

#define VERSION_LENGTH 7

static bool names_sip(const uint8_t *at, const uint8_t *end)
{
    return end - at >= 4 && scan_same(at, "sip/", 4);
}

// RFC 3261 7.1: SIP-Version is compared without case.
static int check_version(const uint8_t *at, const uint8_t *end)
{
    bool same = end - at == VERSION_LENGTH && scan_same(at, "sip/2.0", VERSION_LENGTH);
    return same ? MESSAGE_FINE : MESSAGE_BAD_VERSION;
}

// Method SP Request-URI SP SIP-Version. The version is the last word, so that a Request-URI with white space
// in it is seen as what it is and answered.
static int request_line(struct line_walk *walk, const uint8_t *end, struct start_line *start)
{
    const uint8_t *at = walk->at;
    const uint8_t *blank = scan_while(at, end, SCAN_TOKEN);
    if (blank == at || blank == end || *blank != ' ')
        return MESSAGE_NOT_SIP;
    const uint8_t *version_end = end;
    const uint8_t *version = end - VERSION_LENGTH;
    if (version <= blank || memcmp(version - 1, " SIP/2.0", VERSION_LENGTH + 1) != 0) {
        while (is_blank(version_end[-1]))
            version_end--;
        version = version_end;
        while (version > blank && !is_blank(version[-1]))
            version--;
    }
    if (version <= blank || !names_sip(version, version_end))
        return MESSAGE_NOT_SIP;
    start->is_request = true;
    start->method = span_between(walk->octets, at, blank);
    if (version > blank + 1)
        start->request_uri = span_between(walk->octets, blank + 1, version - 1);
    int fault = check_version(version, version_end);
    if (fault == MESSAGE_FINE && (version_end != end || start->request_uri.length == 0))
        fault = MESSAGE_BAD_REQUEST_URI;
    return fault;
}

// SIP-Version SP 3DIGIT SP Reason-Phrase; a missing SP before an empty phrase is let pass.
static int status_line(struct line_walk *walk, const uint8_t *end, struct start_line *start)
{
    const uint8_t *blank = walk->at;
    while (blank < end && !is_blank(*blank))
        blank++;
    uint32_t status;
    const uint8_t *code = blank < end ? blank + 1 : end;
    const uint8_t *behind = scan_number(code, end, 699, &status);
    if (behind == NULL || behind - code != 3 || status < 100 || (behind < end && *behind != ' '))
        return MESSAGE_NOT_SIP;
    start->status = (uint16_t)status;
    start->reason = span_between(walk->octets, behind < end ? behind + 1 : end, end);
    return check_version(walk->at, blank);
}

int line_open(struct line_walk *walk, const uint8_t *octets, uint32_t length)
{
    // Not all at once: the marks are 0.8 kB.
    walk->octets = walk->at = walk->end = walk->marks.from = octets;
    walk->plain.limit = 0;
    walk->fault = MESSAGE_FINE;
    walk->count = 0;
    walk->complete = false;
    walk->marks.length = 0;
    if (length > MESSAGE_SIZE_MAX)
        return MESSAGE_TOO_LONG;
    walk->end = octets + length;
    // RFC 3261 7.5: line ends before the start line are ignored.
    while (walk->at < walk->end && (*walk->at == '\r' || *walk->at == '\n'))
        walk->at++;
    // What starts no token can be no start line, and find_line_end() must not look at the octet before the
    // first.
    return walk->at < walk->end && scan_is(*walk->at, SCAN_TOKEN) ? MESSAGE_FINE : MESSAGE_NOT_SIP;
}

// The line ends at `end`.
static int read_start(struct line_walk *walk, const uint8_t *end, struct start_line *start)
{
    memset(start, 0, sizeof(*start));
    int fault = names_sip(walk->at, end) ? status_line(walk, end, start) : request_line(walk, end, start);
    walk->at = behind_line_end(end);
    return fault;
}

int line_start_to(struct line_walk *walk, const uint8_t *feed, struct start_line *start)
{
    return read_start(walk, feed[-1] == '\r' ? feed - 1 : feed, start);
}

int line_start(struct line_walk *walk, struct start_line *start)
{
    bool bad = false;
    const uint8_t *end = find_line_end(walk, walk->at, &bad);
    if (end == walk->end)
        return MESSAGE_NOT_SIP;
    int fault = read_start(walk, end, start);
    if (fault == MESSAGE_FINE && bad)
        fault = start->is_request ? MESSAGE_BAD_REQUEST_URI : MESSAGE_BAD_HEADER_LINE;
    return fault;
}

static void note_fault(struct line_walk *walk, int fault)
{
    if (walk->fault == MESSAGE_FINE)
        walk->fault = fault;
}

// The line end behind which no continuation follows, or end when the datagram ends in the line.
static const uint8_t *find_header_end(const struct line_walk *walk, const uint8_t *at, bool *bad)
{
    const uint8_t *end = walk->end;
    for (;;) {
        at = find_line_end(walk, at, bad);
        if (at == end)
            return end;
        const uint8_t *behind = behind_line_end(at);
        if (behind == end || !is_blank(*behind))
            return at;
        at = behind;
    }
}

bool line_header(struct line_walk *walk, struct header_field *field)
{
    const uint8_t *end = walk->end;
    while (walk->at < end) {
        const uint8_t *line = walk->at;
        if (is_line_end(line, end)) {
            walk->at = behind_line_end(line);
            walk->complete = true;
            return false;
        }
        if (line >= walk->marks.from + walk->marks.length) {
            mark_fill(&walk->marks, line, end);
            walk->plain.limit = 0;
        }
        const uint8_t *name_end = scan_while(mark_skip(&walk->marks, MARK_WORD, line, end), end, SCAN_TOKEN);
        const uint8_t *colon = name_end;
        // RFC 3261 25.1 HCOLON: white space, but no fold, may stand before the colon.
        while (colon < end && is_blank(*colon))
            colon++;
        bool bad = name_end == line || colon == end || *colon != ':';
        const uint8_t *line_end = find_header_end(walk, colon, &bad);
        if (line_end == end)
            break;
        walk->at = behind_line_end(line_end);
        if (bad) {
            note_fault(walk, MESSAGE_BAD_HEADER_LINE);
            continue;
        }
        if (walk->count == MESSAGE_HEADERS_MAX) {
            note_fault(walk, MESSAGE_TOO_MANY_HEADERS);
            return false;
        }
        walk->count++;
        const uint8_t *value = scan_while(colon + 1, line_end, SCAN_LWS);
        while (line_end > value && scan_is(line_end[-1], SCAN_LWS))
            line_end--;
        field->line = span_between(walk->octets, line, walk->at);
        field->value = span_between(walk->octets, value, line_end);
        field->kind = (uint16_t)header_find(line, (size_t)(name_end - line));
        return true;
    }
    walk->at = end;
    note_fault(walk, MESSAGE_CUT);
    return false;
}
