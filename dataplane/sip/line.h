// SPDX-License-Identifier: BSD-3-Clause
// The lines of a message: the one walk that both message_parse() and peek_call_id() use, so that they cannot
// disagree about where a header begins and ends. Private to dataplane/sip.
#ifndef DIALGATE_SIP_LINE_H
#define DIALGATE_SIP_LINE_H

#include "plain.h"

struct line_walk {
    const uint8_t *octets;
    const uint8_t *at;
    const uint8_t *end;
    int fault;          // the first one found by the walk
    uint16_t count;     // header lines handed out
    bool complete;      // the empty line was found; `at` is behind it
    struct plain plain; // no limit: `at` is not in it
    struct marks marks; // of the message's begin, or of what lies around `at`
};

// Begins a walk over octets[0, length) at the start line, with nothing marked. Returns MESSAGE_FINE; or
// MESSAGE_NOT_SIP or MESSAGE_TOO_LONG, and then there is nothing to walk.
int line_open(struct line_walk *walk, const uint8_t *octets, uint32_t length);

// Marks the message. What is not marked when it is walked over is read by the octet, or marked then.
void line_mark(struct line_walk *walk);

// Reads the start line. Returns MESSAGE_FINE, or a fault: after MESSAGE_NOT_SIP there is nothing to walk,
// after others line_header() works.
int line_start(struct line_walk *walk, struct start_line *start);

// The same when the first line feed is known, but for control octets in the line, which are not looked for.
int line_start_to(struct line_walk *walk, const uint8_t *feed, struct start_line *start);

// Reads the next well-formed header line. Returns false behind the last one: see walk->complete and
// walk->fault.
bool line_header(struct line_walk *walk, struct header_field *field);

#endif
