// SPDX-License-Identifier: BSD-3-Clause
// Quoted strings (RFC 3261 25.1).
#ifndef DIALGATE_SIP_QUOTED_H
#define DIALGATE_SIP_QUOTED_H

#include "message.h"
#include "write.h"

// What stands between the quotes, quoted pairs as they are. Text without quotes comes back whole.
struct span quoted_inside(const uint8_t *octets, struct span value);

// Writes the text that a quoted string stands for: without quotes and backslashes. Text without quotes is
// written as it is.
void write_unquoted(struct writer *writer, const uint8_t *octets, struct span value);

// Writes text as a quoted string. What cannot be in one, even behind a backslash (CR and LF), sets overflow.
void write_quoted(struct writer *writer, const void *octets, uint32_t length);

#endif
