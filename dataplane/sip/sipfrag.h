// SPDX-License-Identifier: BSD-3-Clause
// message/sipfrag (RFC 3420): a part of a message; in a NOTIFY of a REFER a status line (RFC 3515 2.4.5).
#ifndef DIALGATE_SIP_SIPFRAG_H
#define DIALGATE_SIP_SIPFRAG_H

#include "message.h"
#include "write.h"

struct sipfrag {
    uint16_t status; // 100 .. 699; 0: no status line
    struct span reason;
    struct span method;      // of a request line; length 0: none
    struct span request_uri; // not checked
    struct span rest;        // behind the start line, or all when there is none: header lines, a body
};

// Reads the start line; many senders leave out the line end behind it. Returns 0; or -1: neither a start line
// nor a header line begins the text.
int sipfrag_read(const uint8_t *octets, struct span body, struct sipfrag *frag);

// Writes a status line with its line end.
void write_sipfrag(struct writer *writer, uint16_t status, const char *reason);

#endif
