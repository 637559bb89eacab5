// SPDX-License-Identifier: BSD-3-Clause
// The lines of a message: the one walk that both message_parse() and peek_call_id() use, so that they cannot
// disagree about where a header begins and ends. Private to dataplane/sip.
#ifndef DIALGATE_SIP_LINE_H
#define DIALGATE_SIP_LINE_H

#include "header.h"
#include "mark.h"

struct start_line {
    struct span method;
    struct span request_uri; // not yet checked
    struct span reason;
    uint16_t offset; // of its first octet
    uint16_t status; // 0 of a request
    bool is_request;
};

struct line_walk {
    const uint8_t *octets;
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *plain_end; // lines that begin before it are marked, and 8 octets of theirs can be read
    int fault;                // the first one found by the walk
    uint16_t count;           // header lines handed out
    bool complete;            // the empty line was found; `at` is behind it
    struct marks marks;       // of what lies around `at`, once the start line was read
};

// Begins a walk over octets[0, length) at the start line, with nothing marked. Returns MESSAGE_FINE; or
// MESSAGE_NOT_SIP or MESSAGE_TOO_LONG, and then there is nothing to walk.
int line_open(struct line_walk *walk, const uint8_t *octets, uint32_t length);

// Marks from walk->at on, `most` octets at most. What is not marked when it is walked over is read by the
// octet, or marked then.
void line_mark(struct line_walk *walk, size_t most);

// Reads the start line. Returns MESSAGE_FINE, or a fault: after MESSAGE_NOT_SIP there is nothing to walk,
// after others line_header() works.
int line_start(struct line_walk *walk, struct start_line *start);

// The same when the first line feed is known, but for control octets in the line, which are not looked for.
int line_start_to(struct line_walk *walk, const uint8_t *feed, struct start_line *start);

// Reads a line of any shape; the rest is as line_header().
bool line_header_any(struct line_walk *walk, struct header_field *field);

// Nearly all lines: a name of letters, digits and hyphens, a colon, a space or none, a value, CRLF, and no
// fold behind. Returns false, and leaves all as it was, when the line is another.
static inline bool line_header_plain(struct line_walk *walk, struct header_field *field)
{
    const struct marks *marks = &walk->marks;
    const uint8_t *line = walk->at;
    if (line >= walk->plain_end || walk->count == MESSAGE_HEADERS_MAX)
        return false;
    const uint8_t *line_end = mark_next(marks, marks->control, line);
    if (walk->end - line_end < 3 || memcmp(line_end, "\r\n", 2) != 0 || line_end[2] == ' ' ||
        line_end[2] == '\t')
        return false;
    // Control octets end words too: this is not behind line_end.
    const uint8_t *colon = mark_next(marks, marks->word, line);
    if (*colon != ':' || colon == line)
        return false;
    // An empty value, or white space that does not belong to one, at either end.
    const uint8_t *value = colon + 1 + (colon[1] == ' ');
    if (*value <= ' ' || line_end[-1] <= ' ')
        return false;
    walk->at = line_end + 2;
    walk->count++;
    field->line = span_between(walk->octets, line, line_end + 2);
    field->value = span_between(walk->octets, value, line_end);
    field->kind = (uint16_t)header_find_word(line, (size_t)(colon - line));
    return true;
}

// Reads the next well-formed header line. Returns false behind the last one: see walk->complete and
// walk->fault. Until the next call the marks are of this line.
static inline bool line_header(struct line_walk *walk, struct header_field *field)
{
    return line_header_plain(walk, field) || line_header_any(walk, field);
}

#endif
