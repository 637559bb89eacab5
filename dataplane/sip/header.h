// SPDX-License-Identifier: BSD-3-Clause
// Names of headers and methods.
#ifndef DIALGATE_SIP_HEADER_H
#define DIALGATE_SIP_HEADER_H

#include "message.h"

// The kind of a header by its name, long or compact (RFC 3261 7.3.3), without case. HEADER_OTHER when
// unknown.
enum sip_header header_find(const uint8_t *name, size_t length);

// "Call-ID" ...; "" for HEADER_OTHER and whatever else.
const char *header_text(unsigned kind);

// The method of a token, which is compared with case (RFC 3261 7.1). METHOD_OTHER when unknown.
enum sip_method method_find(const uint8_t *name, size_t length);

// "INVITE" ...; "OTHER" for METHOD_OTHER and whatever else.
const char *method_text(unsigned method);

#endif
