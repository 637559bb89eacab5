// SPDX-License-Identifier: BSD-3-Clause
// Writes back what uri.h reads: write_X(X_read(text)) is text, white space and leading zeros aside. Spans are
// relative to octets.
#ifndef DIALGATE_SIP_WRITE_VALUE_H
#define DIALGATE_SIP_WRITE_VALUE_H

#include "uri.h"
#include "write.h"

void write_uri(struct writer *writer, const uint8_t *octets, const struct uri *uri);

// With angle brackets always: what follows then is of the address, not of the URI (RFC 3261 20.10).
void write_address(struct writer *writer, const uint8_t *octets, const struct address *address);

void write_via(struct writer *writer, const uint8_t *octets, const struct via *via);

#endif
