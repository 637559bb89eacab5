// SPDX-License-Identifier: BSD-3-Clause
// A received message as JSON, and what is read of it.
#ifndef DIALGATE_CONTROL_UA_MESSAGE_H
#define DIALGATE_CONTROL_UA_MESSAGE_H

#include <jansson.h>
#include "../../dataplane/sip/message.h"

// {"start", "headers": [[name, value], ...], "body", "body_base64"}: a new object, NULL without memory.
json_t *ua_message_json(const struct message *message);

// Octets as a JSON text: as they are when they are UTF-8, else escaped (rpc/text.h).
json_t *ua_text_json(const uint8_t *octets, size_t length);

// Whether a list of tokens (Allow, Supported) names this one.
bool ua_message_names(const struct message *message, unsigned kind, const char *token);

// Retry-After in seconds, -1: none.
long ua_message_retry_after(const struct message *message);

// Octets for free(), with a NUL behind them; NULL: no base64, or no memory.
char *ua_base64_octets(const char *text, size_t length, size_t *octets);

#endif
