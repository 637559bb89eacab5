// SPDX-License-Identifier: BSD-3-Clause
// A message from parts, into the caller's buffer. Header values come from applications, too: whatever would
// begin another line, or end the message, is refused. Faults are kept until the end, so that only build_end()
// needs a check.
//
//     build_request(&build, buffer, size, "BYE", uri)
//     build_header(&build, HEADER_CALL_ID, text)   ... each header, in the order they shall stand
//     length = build_end(&build, body, body_length)
#ifndef DIALGATE_SIP_BUILD_H
#define DIALGATE_SIP_BUILD_H

#include "message.h"
#include "write.h"

enum build_fault {
    BUILD_NO_ROOM = -1,    // the buffer is too small
    BUILD_BAD_TEXT = -2,   // CR, LF, NUL or another control octet in what becomes a line
    BUILD_BAD_NAME = -3,   // a header name or method that is no token
    BUILD_BAD_STATUS = -4, // not 100 .. 699
    BUILD_BAD_URI = -5     // a Request-URI that uri_parse() refuses, or with headers
};

struct build {
    struct writer writer;
    uint32_t value; // offset of the header value that is open
    int fault;      // 0, or the first enum build_fault
};

// Begins a request. method: a token, also one that we do not know.
void build_request(struct build *build, void *buffer, uint32_t size, const char *method, const char *uri);

// Begins a response.
void build_response(struct build *build, void *buffer, uint32_t size, uint16_t status, const char *reason);

// One header line. Content-Length is build_end()'s.
void build_header(struct build *build, enum sip_header kind, const char *value);
void build_header_named(struct build *build, const char *name, const char *value);

// A header line whose value the caller writes to the returned writer, up to build_close().
struct writer *build_open(struct build *build, enum sip_header kind);
void build_close(struct build *build);

// Ends the message: Content-Length, the empty line, the body (which may be any octets). Returns the octets
// written, or an enum build_fault.
int build_end(struct build *build, const void *body, uint32_t length);

#endif
