// SPDX-License-Identifier: BSD-3-Clause
// The lines of a message: the one walk that both message_parse() and peek_call_id() use, so that they cannot
// disagree about where a header begins and ends. Private to dataplane/sip.
#ifndef DIALGATE_SIP_LINE_H
#define DIALGATE_SIP_LINE_H

#include "mark.h"
#include "message.h"

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
    int fault;          // the first one found by the walk
    uint16_t count;     // header lines handed out
    bool complete;      // the empty line was found; `at` is behind it
    struct marks marks; // of what lies around `at`, once the start line was read
};

// Begins a walk over octets[0, length) and reads the start line. Returns MESSAGE_FINE, or a fault: after
// MESSAGE_NOT_SIP and MESSAGE_TOO_LONG there is nothing to walk, after others line_header() works.
int line_start(struct line_walk *walk, const uint8_t *octets, uint32_t length, struct start_line *start);

// Reads the next well-formed header line. Returns false behind the last one: see walk->complete and
// walk->fault.
bool line_header(struct line_walk *walk, struct header_field *field);

#endif
