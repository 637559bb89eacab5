// SPDX-License-Identifier: BSD-3-Clause
// Percent escapes of URIs (RFC 3261 19.1.2, 25.1).
#ifndef DIALGATE_SIP_ESCAPE_H
#define DIALGATE_SIP_ESCAPE_H

#include "message.h"
#include "write.h"

// Writes text as the value of a header in a URI (hvalue): what may not stand there is escaped.
void write_escaped(struct writer *writer, const void *octets, uint32_t length);

// Writes what an escaped text stands for. Returns 0; or -1, and nothing more is written, where a "%" has no
// two hexadecimal digits, or where they mean an octet that no header value may hold: CR, LF, NUL and other
// control octets would begin a header of their own.
int write_unescaped(struct writer *writer, const uint8_t *octets, struct span text);

// Reads one octet of escaped text at `at`, which is before end: *unit is the octet; or, where it is the
// escape of an octet that only means itself when it is escaped (RFC 2396 2.2 reserved, controls, above
// ASCII), 256 + octet. Returns the octet behind it.
const uint8_t *escape_unit(const uint8_t *at, const uint8_t *end, unsigned *unit);

#endif
