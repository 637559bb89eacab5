// SPDX-License-Identifier: BSD-3-Clause
// Edits of whole headers and of URIs of a received message, made of the edits of write.h. They change nothing
// where the message has no place for them. Values must stay on one line: text with a line end or another
// control octet sets overflow.
#ifndef DIALGATE_SIP_EDIT_HEADER_H
#define DIALGATE_SIP_EDIT_HEADER_H

#include "uri.h"
#include "write.h"

// A line before the first header of this kind, so that it becomes the topmost; where there is none, before
// the empty line.
void edit_header_insert(struct edits *edits, const struct message *message, enum sip_header kind,
                        const char *value);

// All lines of this kind.
void edit_header_remove(struct edits *edits, const struct message *message, enum sip_header kind);

// The first line of this kind gets this value and the others go; where there is none, one is added.
void edit_header_replace(struct edits *edits, const struct message *message, enum sip_header kind,
                         const char *value);

// The Request-URI of a request.
void edit_request_uri(struct edits *edits, const struct message *message, const char *uri);

// The URI of an address as address_next() found it; a bare one gets angle brackets.
void edit_address_uri(struct edits *edits, const struct address *address, const char *uri);

#endif
