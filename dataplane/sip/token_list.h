// SPDX-License-Identifier: BSD-3-Clause
// Comma-joined tokens: Require, Proxy-Require, Supported, Unsupported, Allow, Allow-Events
// (RFC 3261 20.5, 20.32, 20.37; RFC 6665 8.2.2).
#ifndef DIALGATE_SIP_TOKEN_LIST_H
#define DIALGATE_SIP_TOKEN_LIST_H

#include "message.h"

// Walks the tokens: *at starts as 0 and is an offset into `value` afterwards. Returns 1 with a token, 0 at
// the end, -1 where the text is none. An empty value is an empty list.
int token_list_next(const uint8_t *octets, struct span value, uint32_t *at, struct span *token);

// Whether the list holds a token, compared without case. Text behind a fault is not looked at.
bool token_list_has(const uint8_t *octets, struct span value, const char *token);

#endif
